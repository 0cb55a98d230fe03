#include "kube/renewal.h"

#include <doctest/doctest.h>

#include <map>

#include "test/fakes/client_test.h"
#include "test/fakes/time_test.h"

namespace knfe::kube {

using std::chrono::seconds;

namespace {

class Renewed : public net::RenewableClient {
 public:
  net::Handle send(net::Request, std::function<void(Result<net::Response>)>) override { return {}; }
  net::Handle stream(net::Request, net::StreamEvents) override { return {}; }
  Result<void> renew(const net::Endpoint& endpoint) override {
    ++asked;
    if (endpoint.ca_pem == "half") return fail(Code::kInvalid, "not a PEM list of certificates");
    authorities += endpoint.ca_pem + " ";
    if (!endpoint.proxy.host.empty()) proxies += endpoint.proxy.host + ":" + endpoint.proxy.credentials + " ";
    return {};
  }
  std::string authorities, proxies;
  int asked = 0;
};

struct Fixture {
  fakes::Time time;
  net::Loop loop;
  std::map<std::string, std::string> files{
      {"/k/config",
       "current-context: x\ncontexts: [{name: x, context: {cluster: c}}]\n"
       "clusters: [{name: c, cluster: {server: 'https://h', certificate-authority: ca.crt}}]\n"},
      {"/k/ca.crt", "first"}};
  ConfigOptions options;
  Renewed client;

  Fixture() {
    options.path = "/k/config";
    options.read = [this](const std::string& path) -> Result<std::string> {
      const auto found = files.find(path);
      if (found == files.end()) return fail(Code::kNotFound, "No such file or directory", path);
      return found->second;
    };
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a proxy, or its password, that is another one is handed on, once") {
  const auto with = [&](const std::string& proxy) {
    files["/k/config"] =
        "current-context: x\ncontexts: [{name: x, context: {cluster: c}}]\n"
        "clusters: [{name: c, cluster: {server: 'https://h', certificate-authority: ca.crt, proxy-url: '" +
        proxy + "'}}]\n";
  };
  with("http://u:old@p:1");
  Renewal renewal(loop, client, options, *load_config(options));
  time.pass(loop, seconds(40));
  CHECK(client.asked == 0);
  with("http://u:new@p:1");
  time.pass(loop, seconds(100));
  CHECK(client.proxies == "p:u:new ");
}

TEST_CASE_FIXTURE(Fixture, "an authority that is rotated is handed on within half a minute, once") {
  Renewal renewal(loop, client, options, *load_config(options));
  time.pass(loop, seconds(100));
  CHECK(client.asked == 0);
  files["/k/ca.crt"] = "second";
  time.pass(loop, seconds(31));
  CHECK(client.authorities == "second ");
  time.pass(loop, seconds(100));
  CHECK(client.asked == 1);
}

TEST_CASE_FIXTURE(Fixture, "what is half written, or gone for a while, changes nothing until it is whole") {
  Renewal renewal(loop, client, options, *load_config(options));
  files["/k/ca.crt"] = "half";
  time.pass(loop, seconds(31));
  files.erase("/k/ca.crt");
  time.pass(loop, seconds(31));
  CHECK(client.authorities == "");
  files["/k/ca.crt"] = "second";
  time.pass(loop, seconds(31));
  CHECK(client.authorities == "second ");
}

TEST_CASE_FIXTURE(Fixture, "a kubeconfig that was turned to another cluster changes nothing of this connection") {
  Renewal renewal(loop, client, options, *load_config(options));
  files["/k/other.crt"] = "others";
  files["/k/config"] =
      "current-context: y\ncontexts: [{name: y, context: {cluster: d}}]\n"
      "clusters: [{name: d, cluster: {server: 'https://other', certificate-authority: other.crt}}]\n";
  time.pass(loop, seconds(31));
  CHECK(client.authorities.empty());
}

}  // namespace knfe::kube
