// Server: a small HTTP/1.1 server for probes and metrics. Plain text, no TLS, GET only, few connections, 8 KiB of head,
// some seconds per exchange: whatever is beyond that is closed.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "net/http.h"

namespace knfe::net {

struct ServerSettings {
  std::size_t max_connections = 64;
  Duration exchange_limit = std::chrono::seconds(10);  // from the wait for a request until it is there; of its answer
};

class Server {
 public:
  using Answer = std::function<void(const Response&)>;  // to be called once, now or later; by then the peer may be gone
  using Handler =
      std::function<void(const Request&, const Answer&)>;  // on the loop's thread; must not block; may destroy the server
  // For who knows the answer at once.
  static Handler at_once(std::function<Response(const Request&)> handler);

  // `address` is "host:port" (":8080" for every address; port 0 picks one). Fails if it cannot be bound.
  static Result<std::unique_ptr<Server>> listen(Loop& loop, const std::string& address, Handler handler,
                                                const ServerSettings& settings = {});
  virtual ~Server() = default;  // closes all connections
  virtual int port() const = 0;
};

// An answer for people, as text/plain.
Response text_response(int status, std::string body);

}  // namespace knfe::net
