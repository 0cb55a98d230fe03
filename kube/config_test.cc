#include "kube/config.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <map>

namespace knfe::kube {

namespace {

// Files in memory; and an environment in which only what a test sets is set.
class Place {
 public:
  Place() {
    for (const char* name : names) {
      const char* value = std::getenv(name);
      before_[name] = value ? std::optional<std::string>(value) : std::nullopt;
      unsetenv(name);
    }
  }
  ~Place() {
    for (const auto& [name, value] : before_) value ? setenv(name, value->c_str(), 1) : unsetenv(name);
  }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

  static void set(const char* name, const char* value) { setenv(name, value, 1); }

  ConfigOptions options() const {
    ConfigOptions made;
    made.read = [this](const std::string& path) -> Result<std::string> {
      if (path == "/forbidden") return fail(Code::kForbidden, "Permission denied", path);
      const auto found = files.find(path);
      if (found == files.end()) return fail(Code::kNotFound, "No such file or directory", path);
      return found->second;
    };
    return made;
  }

  Result<Config> load() const { return load_config(options()); }

  std::map<std::string, std::string> files;

 private:
  static constexpr const char* names[] = {"KUBECONFIG",
                                          "HOME",
                                          "KUBERNETES_SERVICE_HOST",
                                          "KUBERNETES_SERVICE_PORT",
                                          "DISABLE_HTTP2",
                                          "HTTPS_PROXY",
                                          "https_proxy",
                                          "NO_PROXY",
                                          "no_proxy"};
  std::map<const char*, std::optional<std::string>> before_;
};

// A kubeconfig with these members of its cluster and user, in flow style; loaded from /k/config.
Result<Config> load(const std::string& cluster, const std::string& user, const std::string& context = "cluster: c, user: u") {
  Place place;
  place.files["/k/config"] = "kind: Config\ncurrent-context: x\ncontexts: [{name: x, context: {" + context +
                             "}}]\nclusters: [{name: c, cluster: {" + cluster + "}}]\nusers: [{name: u, user: {" + user + "}}]\n";
  place.files["/k/ca.crt"] = "CA";
  place.files["/k/me.crt"] = "CERT";
  place.files["/abs/me.key"] = "KEY";
  place.files["/k/empty"] = "";
  auto options = place.options();
  options.path = "/k/config";
  return load_config(options);
}

const std::string kServer = "server: 'https://10.0.0.1:6443'";

// "where: message" of the error, without a secret in it.
std::string refusal(const Result<Config>& config) {
  if (config) return "accepted";
  const auto& error = config.error();
  CHECK(error.text().find("SECRET") == std::string::npos);
  return error.where + ": " + error.message;
}

}  // namespace

TEST_CASE("a kubeconfig with everything inside") {
  const auto config =
      load(kServer + ", certificate-authority-data: Q0E=, tls-server-name: kubernetes",
           "client-certificate-data: Q0VSVA==, client-key-data: S0VZ, token: abc", "cluster: c, user: u, namespace: ns");
  REQUIRE(config);
  CHECK(config->endpoint.host == "10.0.0.1");
  CHECK(config->endpoint.port == "6443");
  CHECK(config->endpoint.tls);
  CHECK(config->endpoint.ca_pem == "CA");
  CHECK(config->endpoint.server_name == "kubernetes");
  CHECK(config->endpoint.certificate_pem == "CERT");
  CHECK(config->endpoint.key_pem == "KEY");
  CHECK_FALSE(config->endpoint.insecure);
  CHECK(config->token == "abc");
  CHECK(config->path_prefix.empty());
  CHECK(config->default_namespace == "ns");
  CHECK(config->source == "/k/config, context x");
}

TEST_CASE("files beside the kubeconfig; what is inside goes first; a token file before a token") {
  auto config = load(kServer + ", certificate-authority: ca.crt",
                     "client-certificate: me.crt, client-key: /abs/me.key, tokenFile: sub/token, token: old");
  REQUIRE(config);
  CHECK(config->endpoint.ca_pem == "CA");
  CHECK(config->endpoint.certificate_pem == "CERT");
  CHECK(config->endpoint.key_pem == "KEY");
  CHECK(config->token.empty());
  CHECK(config->token_file == "/k/sub/token");
  CHECK(config->default_namespace == "default");

  config = load(kServer + ", certificate-authority: nowhere, certificate-authority-data: Q0E=", "");
  REQUIRE(config);
  CHECK(config->endpoint.ca_pem == "CA");
}

TEST_CASE("insecure, plain, anonymous: only when the kubeconfig says so") {
  auto config = load(kServer + ", insecure-skip-tls-verify: true", "");
  REQUIRE(config);
  CHECK(config->endpoint.insecure);
  config = load("server: 'http://[::1]/base/'", "", "cluster: c");
  REQUIRE(config);
  CHECK_FALSE(config->endpoint.tls);
  CHECK(config->endpoint.host == "::1");
  CHECK(config->endpoint.port == "80");
  CHECK(config->path_prefix == "/base");
}

TEST_CASE("what is missing is named, with its place") {
  CHECK(refusal(load(kServer, "", "user: u")) == "/k/config:/contexts/0/context/cluster: the context names no cluster");
  CHECK(refusal(load(kServer, "", "cluster: d, user: u")) == "/k/config: no cluster is named 'd'");
  CHECK(refusal(load(kServer, "", "cluster: c, user: v")) == "/k/config: no user is named 'v'");
  CHECK(refusal(load("", "")).starts_with("/k/config:/clusters/0/cluster/server: "));
  CHECK(refusal(load(kServer + ", certificate-authority: no.crt", "")) ==
        "/k/config:/clusters/0/cluster/certificate-authority: /k/no.crt: No such file or directory");
  CHECK(refusal(load(kServer + ", certificate-authority: empty", "")) ==
        "/k/config:/clusters/0/cluster/certificate-authority: /k/empty: the file is empty");
  CHECK(refusal(load(kServer, "client-certificate: me.crt")) ==
        "/k/config:/users/0/user: a client certificate needs its key, and a key its certificate");
  CHECK(refusal(load(kServer, "client-key: /abs/me.key")) ==
        "/k/config:/users/0/user: a client certificate needs its key, and a key its certificate");
}

TEST_CASE("wrong kinds are told with their place, never with their value") {
  CHECK(refusal(load("server: 7", "")) == "/k/config:/clusters/0/cluster/server: must be a text");
  CHECK(refusal(load(kServer + ", insecure-skip-tls-verify: 'SECRET'", "")) ==
        "/k/config:/clusters/0/cluster/insecure-skip-tls-verify: must be true or false");
  CHECK(refusal(load(kServer, "token: [SECRET]")) == "/k/config:/users/0/user/token: must be a text");
  CHECK(refusal(load(kServer, "token: 12345")) == "/k/config:/users/0/user/token: must be a text");
  CHECK(refusal(load(kServer, "", "cluster: c, user: u, namespace: {}")) ==
        "/k/config:/contexts/0/context/namespace: must be a text");
  CHECK(refusal(load(kServer, "client-key-data: SECRET!")) ==
        "/k/config:/users/0/user/client-key-data: must be base64, and not empty");
  CHECK(refusal(load("server: 'https://me:SECRET@host'", "")).starts_with("/k/config:/clusters/0/cluster/server: "));
  CHECK(refusal(load(kServer, "token: \"SECRET")).starts_with("/k/config:"));
}

TEST_CASE("what would be somebody else, or elsewhere, if it were ignored, is refused") {
  CHECK(refusal(load(kServer, "exec: {command: aws}")) ==
        "/k/config:/users/0/user/exec/apiVersion: must be client.authentication.k8s.io/v1 or v1beta1");
  CHECK(refusal(load(kServer, "exec: {apiVersion: client.authentication.k8s.io/v1, command: aws, args: [a, 1]}")) ==
        "/k/config:/users/0/user/exec/args/1: must be a text");
  CHECK(refusal(load(kServer, "auth-provider: {name: gcp}")) ==
        "/k/config:/users/0/user/auth-provider: auth-provider is not supported");
  CHECK(refusal(load(kServer, "username: me, password: SECRET")) ==
        "/k/config:/users/0/user/username: passwords are not supported");
  CHECK(refusal(load(kServer, "as: root")) == "/k/config:/users/0/user/as: impersonation is not supported");
  CHECK(refusal(load(kServer, "as-groups: [a]")) == "/k/config:/users/0/user/as-groups: impersonation is not supported");
  CHECK(refusal(load(kServer + ", proxy-url: 'https://me:SECRET@p'", "")) ==
        "/k/config:/clusters/0/cluster/proxy-url: a proxy that is spoken to by TLS is not supported");
  CHECK(refusal(load(kServer + ", proxy-url: 'socks5://me:SECRET@p:1080'", "")) ==
        "/k/config:/clusters/0/cluster/proxy-url: a SOCKS proxy is not supported");
  CHECK(refusal(load(kServer + ", proxy-url: 'p:3128'", "")) ==
        "/k/config:/clusters/0/cluster/proxy-url: the proxy's URL does not begin with http://");
  CHECK(refusal(load("server: 'http://s', proxy-url: 'http://p'", "")) ==
        "/k/config:/clusters/0/cluster/proxy-url: a proxy to an http server is not supported");
  CHECK(
      refusal(load(kServer + ", insecure-skip-tls-verify: true, certificate-authority: ca.crt", "")).find("is not to be asked") !=
      std::string::npos);
}

TEST_CASE("files that are no kubeconfig") {
  Place place;
  auto options = place.options();
  options.path = "/f";
  const std::pair<const char*, const char*> texts[] = {
      {"[]", "/f: not a kubeconfig: its top is no object"},
      {"", "/f: no current-context"},
      {"current-context: [x]", "/f:/current-context: must be a text"},
      {"current-context: x", "/f: no context is named 'x'"},
      {"current-context: x\ncontexts: {}", "/f:/contexts: must be a list"},
      {"current-context: x\ncontexts: [x]", "/f:/contexts/0: must be an object"},
      {"current-context: x\ncontexts: [{name: 1}]", "/f:/contexts/0/name: must be a text"},
      {"current-context: x\ncontexts: [{name: y}, {name: x}]", "/f:/contexts/1/context: is missing"},
      {"current-context: x\ncontexts: [{name: x, context: y}]", "/f:/contexts/0/context: must be an object"},
      {"a: b: c", "/f:1:5: not YAML: mapping values are not allowed in this context"},
  };
  for (const auto& [text, expected] : texts) {
    CAPTURE(text);
    place.files["/f"] = text;
    CHECK(refusal(load_config(options)) == expected);
  }
}

TEST_CASE("an explicit path goes before all, and must be there") {
  Place place;
  Place::set("KUBECONFIG", "/env");
  place.files["/env"] = "x: y";
  auto options = place.options();
  options.path = "/no";
  CHECK(refusal(load_config(options)) == "/no: No such file or directory");
  options.path = "/forbidden";
  CHECK(load_config(options).error().code == Code::kForbidden);
}

TEST_CASE("KUBECONFIG lists files: the first that names a thing wins, missing ones are skipped") {
  Place place;
  Place::set("HOME", "/home");
  Place::set("KUBECONFIG", "/missing::/a:/sub/b:");
  place.files["/a"] = "contexts: [{name: x, context: {cluster: c, user: u}}]\nusers: [{name: u, user: {token: of-a}}]";
  place.files["/sub/b"] =
      "current-context: x\nclusters: [{name: c, cluster: {server: 'https://b', certificate-authority: ca}}]\nusers: [{name: u, "
      "user: {token: of-b}}]";
  place.files["/sub/ca"] = "CA of b";
  place.files["/home/.kube/config"] = "current-context: home";
  auto config = place.load();
  REQUIRE(config);
  CHECK(config->token == "of-a");
  CHECK(config->endpoint.host == "b");
  CHECK(config->endpoint.ca_pem == "CA of b");
  CHECK(config->source == "/a:/sub/b, context x");

  Place::set("KUBECONFIG", "/forbidden:/a:/sub/b");
  CHECK(place.load().error().code == Code::kForbidden);
  Place::set("KUBECONFIG", "/missing");
  CHECK(refusal(place.load()) == "/missing: no file that KUBECONFIG names is there");
}

TEST_CASE("the home directory's kubeconfig, and a context by name") {
  Place place;
  Place::set("HOME", "/home");
  Place::set("KUBERNETES_SERVICE_HOST", "10.96.0.1");
  Place::set("KUBERNETES_SERVICE_PORT", "443");
  place.files["/home/.kube/config"] =
      "current-context: x\ncontexts: [{name: x, context: {cluster: c}}, {name: y, context: {cluster: d}}]\n"
      "clusters: [{name: c, cluster: {server: 'https://c'}}, {name: d, cluster: {server: 'https://d'}}]\n";
  CHECK(place.load()->endpoint.host == "c");
  auto options = place.options();
  options.context = "y";
  CHECK(load_config(options)->endpoint.host == "d");
  options.context = "z";
  CHECK(refusal(load_config(options)) == "/home/.kube/config: no context is named 'z'");
}

TEST_CASE("HTTP/2 is offered unless DISABLE_HTTP2 is set") {
  Place place;
  place.files["/k/config"] =
      "kind: Config\ncurrent-context: x\ncontexts: [{name: x, context: {cluster: c}}]\nclusters: [{name: c, cluster: {" +
      kServer + "}}]\n";
  Place::set("KUBECONFIG", "/k/config");
  CHECK(place.load()->endpoint.http2);
  Place::set("DISABLE_HTTP2", "1");
  CHECK_FALSE(place.load()->endpoint.http2);
}

TEST_CASE("a proxy by the kubeconfig, or else by the environment") {
  Place place;
  Place::set("KUBECONFIG", "/k/config");
  const auto proxy = [&](const std::string& cluster) {
    place.files["/k/config"] =
        "current-context: x\ncontexts: [{name: x, context: {cluster: c}}]\nclusters: [{name: c, cluster: {" + cluster + "}}]\n";
    const auto config = place.load();
    if (!config) return refusal(config);
    const auto& chosen = config->endpoint.proxy;
    return chosen.host.empty() ? "direct" : chosen.credentials + "@" + chosen.host + " " + chosen.port;
  };
  CHECK(proxy(kServer) == "direct");
  CHECK(proxy(kServer + ", proxy-url: 'http://p:3128'") == "@p 3128");

  Place::set("https_proxy", "http://small");
  CHECK(proxy(kServer) == "@small 80");
  Place::set("HTTPS_PROXY", "me:word@big:8080");
  CHECK(proxy(kServer) == "me:word@big 8080");
  CHECK(proxy(kServer + ", proxy-url: 'http://p:3128'") == "@p 3128");
  CHECK(proxy("server: 'http://10.0.0.1'") == "direct");

  Place::set("no_proxy", "10.0.0.0/8");
  CHECK(proxy(kServer) == "direct");
  Place::set("NO_PROXY", "other");
  CHECK(proxy(kServer) == "me:word@big 8080");
  Place::set("NO_PROXY", "*");
  CHECK(proxy(kServer + ", proxy-url: 'http://p:3128'") == "@p 3128");

  Place::set("NO_PROXY", "");
  Place::set("no_proxy", "");
  Place::set("HTTPS_PROXY", "https://me:SECRET@p");
  CHECK(proxy(kServer) == "HTTPS_PROXY in the environment: a proxy that is spoken to by TLS is not supported");
  CHECK(proxy("server: 'https://127.0.0.1:6443'") == "direct");

  place.files.clear();
  Place::set("KUBECONFIG", "");
  Place::set("KUBERNETES_SERVICE_HOST", "10.96.0.1");
  Place::set("KUBERNETES_SERVICE_PORT", "443");
  Place::set("HTTPS_PROXY", "http://p:3128");
  place.files["/var/run/secrets/kubernetes.io/serviceaccount/ca.crt"] = "CA";
  CHECK(place.load()->endpoint.proxy.host == "p");
}

TEST_CASE("inside a pod") {
  Place place;
  CHECK(refusal(place.load()) == ": no cluster is configured");
  Place::set("KUBERNETES_SERVICE_HOST", "fd00::1");
  CHECK(refusal(place.load()) == ": no cluster is configured");
  Place::set("KUBERNETES_SERVICE_PORT", "6443");
  auto options = place.options();
  options.service_account = "/sa";
  CHECK(refusal(load_config(options)) == "/sa/ca.crt: No such file or directory");
  place.files["/sa/ca.crt"] = "";
  CHECK(refusal(load_config(options)) == "/sa/ca.crt: the file is empty");
  place.files["/sa/ca.crt"] = "CA";
  auto config = load_config(options);
  REQUIRE(config);
  CHECK(config->endpoint.host == "fd00::1");
  CHECK(config->endpoint.port == "6443");
  CHECK(config->endpoint.tls);
  CHECK(config->endpoint.ca_pem == "CA");
  CHECK(config->token_file == "/sa/token");
  CHECK(config->default_namespace == "default");
  CHECK(config->source == "the pod's service account");
  place.files["/sa/namespace"] = "knfe-system\n";
  CHECK(load_config(options)->default_namespace == "knfe-system");
  options.context = "x";
  CHECK(refusal(load_config(options)) == ": a pod's service account has no contexts");
}

TEST_CASE("a plugin with its arguments and environment; a token that is there is preferred") {
  const std::string plugin =
      "exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: ./bin/get, args: [token, -x], env: [{name: A, value: "
      "b}]}";
  const auto config = load(kServer, plugin);
  REQUIRE(config);
  CHECK(config->exec.command == "/k/./bin/get");
  CHECK(config->exec.arguments == std::vector<std::string>{"token", "-x"});
  CHECK(config->exec.environment == std::vector<std::pair<std::string, std::string>>{{"A", "b"}});
  const auto other = load(kServer, "token: t, " + plugin);
  REQUIRE(other);
  CHECK(other->exec.command == "");
}

}  // namespace knfe::kube
