// Http2Peer: an HTTP/2 server on the loopback, by nghttp2, that does to each request what the test says, in the test's loop.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "net/scripted_peer_test.h"

namespace knfe::net {

class Http2Peer {
 public:
  struct Call {
    int connection = 0;  // the first is 0
    std::int32_t stream = 0;
    Headers headers = {};
    std::string body = {};
    std::string of(std::string_view name) const { return std::string(header(headers, name)); }
    std::string path() const { return of(":path"); }
  };
  struct Seen {
    std::vector<Call> calls;  // whole requests, in order of arrival
    int connections = 0;
    int reads = 0;                      // pieces of TLS that had something in them, since the first request
    std::vector<std::uint32_t> resets;  // error codes of the client's RST_STREAMs
    int pings = 0;
    int ended = 0;  // connections that the client has closed
  };
  struct Traits {
    std::uint32_t max_streams = 100;
    std::string instead_of_greeting = {};  // these bytes, and nothing more
    std::uint32_t window = 65'535;         // for what the client sends on a stream
  };

  Http2Peer(Loop& loop, Traits traits);
  explicit Http2Peer(Loop& loop) : Http2Peer(loop, Traits()) {}
  ~Http2Peer();

  std::function<void(const Call&)> on_call;     // a request is there, with its body
  std::function<void(const Call&)> on_head;     // its head is
  std::function<void(std::uint32_t)> on_reset;  // the client gave one up
  std::function<void(int)> on_end;              // a connection is gone

  void answer(const Call& call, int status, const std::string& body = {}, Headers headers = {});
  void begin(const Call& call, int status, Headers headers = {});
  void piece(const Call& call, const std::string& text);
  void finish(const Call& call);
  void reset(const Call& call, std::uint32_t code);
  void go_away(int connection, std::int32_t last, std::uint32_t code = 0);
  void allow(int connection, std::uint32_t max_streams);  // from now on
  void raw(int connection, const std::string& bytes);
  void cut(int connection);   // without TLS good-bye
  void mute(int connection);  // reads nothing more, answers nothing more

  const Seen& seen() const;
  Endpoint endpoint() const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace knfe::net
