#include "runtime/program.h"

#include <unistd.h>

#include <cstdlib>
#include <random>

#include "base/log.h"
#include "kube/config.h"
#include "net/https_client.h"
#include "net/server.h"

namespace knfe::runtime {

namespace {

api::Key split_key(const std::string& text) {
  const auto slash = text.find('/');
  return slash == std::string::npos ? api::Key{"default", text} : api::Key{text.substr(0, slash), text.substr(slash + 1)};
}

std::string default_identity() {
  if (const char* uid = std::getenv("POD_UID"); uid && *uid) return uid;
  char host[256] = {};
  ::gethostname(host, sizeof host - 1);
  // Two processes on one host are two.
  return std::string(host) + "_" + api::hex64(static_cast<std::uint64_t>(std::random_device{}()) << 32 | std::random_device{}());
}

net::Response text_response(int status, std::string body) {
  return {status, {{"Content-Type", "text/plain; charset=utf-8"}}, std::move(body)};
}

net::Response serve(const Operator& operators, const net::Request& request) {
  if (request.target == "/livez") return text_response(200, "ok\n");
  if (request.target == "/readyz") {
    return operators.ready() ? text_response(200, "ok\n")
                             : text_response(503, "not synced yet: " + operators.waiting_for() + "\n");
  }
  if (request.target == "/metrics") return text_response(200, operators.metrics());
  return text_response(404, "this serves /metrics, /livez and /readyz\n");
}

int give_up(const Error& error) {
  log(Level::kError, "cannot start", {{"error", error.text()}});
  return 1;
}

}  // namespace

int run_program(const ProgramOptions& options, const std::function<void(Operator&)>& set_up, const Between& between) {
  kube::ConfigOptions where;
  if (!options.kubeconfig.empty()) where.path = options.kubeconfig;
  auto config = kube::load_config(where);
  if (!config) return give_up(config.error());
  config->name = options.name;

  net::Loop loop;
  auto transport = net::make_https_client(loop, config->endpoint);
  if (!transport) return give_up(transport.error());

  OperatorSettings settings{options.ns, {}, options.identity.empty() ? default_identity() : options.identity};
  if (!options.lease.empty()) settings.lease = split_key(options.lease);
  const auto other = between ? between(loop, **transport) : nullptr;
  Operator operators(loop, other ? *other : **transport, *config, settings);
  set_up(operators);
  std::unique_ptr<net::Server> server;
  if (!options.listen.empty()) {
    auto listening =
        net::Server::listen(loop, options.listen, [&](const net::Request& request) { return serve(operators, request); });
    if (!listening) return give_up(listening.error());
    server = std::move(*listening);
  }
  const auto stop = loop.on_stop_signal([&] {
    log(Level::kInfo, "stopping");
    operators.stop([&] { loop.stop(); });
  });
  log(Level::kInfo, "starting",
      {{"api_server", config->endpoint.host + ":" + config->endpoint.port},
       {"as", config->source},
       {"identity", settings.identity}});
  operators.start();
  loop.run();
  return 0;
}

}  // namespace knfe::runtime
