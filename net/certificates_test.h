// Certificates made on the spot, for tests of TLS.
#pragma once

#include <memory>
#include <string>

struct evp_pkey_st;
struct x509_st;

namespace knfe::net {

struct Identity {
  std::string certificate_pem;
  std::string key_pem;
};

class TestAuthority {
 public:
  explicit TestAuthority(const std::string& name);
  // `alternative` as OpenSSL spells it: "DNS:a.example,IP:127.0.0.1"; empty for none.
  Identity issue(const std::string& name, const std::string& alternative, bool expired = false) const;
  const std::string& pem() const { return pem_; }

 private:
  struct Free {
    void operator()(evp_pkey_st* key) const;
    void operator()(x509_st* certificate) const;
  };
  std::unique_ptr<evp_pkey_st, Free> key_;
  std::unique_ptr<x509_st, Free> certificate_;
  std::string pem_;
};

}  // namespace knfe::net
