#include "net/tls_context.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <array>

namespace knfe::net {

namespace {

constexpr std::size_t kReadAhead = 64 << 10;

struct FreeBio {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
struct FreeX509 {
  void operator()(X509* certificate) const { X509_free(certificate); }
};
struct FreeKey {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
using CertificatePtr = std::unique_ptr<X509, FreeX509>;

// OpenSSL would ask for the password of an encrypted key on the terminal.
int no_password(char*, int, int, void*) { return -1; }

std::unique_ptr<BIO, FreeBio> reader(const std::string& pem) {
  return std::unique_ptr<BIO, FreeBio>(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

// The certificates of a PEM text in their order; empty if one of them, or the text, is broken.
std::vector<CertificatePtr> certificates(const std::string& pem) {
  std::vector<CertificatePtr> found;
  const auto bio = reader(pem);
  ERR_clear_error();
  while (auto* next = PEM_read_bio_X509(bio.get(), nullptr, no_password, nullptr)) found.emplace_back(next);
  const auto error = ERR_peek_last_error();
  ERR_clear_error();
  const bool whole = ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
  if (!whole) found.clear();
  return found;
}

bool is_address(const std::string& host) {
  std::array<unsigned char, sizeof(in6_addr)> ignored{};
  return inet_pton(AF_INET, host.c_str(), ignored.data()) == 1 || inet_pton(AF_INET6, host.c_str(), ignored.data()) == 1;
}

}  // namespace

void TlsContext::Free::operator()(ssl_ctx_st* context) const { SSL_CTX_free(context); }
void TlsContext::Free::operator()(ssl_session_st* session) const { SSL_SESSION_free(session); }

Result<std::unique_ptr<TlsContext>> TlsContext::make(const Endpoint& endpoint) {
  std::unique_ptr<TlsContext> made(new TlsContext(endpoint));
  if (auto done = made->trust(endpoint.ca_pem); !done) return std::unexpected(std::move(done).error());
  if (auto done = made->identify(endpoint.certificate_pem, endpoint.key_pem); !done) {
    return std::unexpected(std::move(done).error());
  }
  return made;
}

TlsContext::TlsContext(const Endpoint& endpoint)
    : context_(SSL_CTX_new(TLS_client_method())),
      server_name_(endpoint.server_name.empty() ? endpoint.host : endpoint.server_name),
      insecure_(endpoint.insecure) {
  KNFE_CHECK(context_ != nullptr);
  SSL_CTX* context = context_.get();
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  // One recv() for what is there, not two for each record. The buffers stay: giving them back and taking them anew for each
  // record was a fifth of the processor time of writes.
  SSL_CTX_set_read_ahead(context, 1);
  // On the one connection of HTTP/2 much comes at once, in many small records.
  if (endpoint.http2) SSL_CTX_set_default_read_buffer_len(context, kReadAhead);
  SSL_CTX_set_verify(context, insecure_ ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, nullptr);
  // The server takes one, or says nothing and means HTTP/1.1.
  static constexpr unsigned char kProtocols[] = "\x02h2\x08http/1.1";
  constexpr unsigned kBoth = sizeof kProtocols - 1, kOnlyHttp2 = 3;
  SSL_CTX_set_alpn_protos(context, endpoint.http2 ? kProtocols : kProtocols + kOnlyHttp2,
                          endpoint.http2 ? kBoth : kBoth - kOnlyHttp2);
  SSL_CTX_set_app_data(context, this);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, keep_session);
}

Result<void> TlsContext::trust(const std::string& ca_pem) {
  if (insecure_) return {};
  // Any certificate of the bundle is an anchor, also one that is not self-signed: as Go, and so kubectl, has it.
  X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context_.get()), X509_V_FLAG_PARTIAL_CHAIN);
  if (ca_pem.empty()) {
    if (SSL_CTX_set_default_verify_paths(context_.get()) != 1) {
      return fail(Code::kInvalid, "the system's certificate authorities cannot be read", "certificate authority");
    }
    return {};
  }
  const auto anchors = certificates(ca_pem);
  if (anchors.empty()) return fail(Code::kInvalid, "not a PEM list of certificates", "certificate authority");
  for (const auto& anchor : anchors) X509_STORE_add_cert(SSL_CTX_get_cert_store(context_.get()), anchor.get());
  ERR_clear_error();  // a certificate that is there twice is no harm
  return {};
}

Result<void> TlsContext::identify(const std::string& certificate_pem, const std::string& key_pem) {
  if (certificate_pem.empty() && key_pem.empty()) return {};
  if (certificate_pem.empty() || key_pem.empty()) {
    return fail(Code::kInvalid, "a client certificate needs its key, and a key its certificate", "client certificate");
  }
  auto chain = certificates(certificate_pem);
  if (chain.empty()) return fail(Code::kInvalid, "not a PEM list of certificates", "client certificate");
  const std::unique_ptr<EVP_PKEY, FreeKey> key(PEM_read_bio_PrivateKey(reader(key_pem).get(), nullptr, no_password, nullptr));
  ERR_clear_error();
  if (!key) return fail(Code::kInvalid, "not a PEM private key without password", "client key");

  SSL_CTX* context = context_.get();
  bool accepted = SSL_CTX_use_certificate(context, chain.front().get()) == 1;
  for (std::size_t i = 1; accepted && i < chain.size(); ++i) accepted = SSL_CTX_add1_chain_cert(context, chain[i].get()) == 1;
  if (!accepted) {
    ERR_clear_error();
    return fail(Code::kInvalid, "OpenSSL refuses the certificate: its key may be too weak", "client certificate");
  }
  const bool fits = SSL_CTX_use_PrivateKey(context, key.get()) == 1;
  ERR_clear_error();
  if (!fits) return fail(Code::kInvalid, "the key is not the certificate's", "client key");
  return {};
}

std::unique_ptr<TlsSession> TlsContext::open(int socket) {
  SSL* session = SSL_new(context_.get());
  KNFE_CHECK(session != nullptr);
  X509_VERIFY_PARAM* param = SSL_get0_param(session);
  if (is_address(server_name_)) {
    X509_VERIFY_PARAM_set1_ip_asc(param, server_name_.c_str());
  } else {
    // As browsers and Go: names of the subject do not count, only alternative names do.
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    KNFE_CHECK(X509_VERIFY_PARAM_set1_host(param, server_name_.data(), server_name_.size()) == 1);
    SSL_set_tlsext_host_name(session, server_name_.c_str());
  }
  if (ticket_) SSL_set_session(session, ticket_.get());
  return std::make_unique<TlsSession>(session, socket);
}

int TlsContext::keep_session(ssl_st* session, ssl_session_st* ticket) {
  auto* self = static_cast<TlsContext*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(session)));
  self->ticket_.reset(ticket);
  return 1;  // the reference is ours now
}

}  // namespace knfe::net
