// Http2Session: the frames of one HTTP/2 connection (RFC 9113), by nghttp2, without any I/O of its own: bytes in, bytes out.
//
// Bodies are handed on as they come and never kept, so the windows (4 MiB a stream, 32 MiB the connection) bound what the kernel
// holds, not what is held here. A head is limited to 64 KiB. nghttp2 ends connections whose peer floods it with SETTINGS, PINGs,
// or CONTINUATIONs.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "net/http.h"
#include "net/response_reader.h"

struct nghttp2_session;

namespace knfe::net {

// How a stream ended.
struct Ending {
  enum class Kind {
    kComplete,
    kUnprocessed,  // the server has not acted on the request, and will not: it may be sent again, whatever it is
    kBroken,       // whether it was carried out is unknown
  };
  Kind kind = Kind::kComplete;
  Error error = {};  // why, unless it is complete
};

class Http2Session {
 public:
  // Who wants an answer. on_close() comes once and last, unless the stream is canceled before; all may do anything but destroy
  // the session.
  class Stream : public ResponseSink {
   public:
    virtual void on_close(Ending ending) = 0;
  };
  static constexpr std::size_t most_streams = 250;  // as many as an API server takes by default

  Http2Session();
  ~Http2Session();
  Http2Session(const Http2Session&) = delete;
  Http2Session& operator=(const Http2Session&) = delete;

  // Takes bytes of the server. An error: the connection is of no use any more.
  Result<void> feed(std::string_view bytes);
  // Appends what is to be sent, until there are `most` bytes or a little more.
  Result<void> take(std::string& into, std::size_t most);
  bool wants_to_send() const;
  // Nothing is to be sent, and nothing that comes would matter.
  bool over() const;

  // Its number. `request` (its body) must live until on_close() or cancel(). Fails if accepts() is false.
  Result<std::int32_t> start(Stream& stream, const Request& request, std::string_view authority);
  void cancel(std::int32_t id);  // no callback any more, the server is told
  void ping();
  // The connection is dead: ends all streams.
  void break_off(const Error& error);

  bool greeted() const { return greeted_; }  // the server has said who it is: its SETTINGS
  bool accepts() const;                      // new streams: no GOAWAY came, and numbers are left
  std::size_t streams() const { return open_.size(); }
  std::size_t capacity() const;  // streams at once
  // Why the connection ended, if nghttp2 has found a reason.
  Error reason(const char* otherwise) const;

 private:
  class Callbacks;
  struct Open;
  void close(std::int32_t id, Ending ending);

  struct Free {
    void operator()(nghttp2_session* session) const;
  };
  std::unique_ptr<nghttp2_session, Free> session_;
  std::map<std::int32_t, Open> open_;
  std::string complaint_;  // nghttp2's last, about the connection
  bool greeted_ = false;
  bool leaving_ = false;  // a GOAWAY came
};

}  // namespace knfe::net
