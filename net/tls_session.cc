#include "net/tls_session.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <string>
#include <system_error>

namespace knfe::net {

namespace {

// OpenSSL's own socket BIO writes without MSG_NOSIGNAL: a peer that went away would kill the process by SIGPIPE.
TlsSession::Wire& wire_of(BIO* bio) { return *static_cast<TlsSession::Wire*>(BIO_get_data(bio)); }

bool worth_retrying() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

int bio_write(BIO* bio, const char* bytes, int size) {
  BIO_clear_retry_flags(bio);
  const auto sent = send(wire_of(bio).socket, bytes, static_cast<std::size_t>(size), MSG_NOSIGNAL);
  if (sent < 0 && worth_retrying()) BIO_set_retry_write(bio);
  return static_cast<int>(sent);
}

int bio_read(BIO* bio, char* into, int size) {
  BIO_clear_retry_flags(bio);
  auto& wire = wire_of(bio);
  const auto got = recv(wire.socket, into, static_cast<std::size_t>(size), 0);
  wire.emptied = got > 0 && got < size;
  if (got < 0 && worth_retrying()) BIO_set_retry_read(bio);
  return static_cast<int>(got);
}

long bio_control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

BIO* make_socket_bio(TlsSession::Wire* wire) {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket without SIGPIPE");
    KNFE_CHECK(made != nullptr);
    BIO_meth_set_write(made, bio_write);
    BIO_meth_set_read(made, bio_read);
    BIO_meth_set_ctrl(made, bio_control);
    return made;
  }();
  BIO* bio = BIO_new(method);
  KNFE_CHECK(bio != nullptr);
  BIO_set_data(bio, wire);
  BIO_set_init(bio, 1);
  return bio;
}

Error untrusted(long verdict) {
  const std::string reason = X509_verify_cert_error_string(verdict);
  switch (verdict) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return {Code::kUnavailable,
              "the server's certificate is for another name: " + reason,
              {},
              "use a name that the certificate has",
              0};
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return {Code::kUnavailable,
              "the server's certificate is not valid now: " + reason,
              {},
              "check the clocks, or renew the certificate",
              0};
    default:
      return {Code::kUnavailable,
              "the server's certificate is not trusted: " + reason,
              {},
              "is the certificate authority the server's own?",
              0};
  }
}

// Alerts by which a server refuses the client's certificate (RFC 8446, 6.2). In TLS 1.3 they come after the handshake.
bool refuses_our_certificate(int reason) {
  switch (reason - SSL_AD_REASON_OFFSET) {
    case SSL_AD_BAD_CERTIFICATE:
    case SSL_AD_UNSUPPORTED_CERTIFICATE:
    case SSL_AD_CERTIFICATE_REVOKED:
    case SSL_AD_CERTIFICATE_EXPIRED:
    case SSL_AD_CERTIFICATE_UNKNOWN:
    case SSL_AD_UNKNOWN_CA:
    case SSL_AD_ACCESS_DENIED:
    case SSL_AD_CERTIFICATE_REQUIRED:
      return true;
    default:
      return false;
  }
}

Error tls_error(const ssl_st* session) {
  const unsigned long error = ERR_get_error();
  ERR_clear_error();
  const int reason = ERR_GET_REASON(error);
  if (ERR_GET_LIB(error) == ERR_LIB_SSL) {
    if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED) return untrusted(SSL_get_verify_result(session));
    if (refuses_our_certificate(reason)) {
      const char* text = ERR_reason_error_string(error);
      return {Code::kForbidden, std::string("the server refuses our certificate: ") + (text ? text : "TLS alert"), {}, {}, 0};
    }
  }
  const char* text = ERR_reason_error_string(error);
  return {Code::kUnavailable, std::string("TLS: ") + (text ? text : "unknown error"), {}, {}, 0};
}

int clamped(std::size_t size) { return static_cast<int>(std::min(size, static_cast<std::size_t>(INT_MAX))); }

// What is left behind by an earlier call, or by another session, would be taken for this call's error.
void forget_errors() {
  ERR_clear_error();
  errno = 0;
}

}  // namespace

TlsSession::TlsSession(ssl_st* session, int socket) : wire_{socket}, session_(session) {
  BIO* bio = make_socket_bio(&wire_);
  SSL_set_bio(session, bio, bio);
}

void TlsSession::Free::operator()(ssl_st* session) const { SSL_free(session); }

Attempt TlsSession::handshake() {
  forget_errors();
  return judge(SSL_connect(session_.get()));
}

Attempt TlsSession::read(std::span<char> into) {
  forget_errors();
  return judge(SSL_read(session_.get(), into.data(), clamped(into.size())));
}

Attempt TlsSession::write(std::string_view bytes) {
  forget_errors();
  return judge(SSL_write(session_.get(), bytes.data(), clamped(bytes.size())));
}

bool TlsSession::drained() const { return wire_.emptied && SSL_has_pending(session_.get()) == 0; }

std::string_view TlsSession::protocol() const {
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(session_.get(), &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

void TlsSession::close() {
  if (SSL_is_init_finished(session_.get())) SSL_shutdown(session_.get());
  ERR_clear_error();
}

Attempt TlsSession::judge(int result) {
  if (result > 0) return Attempt::done(static_cast<std::size_t>(result));
  const int errno_then = errno;
  switch (SSL_get_error(session_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return Attempt::of(Attempt::Outcome::kWantRead);
    case SSL_ERROR_WANT_WRITE:
      return Attempt::of(Attempt::Outcome::kWantWrite);
    case SSL_ERROR_ZERO_RETURN:
      return Attempt::of(Attempt::Outcome::kEnd);
    case SSL_ERROR_SYSCALL:
      // An end without close_notify may be an attacker's cut: never a proper end.
      return Attempt::failed({Code::kUnavailable,
                              errno_then ? std::generic_category().message(errno_then) : "closed without TLS good-bye",
                              {},
                              {},
                              0});
    default:
      return Attempt::failed(tls_error(session_.get()));
  }
}

}  // namespace knfe::net
