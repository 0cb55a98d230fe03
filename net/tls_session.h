// TlsSession: TLS over one connected, non-blocking socket. Each call is one attempt and never waits.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "net/attempt.h"

struct ssl_st;

namespace knfe::net {

class TlsSession {
 public:
  struct Wire {
    int socket;
    bool emptied = false;  // by the last recv()
  };
  // Takes `session` (an SSL*, made by TlsContext); the socket stays the caller's and must outlive this.
  TlsSession(ssl_st* session, int socket);
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;

  Attempt handshake();
  Attempt read(std::span<char> into);
  Attempt write(std::string_view bytes);
  // True if the last read, and what is decrypted already, took all that the socket had: another would find nothing.
  bool drained() const;
  // What was agreed on by ALPN; empty if the server does not know of it.
  std::string_view protocol() const;
  // Says good-bye if that is possible at once. Without it OpenSSL would not resume the session later.
  void close();

 private:
  Attempt judge(int result);

  struct Free {
    void operator()(ssl_st* session) const;
  };
  Wire wire_;
  const std::unique_ptr<ssl_st, Free> session_;
};

}  // namespace knfe::net
