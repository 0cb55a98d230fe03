// Http2Connection: many exchanges at once over one connection.
//
// What is asked in one turn of the loop leaves in one write, after the turn; so do window updates and answers to PINGs.
// After `silence` without a byte from the server it is asked by a PING whether it lives, and is taken for dead `patience` later.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "net/connection.h"
#include "net/http2_session.h"

namespace knfe::net {

class Http2Connection final : public std::enable_shared_from_this<Http2Connection> {
 public:
  struct Limits {
    Duration silence, patience;
    Duration idle;  // without a stream for that long it closes
  };

  using Changed = std::function<void(Http2Connection&, const Result<void>&)>;

  // Takes an open connection. `changed` is told when the server has greeted and takes streams, when it takes them again, and, by
  // an error, when it is over; nothing after close().
  Http2Connection(Loop& loop, std::shared_ptr<Connection> connection, const Limits& limits, Changed changed);

  void begin();
  Result<std::int32_t> start(Http2Session::Stream& stream, const Request& request, std::string_view authority);
  void cancel(std::int32_t id);
  // A stream that was started at `since` had no answer in time. If nothing else came either, no new ones are given to this
  // connection until something does, and it is asked whether it lives.
  void doubt(Instant since);
  void retire();  // no new streams; closes when the last has ended
  void close();   // drops all; nobody is told

  std::size_t room() const;  // for how many more streams; 0 also if it takes none any more
  std::size_t capacity() const { return session_.capacity(); }
  bool used() const { return used_; }  // it has had streams
  bool uses(const std::shared_ptr<TlsContext>& tls) const { return connection_->uses(tls); }

 private:
  void receive();
  void flush_later();
  void flush();
  bool hear(const Attempt& attempt, std::string_view bytes);
  void watch(Duration delay);
  void look();
  void ask();
  void end(const Error& error);
  void look_for_room();
  void tell(const Result<void>& news);

  Loop& loop_;
  const std::shared_ptr<Connection> connection_;
  const Limits limits_;
  Changed changed_;
  Http2Session session_;
  std::string output_;
  std::size_t written_ = 0;  // of it
  Handle timer_;
  Instant heard_, idle_since_;
  bool flushing_ = false;  // at the end of this turn, or when the socket takes more
  bool deaf_ = false;      // writing has failed: reading will say why
  bool asking_ = false;
  bool doubtful_ = false;
  bool full_ = true;  // when room was looked for last
  bool retired_ = false;
  bool used_ = false;
  bool over_ = false;
};

}  // namespace knfe::net
