#include "cmd/explain.h"

#include <algorithm>
#include <cstdio>

#include "kube/api_client.h"
#include "net/https_client.h"

namespace knfe::cmd {

namespace {

constexpr api::Resource kPods{"", "v1", "Pod", "pods"};
constexpr const char* kOperators = "app.kubernetes.io/name=knfe";

Result<Json> ask(net::Loop& loop, kube::ApiClient& api, net::Request request) {
  Result<Json> result;
  const auto call = api.call("explain", "get", std::move(request), [&](Result<Json> answer) {
    result = std::move(answer);
    loop.stop();
  });
  loop.run();
  return result;
}

// Each replica is asked: the one that has led knows.
Result<Json> ask_pods(net::Loop& loop, kube::ApiClient& api, const std::string& home, const std::string& path) {
  KNFE_TRY(const Json pods, ask(loop, api, kube::list_request(kPods, {home, kOperators, {}}, 500, {})));
  Result<Json> last = fail(Code::kNotFound, "no pod has the label " + std::string(kOperators), "namespace " + home,
                           "pass --address of a controller that runs outside");
  for (const auto& pod : as_array(at(pods, "items"))) {
    const std::string proxy(as_string(at(pod, "metadata", "name")));
    last =
        ask(loop, api, {"GET", kube::path_of(kPods, home, proxy) + ":8080/proxy" + path, {{"Accept", "application/json"}}, {}});
    if (last) return last;
  }
  return last;
}

Result<Json> ask_address(net::Loop& loop, const std::string& address, const std::string& path) {
  const auto colon = address.rfind(':');
  if (colon == std::string::npos) return fail(Code::kInvalid, "must be host:port", address);
  kube::Config config;
  config.endpoint.host = address.substr(0, colon);
  config.endpoint.port = address.substr(colon + 1);
  config.endpoint.tls = false;
  KNFE_TRY(const auto transport, net::make_https_client(loop, config.endpoint));
  kube::ApiClient api(*transport, config);
  return ask(loop, api, {"GET", path, {{"Accept", "application/json"}}, {}});
}

Result<Json> explain(const ExplainOptions& options) {
  net::Loop loop;
  std::string ns = options.ns.empty() ? "default" : options.ns;
  if (!options.address.empty()) {
    KNFE_TRY(const std::string path, path_of_question(options.target, ns));
    return ask_address(loop, options.address, path);
  }
  kube::ConfigOptions where;
  if (!options.kubeconfig.empty()) where.path = options.kubeconfig;
  if (!options.context.empty()) where.context = options.context;
  KNFE_TRY(const kube::Config config, kube::load_config(where));
  if (options.ns.empty()) ns = config.default_namespace;
  KNFE_TRY(const std::string path, path_of_question(options.target, ns));
  KNFE_TRY(const auto transport, net::make_https_client(loop, config.endpoint));
  kube::ApiClient api(*transport, config, &loop);
  return ask_pods(loop, api, options.home, path);
}

}  // namespace

Result<std::string> path_of_question(const std::string& target, const std::string& ns) {
  const auto slash = target.find('/');
  const std::string kind = target.substr(0, slash), name = slash == std::string::npos ? "" : target.substr(slash + 1);
  const auto plain = [](const std::string& text) {
    return !text.empty() &&
           std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '.'; });
  };
  if (!plain(kind) || !plain(name) || !plain(ns)) return fail(Code::kInvalid, "must be KIND/NAME, such as network/ims", target);
  return "/explain?kind=" + kind + "&namespace=" + ns + "&name=" + name;
}

std::string text_of_decisions(const Json& answer) {
  std::string out;
  const auto add = [&](std::string_view text) { out.append(text); };
  add(as_string(at(answer, "kind")));
  out += ' ';
  add(as_string(at(answer, "namespace")));
  out += '/';
  add(as_string(at(answer, "name")));
  out += ", the latest decision last:\n";
  for (const auto& one : as_array(at(answer, "decisions"))) {
    out += '\n';
    add(as_string(at(one, "time")));
    const auto times = as_int(at(one, "times"), 1);
    if (times > 1) out += " (" + std::to_string(times) + " times)";
    out += "  ";
    add(as_string(at(one, "why")));
    out += "  reconcile ";
    add(as_string(at(one, "reconcile")));
    out += "\n  decided: ";
    add(as_string(at(one, "decision")));
    out += "\n  outcome: ";
    add(as_string(at(one, "outcome")));
    out += '\n';
  }
  return out;
}

int run_explain(const ExplainOptions& options) {
  const auto answer = explain(options);
  if (!answer) {
    std::fprintf(stderr, "knfe: %s\n", answer.error().text().c_str());
    return 1;
  }
  std::fputs((options.json ? to_text(*answer) + "\n" : text_of_decisions(*answer)).c_str(), stdout);
  return 0;
}

}  // namespace knfe::cmd
