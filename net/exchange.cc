#include "net/exchange.h"

#include <array>

#include "net/message_text.h"

namespace knfe::net {

namespace {

constexpr std::size_t kReadSize = 16 << 10;  // the largest TLS record
constexpr int kReadsPerTurn = 8;             // then the others on the loop have theirs
constexpr int kMostRefusals = 3;

}  // namespace

Exchange::Exchange(Loop& loop, Pool& pool, Plan plan, StreamEvents events, std::function<void(Exchange&)> leave)
    : loop_(loop), pool_(pool), plan_(std::move(plan)), events_(std::move(events)), leave_(std::move(leave)) {
  timer_ = loop_.after(plan_.request.timeout, [this] { late(); });
}

Exchange::~Exchange() { abandon(); }

void Exchange::begin() {
  if (over_) return;
  if (!plan_.checked) return end(std::unexpected(plan_.checked.error()));
  seek(false);
}

void Exchange::late() {
  if (shared_) shared_->doubt(since_);
  end(fail(Code::kTimeout, "no answer within " + std::to_string(plan_.request.timeout.count()) + " ms"));
}

void Exchange::seek(bool fresh) {
  seeking_ = true;
  pool_.seek(*this, plan_.request.apart, fresh);
}

void Exchange::on_place(Result<Pool::Place> place) {
  seeking_ = false;
  if (!place) return end(std::unexpected(std::move(place).error()));
  if (plan_.request.may_go && !plan_.request.may_go()) {
    if (place->own) pool_.keep(std::move(place->own));
    return end(fail(Code::kCanceled, "not sent: it may not go any more"));
  }
  reused_ = place->reused;
  if (place->shared) {
    shared_ = std::move(place->shared);
    since_ = boot_now();
    auto started = shared_->start(*this, plan_.request, plan_.authority);
    if (!started) return end(std::unexpected(std::move(started).error()));
    stream_ = *started;
    return;
  }
  connection_ = std::move(place->own);
  reader_ = std::make_unique<ResponseReader>(*this, plan_.reading);
  if (text_.empty()) text_ = request_text(plan_.request, plan_.authority).value_or(std::string());
  sent_ = 0;
  work();
}

void Exchange::work() {
  auto self = shared_from_this();  // any event may drop the handle
  if (send()) receive();
}

// True when there is nothing more to send. A server may answer and close before it has read everything: whether a
// failed write matters is seen by reading.
bool Exchange::send() {
  while (sent_ < text_.size()) {
    const auto attempt = connection_->write(std::string_view(text_).substr(sent_));
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
  if (reader_) started_ = started_ || reader_->started();
  if (!reused_ || !plan_.repeatable || started_ || std::exchange(repeated_, true)) return end(std::unexpected(std::move(error)));
  release_connection(false);
  seek(true);
}

void Exchange::on_close(Ending ending) {
  auto self = shared_from_this();
  stream_ = 0;
  shared_.reset();
  switch (ending.kind) {
    case Ending::Kind::kComplete:
      return end({});
    case Ending::Kind::kUnprocessed:
      if (++refusals_ > kMostRefusals) return end(std::unexpected(std::move(ending.error)));
      return seek(true);
    case Ending::Kind::kBroken:
      return broken(std::move(ending.error));
  }
}

void Exchange::end(Result<void> result) {
  if (over_) return;
  auto self = shared_from_this();
  over_ = true;
  timer_.reset();
  release_connection(result.has_value() && reader_ && sent_ == text_.size() && reader_->keeps_connection());
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
  if (std::exchange(seeking_, false)) pool_.forget(*this);
  const auto id = std::exchange(stream_, 0);
  if (const auto shared = std::exchange(shared_, nullptr); shared && id != 0) shared->cancel(id);
  auto connection = std::exchange(connection_, nullptr);
  if (!connection) return;
  if (reusable) return pool_.keep(std::move(connection));
  connection->close();
}

bool Exchange::on_head(int status, Headers headers) {
  auto self = shared_from_this();
  started_ = true;
  if (plan_.timeout_ends_at_head) {
    timer_.reset();
    if (const auto longest = plan_.request.longest; longest.count() > 0) {
      timer_ = loop_.after(longest, [this, longest] {
        end(fail(Code::kTimeout, "the answer has not ended within " + std::to_string(longest.count()) + " ms"));
      });
    }
  }
  if (events_.on_head) events_.on_head(status, headers);
  return !over_;
}

bool Exchange::on_body(std::string_view piece) {
  auto self = shared_from_this();
  received_ += piece.size();
  if (shared_ && plan_.reading.max_body && received_ > *plan_.reading.max_body) {
    end(fail(Code::kInternal, "not an acceptable HTTP answer: the body is too long", {}, "ask for less at once"));
    return false;
  }
  if (events_.on_data) events_.on_data(piece);
  return !over_;
}

}  // namespace knfe::net
