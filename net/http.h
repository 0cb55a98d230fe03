// HTTP messages as values (RFC 9110), and what a client of one server does.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "net/loop.h"

namespace knfe::net {

using Headers = std::vector<std::pair<std::string, std::string>>;

// The first value of a header, compared without case; empty if there is none.
std::string_view header(const Headers& headers, std::string_view name);

struct Request {
  std::string method = "GET";
  std::string target = "/";  // path and query, percent-encoded
  Headers headers = {};      // without Host, Content-Length, Connection and the like: they are added, or not used
  std::string body = {};
  Duration timeout = std::chrono::seconds(30);  // for the whole exchange; of a stream: for its head
  Duration longest{0};                          // of a stream, from its head: then it is broken off. 0: no limit
  bool apart = false;  // HTTP/2: over a connection that no others share, so that nothing they do can hold it up
  // Asked right before it is written to a connection, each time that it is: where it says no, the exchange ends as
  // Code::kCanceled, and nothing was sent.
  std::function<bool()> may_go = {};
};

// Of a target's query, "?a=1&b=2", as it stands there; empty if there is none.
std::string parameter(std::string_view target, std::string_view name);

struct Response {
  int status = 0;
  Headers headers = {};
  std::string body = {};
};

// What a long answer (a watch, a log) tells while it lasts. Each is called on the loop's thread, in this order:
// on_head once, on_data any number of times, on_end once - unless the handle is dropped before. Where no head came,
// on_end alone tells why. Any of them may drop the handle or destroy the client.
struct StreamEvents {
  std::function<void(int status, const Headers&)> on_head = {};
  std::function<void(std::string_view piece)> on_data = {};
  std::function<void(Result<void>)> on_end = {};  // a value: the server ended it properly
};

// One server as seen by one client: an interface so that tests and fault injectors can stand between. Destroying the
// client drops every exchange: no callback comes after that.
class Client {
 public:
  virtual ~Client() = default;
  // Calls `done` exactly once from the loop, never inline, unless the handle is dropped before. Code::kTimeout and
  // Code::kUnavailable after the request was sent mean that it may or may not have been carried out.
  [[nodiscard]] virtual Handle send(Request request, std::function<void(Result<Response>)> done) = 0;
  [[nodiscard]] virtual Handle stream(Request request, StreamEvents events) = 0;
};

}  // namespace knfe::net
