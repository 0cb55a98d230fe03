#include "kube/config.h"

#include <algorithm>
#include <initializer_list>
#include <string_view>
#include <vector>

#include "base/environment.h"
#include "kube/kubeconfig.h"
#include "kube/proxy.h"
#include "kube/server_url.h"

namespace knfe::kube {

namespace {

std::vector<std::string> split(std::string_view list) {
  std::vector<std::string> paths;
  while (!list.empty()) {
    const auto path = list.substr(0, list.find(':'));
    if (!path.empty()) paths.emplace_back(path);
    list.remove_prefix(std::min(list.size(), path.size() + 1));
  }
  return paths;
}

std::vector<std::string> usual_path() {
  const std::string home = environment("HOME");
  return home.empty() ? std::vector<std::string>() : std::vector{home + "/.kube/config"};
}

// The text of `path`, or nothing if there is no such file.
Result<std::optional<std::string>> read_if_there(const ReadFile& read, const std::string& path) {
  auto text = read(path);
  if (text) return std::optional(std::move(*text));
  if (text.error().code == Code::kNotFound) return std::optional<std::string>();
  return std::unexpected(std::move(text).error());
}

// The kubeconfig files that are there, empty if none is meant to be.
Result<Kubeconfig> gather(const ConfigOptions& options) {
  Kubeconfig gathered;
  if (options.path) {
    KNFE_TRY(const std::string text, options.read(*options.path));
    if (auto added = gathered.add(text, *options.path); !added) return std::unexpected(std::move(added).error());
    return gathered;
  }
  const std::string listed = environment("KUBECONFIG");
  for (const auto& path : listed.empty() ? usual_path() : split(listed)) {
    KNFE_TRY(const auto text, read_if_there(options.read, path));
    if (!text) continue;
    if (auto added = gathered.add(*text, path); !added) return std::unexpected(std::move(added).error());
  }
  if (gathered.empty() && !listed.empty()) {
    return fail(Code::kNotFound, "no file that KUBECONFIG names is there", listed, "correct or unset KUBECONFIG");
  }
  return gathered;
}

Result<void> refuse(const Entry& entry, std::initializer_list<const char*> keys, const char* why, const char* hint) {
  for (const char* key : keys) {
    if (entry.has(key)) return fail(Code::kInvalid, why, entry.where(key), hint);
  }
  return {};
}

Result<void> take_cluster(const Entry& cluster, const ReadFile& read, Config& config) {
  KNFE_TRY(const std::string server, cluster.text("server"));
  auto url = parse_server_url(server);
  if (!url) return fail(Code::kInvalid, url.error().message, cluster.where("server"), url.error().hint);
  config.path_prefix = url->prefix;
  auto& endpoint = config.endpoint;
  endpoint.host = url->host;
  endpoint.port = url->port;
  endpoint.tls = url->tls;
  KNFE_TRY(const std::string proxy_url, cluster.text("proxy-url"));
  if (!proxy_url.empty()) {
    auto proxy = parse_proxy_url(proxy_url);
    if (!proxy) return fail(Code::kInvalid, proxy.error().message, cluster.where("proxy-url"), proxy.error().hint);
    if (!endpoint.tls) {
      return fail(Code::kInvalid, "a proxy to an http server is not supported", cluster.where("proxy-url"),
                  "remove it, or make the server's URL https");
    }
    endpoint.proxy = std::move(*proxy);
  }
  KNFE_TRY(endpoint.server_name, cluster.text("tls-server-name"));
  KNFE_TRY(endpoint.insecure, cluster.truth("insecure-skip-tls-verify"));
  KNFE_TRY(endpoint.ca_pem, cluster.content("certificate-authority", read));
  if (endpoint.insecure && !endpoint.ca_pem.empty()) {
    return fail(Code::kInvalid, "a certificate authority is given, and is not to be asked",
                cluster.where("insecure-skip-tls-verify"), "remove one of the two");
  }
  return {};
}

Result<void> take_exec(const Entry& user, Config& config) {
  if (!user.has("exec")) return {};
  KNFE_TRY(const Entry exec, user.inner("exec"));
  auto& plugin = config.exec;
  KNFE_TRY(plugin.api_version, exec.text("apiVersion"));
  if (!plugin.api_version.starts_with("client.authentication.k8s.io/v1")) {
    return fail(Code::kInvalid, "must be client.authentication.k8s.io/v1 or v1beta1", exec.where("apiVersion"));
  }
  KNFE_TRY(plugin.command, exec.text("command"));
  if (plugin.command.empty()) return fail(Code::kInvalid, "is missing", exec.where("command"));
  // As kubectl: with a slash it is relative to the kubeconfig, without one it is looked for in PATH.
  if (plugin.command.find('/') != std::string::npos) {
    KNFE_TRY(plugin.command, exec.path("command"));
  }
  KNFE_TRY(plugin.arguments, exec.texts("args"));
  KNFE_TRY(const auto variables, exec.inners("env"));
  for (const auto& variable : variables) {
    KNFE_TRY(std::string name, variable.text("name"));
    KNFE_TRY(std::string value, variable.text("value"));
    plugin.environment.emplace_back(std::move(name), std::move(value));
  }
  return {};
}

Result<void> take_user(const Entry& user, const ReadFile& read, Config& config) {
  constexpr auto kUseOthers = "use a token, a token file or a client certificate";
  auto usable = refuse(user, {"auth-provider"}, "auth-provider is not supported", "Kubernetes has replaced it by exec");
  if (usable) usable = refuse(user, {"username", "password"}, "passwords are not supported", kUseOthers);
  if (usable)
    usable = refuse(user, {"as", "as-uid", "as-groups", "as-user-extra"}, "impersonation is not supported",
                    "use credentials of that user");
  if (!usable) return usable;
  KNFE_TRY(config.endpoint.certificate_pem, user.content("client-certificate", read));
  KNFE_TRY(config.endpoint.key_pem, user.content("client-key", read));
  if (config.endpoint.certificate_pem.empty() != config.endpoint.key_pem.empty()) {
    return fail(Code::kInvalid, "a client certificate needs its key, and a key its certificate", user.where());
  }
  KNFE_TRY(config.token, user.text("token"));
  if (auto taken = take_exec(user, config); !taken) return taken;
  KNFE_TRY(config.token_file, user.path("tokenFile"));
  if (!config.token_file.empty()) config.token.clear();
  if (!config.token.empty() || !config.token_file.empty()) config.exec = {};
  return {};
}

Result<Config> from_kubeconfig(const Kubeconfig& files, const ConfigOptions& options) {
  KNFE_TRY(std::string name, files.current_context());
  if (options.context) name = *options.context;
  if (name.empty())
    return fail(Code::kInvalid, "no current-context", files.names(), "pass --context, or run kubectl config use-context");
  KNFE_TRY(const Entry context, files.find("contexts", "context", name));
  Config config;
  config.source = files.names() + ", context " + name;

  KNFE_TRY(const std::string cluster_name, context.text("cluster"));
  if (cluster_name.empty()) return fail(Code::kInvalid, "the context names no cluster", context.where("cluster"));
  KNFE_TRY(const Entry cluster, files.find("clusters", "cluster", cluster_name));
  if (auto taken = take_cluster(cluster, options.read, config); !taken) return std::unexpected(std::move(taken).error());

  KNFE_TRY(const std::string user_name, context.text("user"));
  if (!user_name.empty()) {
    KNFE_TRY(const Entry user, files.find("users", "user", user_name));
    if (auto taken = take_user(user, options.read, config); !taken) return std::unexpected(std::move(taken).error());
  }
  KNFE_TRY(const std::string default_namespace, context.text("namespace"));
  if (!default_namespace.empty()) config.default_namespace = default_namespace;
  return config;
}

// What the environment says, where the kubeconfig does not.
Result<void> choose_proxy(net::Endpoint& endpoint) {
  if (!endpoint.tls || !endpoint.proxy.host.empty()) return {};
  const char* name = environment("HTTPS_PROXY").empty() ? "https_proxy" : "HTTPS_PROXY";
  const auto either = environment("NO_PROXY");
  auto proxy = proxy_for(environment(name), either.empty() ? environment("no_proxy") : either, endpoint.host, endpoint.port);
  if (!proxy) {
    return fail(Code::kInvalid, proxy.error().message, name + std::string(" in the environment"), proxy.error().hint);
  }
  endpoint.proxy = std::move(*proxy);
  return {};
}

Result<Config> from_pod(const ConfigOptions& options) {
  Config config;
  config.source = "the pod's service account";
  config.endpoint.host = environment("KUBERNETES_SERVICE_HOST");
  config.endpoint.port = environment("KUBERNETES_SERVICE_PORT");
  config.token_file = options.service_account + "/token";
  KNFE_TRY(config.endpoint.ca_pem, options.read(options.service_account + "/ca.crt"));
  // Without an anchor the system's would be trusted.
  if (config.endpoint.ca_pem.empty()) return fail(Code::kInvalid, "the file is empty", options.service_account + "/ca.crt");
  KNFE_TRY(const auto own_namespace, read_if_there(options.read, options.service_account + "/namespace"));
  const std::string name = own_namespace ? own_namespace->substr(0, own_namespace->find_first_of(" \r\n")) : "";
  if (!name.empty()) config.default_namespace = name;
  return config;
}

Result<Config> found(const ConfigOptions& options) {
  KNFE_TRY(const Kubeconfig files, gather(options));
  if (!files.empty()) return from_kubeconfig(files, options);
  const bool in_pod = !environment("KUBERNETES_SERVICE_HOST").empty() && !environment("KUBERNETES_SERVICE_PORT").empty();
  if (in_pod && !options.context) return from_pod(options);
  return fail(Code::kNotFound, in_pod ? "a pod's service account has no contexts" : "no cluster is configured", {},
              "set KUBECONFIG, or pass --kubeconfig");
}

}  // namespace

Result<Config> load_config(const ConfigOptions& options) {
  KNFE_TRY(Config config, found(options));
  config.endpoint.http2 = environment("DISABLE_HTTP2").empty();
  if (auto chosen = choose_proxy(config.endpoint); !chosen) return std::unexpected(std::move(chosen).error());
  return config;
}

}  // namespace knfe::kube
