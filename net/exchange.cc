#include "net/exchange.h"

#include <array>

namespace knfe::net {

namespace {

constexpr std::size_t kReadSize = 16 << 10;  // the largest TLS record
constexpr int kReadsPerTurn = 8;             // then the others on the loop have theirs

}  // namespace

Exchange::Exchange(Loop& loop, Pool& pool, Plan plan, StreamEvents events, std::function<void(Exchange&)> leave)
    : loop_(loop), pool_(pool), plan_(std::move(plan)), events_(std::move(events)), leave_(std::move(leave)) {
  timer_ = loop_.after(
      plan_.timeout, [this] { end(fail(Code::kTimeout, "no answer within " + std::to_string(plan_.timeout.count()) + " ms")); });
}

Exchange::~Exchange() { abandon(); }

void Exchange::begin() {
  if (over_) return;
  if (!plan_.text) return end(std::unexpected(plan_.text.error()));
  open(false);
}

void Exchange::open(bool fresh) {
  reader_ = std::make_unique<ResponseReader>(*this, plan_.reading);
  sent_ = 0;
  connection_ = fresh ? nullptr : pool_.idle();
  reused_ = connection_ != nullptr;
  if (reused_) return work();
  connection_ = pool_.fresh();
  connection_->open(plan_.connect_timeout, [this](Result<void> opened) {
    if (!opened) return end(std::move(opened));
    work();
  });
}

void Exchange::work() {
  auto self = shared_from_this();  // any event may drop the handle
  if (send()) receive();
}

// True when there is nothing more to send. A server may answer and close before it has read everything: whether a
// failed write matters is seen by reading.
bool Exchange::send() {
  while (sent_ < plan_.text->size()) {
    const auto attempt = connection_->write(std::string_view(*plan_.text).substr(sent_));
    if (attempt.outcome == Attempt::Outcome::kFailed) return true;
    if (attempt.outcome != Attempt::Outcome::kDone) {
      connection_->ready([this] { work(); });
      return false;
    }
    sent_ += attempt.bytes;
  }
  return true;
}

void Exchange::receive() {
  std::array<char, kReadSize> buffer;  // on the stack: whoever waits for bytes needs no room for them
  for (int turn = 0; turn < kReadsPerTurn; ++turn) {
    const auto attempt = connection_->read(buffer);
    if (attempt.outcome == Attempt::Outcome::kWantRead || attempt.outcome == Attempt::Outcome::kWantWrite) break;
    if (!digest(attempt, std::string_view(buffer.data(), attempt.bytes))) return;
  }
  connection_->ready([this] { work(); });
}

// True while this connection has more to bring.
bool Exchange::digest(const Attempt& attempt, std::string_view bytes) {
  if (attempt.outcome == Attempt::Outcome::kDone) {
    auto taken = reader_->feed(bytes);
    if (taken && !reader_->complete()) return true;
    end(std::move(taken));
  } else if (attempt.outcome == Attempt::Outcome::kEnd) {
    auto finished = reader_->finish();
    finished ? end({}) : broken(std::move(finished).error());
  } else {
    broken(attempt.error);
  }
  return false;
}

// The connection died. Only if it was a kept one may the server have closed it without having seen the request.
void Exchange::broken(Error error) {
  if (!reused_ || !plan_.repeatable || reader_->started()) return end(std::unexpected(std::move(error)));
  release_connection(false);
  open(true);
}

void Exchange::end(Result<void> result) {
  if (over_) return;
  auto self = shared_from_this();
  over_ = true;
  timer_.reset();
  const bool sent_all = plan_.text && sent_ == plan_.text->size();
  release_connection(result.has_value() && sent_all && reader_->keeps_connection());
  leave_(*this);
  if (!result && result.error().where.empty()) result.error().where = plan_.where;
  if (events_.on_end) events_.on_end(std::move(result));
}

void Exchange::cancel() {
  if (over_) return;
  auto self = shared_from_this();
  abandon();
  leave_(*this);
}

void Exchange::abandon() {
  over_ = true;
  timer_.reset();
  release_connection(false);
}

void Exchange::release_connection(bool reusable) {
  auto connection = std::exchange(connection_, nullptr);
  if (!connection) return;
  if (reusable) return pool_.keep(std::move(connection));
  connection->close();
}

bool Exchange::on_head(int status, Headers headers) {
  if (plan_.timeout_ends_at_head) timer_.reset();
  if (events_.on_head) events_.on_head(status, headers);
  return !over_;
}

bool Exchange::on_body(std::string_view piece) {
  if (events_.on_data) events_.on_data(piece);
  return !over_;
}

}  // namespace knfe::net
