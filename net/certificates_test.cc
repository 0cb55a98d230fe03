#include "net/certificates_test.h"

#include <doctest/doctest.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/result.h"

namespace knfe::net {

namespace {

constexpr long kYear = 365L * 24 * 3600;

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string text(data, static_cast<std::size_t>(size));
  BIO_free(bio);
  return text;
}

std::string pem_of(X509* certificate) {
  BIO* bio = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(bio, certificate);
  return text_of(bio);
}

std::string pem_of(EVP_PKEY* key) {
  BIO* bio = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
  return text_of(bio);
}

void extend(X509* certificate, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
  KNFE_CHECK(extension != nullptr);
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

X509* make(const std::string& name, EVP_PKEY* key, X509* issuer, bool expired) {
  static long serial = 0;
  X509* made = X509_new();
  X509_set_version(made, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(made), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(made), -2 * kYear);
  X509_gmtime_adj(X509_getm_notAfter(made), expired ? -kYear : kYear);
  X509_set_pubkey(made, key);
  X509_NAME* subject = X509_get_subject_name(made);
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  X509_set_issuer_name(made, issuer ? X509_get_subject_name(issuer) : subject);
  return made;
}

}  // namespace

void TestAuthority::Free::operator()(evp_pkey_st* key) const { EVP_PKEY_free(key); }
void TestAuthority::Free::operator()(x509_st* certificate) const { X509_free(certificate); }

TestAuthority::TestAuthority(const std::string& name)
    : key_(EVP_EC_gen("P-256")), certificate_(make(name, key_.get(), nullptr, false)) {
  extend(certificate_.get(), certificate_.get(), NID_basic_constraints, "critical,CA:TRUE");
  X509_sign(certificate_.get(), key_.get(), EVP_sha256());
  pem_ = pem_of(certificate_.get());
}

Identity TestAuthority::issue(const std::string& name, const std::string& alternative, bool expired) const {
  const std::unique_ptr<evp_pkey_st, Free> key(EVP_EC_gen("P-256"));
  const std::unique_ptr<x509_st, Free> made(make(name, key.get(), certificate_.get(), expired));
  if (!alternative.empty()) extend(made.get(), certificate_.get(), NID_subject_alt_name, alternative);
  X509_sign(made.get(), key_.get(), EVP_sha256());
  return {pem_of(made.get()), pem_of(key.get())};
}

TEST_CASE("an authority issues certificates as PEM") {
  const TestAuthority authority("authority");
  const auto identity = authority.issue("server", "DNS:server.example");
  CHECK(authority.pem().starts_with("-----BEGIN CERTIFICATE-----"));
  CHECK(identity.certificate_pem.starts_with("-----BEGIN CERTIFICATE-----"));
  CHECK(identity.key_pem.starts_with("-----BEGIN PRIVATE KEY-----"));
}

}  // namespace knfe::net
