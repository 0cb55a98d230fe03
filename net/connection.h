// Connection: one TCP connection, under TLS or not. It is opened once, used by one exchange at a time - or by one Http2Connection
// - and closed for good.
//
// Reading and writing are single attempts that never wait; ready() waits. So an idle connection holds no buffer at all,
// and whoever reads can do so into its stack.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string_view>

#include "net/attempt.h"
#include "net/https_client.h"
#include "net/tls_context.h"

namespace knfe::net {

class Connection {
 public:
  virtual ~Connection() = default;

  // Resolves, connects address by address, goes through the endpoint's proxy if it has one, and shakes hands, all within `limit`.
  // Calls `done` once from the loop.
  virtual void open(Duration limit, std::function<void(Result<void>)> done) = 0;
  virtual Attempt read(std::span<char> into) = 0;
  virtual Attempt write(std::string_view bytes) = 0;
  // Calls `task` once from the loop: when the socket is ready for what the last attempt wanted, or soon if it wanted
  // nothing. One task at a time.
  virtual void ready(std::function<void()> task) = 0;
  // The same for one direction alone: one task for each, both at a time.
  virtual void readable(std::function<void()> task) = 0;
  virtual void writable(std::function<void()> task) = 0;
  // True if another read would find nothing.
  virtual bool drained() const = 0;
  virtual bool speaks_http2() const = 0;  // once it is open
  // True if an idle connection is still good for another request: the peer sent nothing and did not close.
  virtual bool quiet() = 0;
  virtual bool uses(const std::shared_ptr<TlsContext>& tls) const = 0;
  // Drops the pending callback. Nothing else may be called afterwards.
  virtual void close() = 0;
};

// `tls` is null for plain TCP. The loop outlives the connection's close().
std::shared_ptr<Connection> make_connection(Loop& loop, const Endpoint& endpoint, std::shared_ptr<TlsContext> tls);

}  // namespace knfe::net
