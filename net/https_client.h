// HttpsClient: net::Client over TCP and TLS (OpenSSL on Asio's sockets), HTTP/2 (nghttp2) or HTTP/1.1 (answers read by Beast's
// parser), as the server chooses.
//
// HTTP/1.1: each exchange has a connection of its own while it lasts; idle ones are kept (at most `max_idle`, for a minute) and
// reused. HTTP/2: all share one connection, but for those that want to be apart; beyond the server's limit another is opened.
// A request that fails on a connection that was used before, and before any byte of an answer came, is sent once more if its
// method is GET. What an HTTP/2 server has surely not acted on is sent again, three times at most; nothing else is ever sent
// twice. At most `max_in_flight` exchanges (streams not counted) are on
// the wire; the others wait in order, and their time runs. Heads are limited to 64 KiB, the bodies of answers to `max_body`
// bytes; a stream's body is never kept and has no limit.
// TLS 1.2 or newer; the server's alternative names must fit; sessions are resumed.
// Silent death: TCP keep-alive (15 s idle, 5 s interval, 3 probes) and TCP_USER_TIMEOUT 30 s on every connection.
#pragma once

#include <memory>
#include <string>

#include "net/http.h"

namespace knfe::net {

// An HTTP proxy on the way to a server, which opens a tunnel (CONNECT).
struct Proxy {
  std::string host = {};  // as an Endpoint's; empty: none
  std::string port = {};
  std::string credentials = {};  // "user:password", as they are; empty: none. A secret
  bool operator==(const Proxy&) const = default;
};

struct Endpoint {
  std::string host = {};  // name or address; IPv6 without brackets
  std::string port = {};
  bool tls = true;
  std::string ca_pem = {};           // trust anchors; empty: the system's
  std::string certificate_pem = {};  // client certificate chain and key; both or none
  std::string key_pem = {};
  std::string server_name = {};  // for SNI and verification; empty: host
  bool insecure = false;         // do not verify the server: only where a user's kubeconfig says so
  bool http2 = true;             // offer it; the server chooses
  Proxy proxy = {};              // it looks names up, too
};

struct ClientSettings {
  std::size_t max_idle = 32;  // fewer than may be in flight, and a burst would shake hands again and again
  std::size_t max_in_flight = 32;
  std::size_t max_body = 64u << 20;
  Duration connect_timeout = std::chrono::seconds(10);
  Duration silence = std::chrono::seconds(30);   // HTTP/2: then a PING asks whether the server lives
  Duration patience = std::chrono::seconds(15);  // for the answer to it
};

// A client whose trust and own certificate can be exchanged while it works.
class RenewableClient : public Client {
 public:
  // New connections use the certificates of `endpoint` and go by its proxy, idle ones are closed, shared ones take no new
  // requests; what is under way goes on to its end. Host, port and the rest of it do not count. Fails, and leaves all as it was,
  // on certificates or keys that cannot be read.
  virtual Result<void> renew(const Endpoint& endpoint) = 0;
};

// Fails on certificates or keys that cannot be read.
Result<std::unique_ptr<RenewableClient>> make_https_client(Loop& loop, Endpoint endpoint, ClientSettings settings = {});

}  // namespace knfe::net
