// TlsContext: whom a client trusts and who it is itself, for all its connections to one server.
#pragma once

#include <memory>
#include <string>

#include "net/https_client.h"
#include "net/tls_session.h"

struct ssl_ctx_st;
struct ssl_session_st;

namespace knfe::net {

class TlsContext {
 public:
  // Fails on certificates and keys that cannot be read; says which, never what is in them.
  static Result<std::unique_ptr<TlsContext>> make(const Endpoint& endpoint);

  // A session over `socket`, ready for its handshake; resumes the last one if the server let us. The context outlives it.
  std::unique_ptr<TlsSession> open(int socket);

 private:
  explicit TlsContext(const Endpoint& endpoint);
  Result<void> trust(const std::string& ca_pem);
  Result<void> identify(const std::string& certificate_pem, const std::string& key_pem);
  static int keep_session(ssl_st* session, ssl_session_st* ticket);

  struct Free {
    void operator()(ssl_ctx_st* context) const;
    void operator()(ssl_session_st* session) const;
  };
  std::unique_ptr<ssl_ctx_st, Free> context_;
  std::unique_ptr<ssl_session_st, Free> ticket_;
  std::string server_name_;
  bool insecure_;
};

}  // namespace knfe::net
