// Tunnel: the way to a server through an HTTP proxy (CONNECT), dug over one connected, non-blocking socket before anything else
// is said on it. What follows the proxy's head is left in the socket: it is the server's.
//
// The head is limited to 16 KiB. Errors speak of the proxy as "it", and never repeat credentials, nor what it said.
#pragma once

#include <string>

#include "net/attempt.h"
#include "net/https_client.h"

namespace knfe::net {

class Tunnel {
 public:
  // To the server of `endpoint`, through its proxy. The socket stays the caller's and must outlive this.
  Tunnel(int socket, const Endpoint& endpoint);

  // One attempt, which never waits. Done: what is read next comes from the server.
  Attempt dig();

 private:
  Attempt ask();
  Attempt hear();
  Attempt judge() const;

  const int socket_;
  const std::string server_;  // host:port
  const bool named_;          // we say who we are
  std::string request_;       // what is still to be sent of it
  std::string head_;
};

}  // namespace knfe::net
