#include "net/http2_connection.h"

#include <algorithm>
#include <array>

namespace knfe::net {

namespace {

constexpr std::size_t kReadSize = 16 << 10;       // the largest TLS record
constexpr std::size_t kBytesPerTurn = 128 << 10;  // then the others on the loop have theirs

}  // namespace

Http2Connection::Http2Connection(Loop& loop, std::shared_ptr<Connection> connection, const Limits& limits, Changed changed)
    : loop_(loop),
      connection_(std::move(connection)),
      limits_(limits),
      changed_(std::move(changed)),
      heard_(boot_now()),
      idle_since_(heard_) {}

void Http2Connection::begin() {
  watch(limits_.silence);
  flush_later();
  receive();
}

Result<std::int32_t> Http2Connection::start(Http2Session::Stream& stream, const Request& request, std::string_view authority) {
  used_ = true;
  auto id = session_.start(stream, request, authority);
  full_ = full_ || room() == 0;
  flush_later();
  return id;
}

void Http2Connection::cancel(std::int32_t id) {
  session_.cancel(id);
  if (session_.streams() == 0) idle_since_ = boot_now();
  flush_later();
}

std::size_t Http2Connection::room() const {
  if (over_ || retired_ || doubtful_ || deaf_ || !session_.greeted() || !session_.accepts()) return 0;
  return session_.capacity() - std::min(session_.capacity(), session_.streams());
}

void Http2Connection::receive() {
  auto self = shared_from_this();      // any event may drop the last owner
  std::array<char, kReadSize> buffer;  // on the stack: whoever waits for bytes needs no room for them
  const bool busy = session_.streams() > 0;
  for (std::size_t taken = 0; taken < kBytesPerTurn;) {
    const auto attempt = connection_->read(buffer);
    if (attempt.outcome == Attempt::Outcome::kWantRead || attempt.outcome == Attempt::Outcome::kWantWrite) break;
    if (!hear(attempt, std::string_view(buffer.data(), attempt.bytes))) return;
    if (connection_->drained()) break;
    taken += attempt.bytes;
  }
  if (busy && session_.streams() == 0) idle_since_ = boot_now();
  connection_->readable([this] { receive(); });
  flush_later();
  look_for_room();
}

// True while the connection is of use.
bool Http2Connection::hear(const Attempt& attempt, std::string_view bytes) {
  if (attempt.outcome == Attempt::Outcome::kDone) {
    heard_ = boot_now();
    doubtful_ = asking_ = false;
    const auto taken = session_.feed(bytes);
    if (!taken) end(taken.error());
  } else if (attempt.outcome == Attempt::Outcome::kEnd) {
    end({Code::kUnavailable,
         session_.streams() ? "the connection ended before the answer did" : "the server closed the connection",
         {},
         {},
         0});
  } else {
    end(attempt.error);
  }
  return !over_;
}

void Http2Connection::flush_later() {
  if (flushing_ || over_) return;
  flushing_ = true;
  loop_.at_end_of_turn([weak = weak_from_this()] {
    if (auto self = weak.lock()) self->flush();
  });
}

void Http2Connection::flush() {
  auto self = shared_from_this();
  look_for_room();  // a stream may have been given up; what begins by that is of this flush
  flushing_ = false;
  while (!over_ && !deaf_) {
    if (written_ == output_.size()) {
      output_.clear();
      written_ = 0;
      if (const auto taken = session_.take(output_, kReadSize); !taken) return end(taken.error());
      if (output_.empty()) break;
    }
    const auto attempt = connection_->write(std::string_view(output_).substr(written_));
    if (attempt.outcome == Attempt::Outcome::kDone) {
      written_ += attempt.bytes;
    } else if (attempt.outcome == Attempt::Outcome::kFailed) {
      // The server may have said why before it closed.
      deaf_ = true;
    } else {
      flushing_ = true;
      return connection_->writable([this] { flush(); });
    }
  }
  if (over_ || deaf_) return;
  const bool last = retired_ && session_.streams() == 0;
  if (session_.over() || last) end(session_.reason("the connection is at its end"));
}

void Http2Connection::watch(Duration delay) {
  timer_ = loop_.after(delay, [this] { look(); });
}

void Http2Connection::ask() {
  if (asking_) return;
  asking_ = true;
  session_.ping();
  flush_later();
  watch(limits_.patience);
}

void Http2Connection::look() {
  const auto now = boot_now();
  const auto silent = now - heard_;
  if (asking_) {
    return end({Code::kUnavailable,
                "nothing came from the server for " + std::to_string(silent.count()) + " ms, nor an answer to a PING",
                {},
                {},
                0});
  }
  if (session_.streams() == 0 && now - idle_since_ >= limits_.idle)
    return end({Code::kUnavailable, "not used any more", {}, {}, 0});
  if (silent >= limits_.silence) return ask();
  watch(limits_.silence - silent);
}

void Http2Connection::doubt(Instant since) {
  if (over_ || heard_ > since) return;
  doubtful_ = full_ = true;
  ask();
}

void Http2Connection::retire() {
  retired_ = true;
  flush_later();
}

void Http2Connection::close() {
  over_ = true;
  changed_ = nullptr;
  timer_.reset();
  connection_->close();
}

void Http2Connection::end(const Error& error) {
  if (std::exchange(over_, true)) return;
  auto self = shared_from_this();
  timer_.reset();
  connection_->close();
  session_.break_off(error);
  tell(std::unexpected(error));
}

void Http2Connection::look_for_room() {
  if (std::exchange(full_, room() == 0) && !full_) tell({});
}

void Http2Connection::tell(const Result<void>& news) {
  if (const auto changed = changed_) changed(*this, news);  // a copy: it may close this
}

}  // namespace knfe::net
