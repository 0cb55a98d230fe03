#include "runtime/program.h"

#include <unistd.h>

#include <cstdlib>
#include <random>

#include "base/log.h"
#include "kube/renewal.h"
#include "net/server.h"
#include "runtime/debug_pages.h"
#include "runtime/recorder.h"

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

// Names and namespaces need no percent-encoding.
net::Response explain(const Operator& operators, const net::Request& request) {
  const auto asked = [&](std::string_view name) { return net::parameter(request.target, name); };
  const auto decisions = operators.manager().explain(asked("kind"), {asked("namespace"), asked("name")});
  const Json body = decisions ? *decisions : Json(JsonObject{{"message", decisions.error().text()}});
  const int status = decisions ? 200 : decisions.error().code == Code::kNotFound ? 404 : 400;
  return {status, {{"Content-Type", "application/json"}}, to_text(body) + "\n"};
}

net::Response serve(const Operator& operators, const net::Request& request) {
  if (request.target == "/livez") {
    const auto stuck = operators.manager().stuck();
    return stuck.empty() ? net::text_response(200, "ok\n") : net::text_response(500, stuck + "\n");
  }
  if (request.target == "/readyz") {
    if (!operators.ready()) return net::text_response(503, "not synced yet: " + operators.waiting_for() + "\n");
    const auto missing = operators.manager().not_served();
    return net::text_response(200, missing.empty() ? "ok\n" : "ok, but the API server does not serve: " + missing + "\n");
  }
  if (request.target.starts_with("/explain?")) return explain(operators, request);
  if (request.target == "/metrics") return net::text_response(200, operators.metrics());
  return net::text_response(404, "this serves /metrics, /livez, /readyz and /explain?kind=K&namespace=N&name=M\n");
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
  net::ClientSettings limits;
  limits.max_in_flight = kube::Throttle::most_in_flight;  // so that what the throttle lets go leaves at once
  auto transport = net::make_https_client(loop, config->endpoint, limits);
  if (!transport) return give_up(transport.error());

  const kube::Renewal renewal(loop, **transport, where, *config);
  OperatorSettings settings{options.ns, {}, options.identity.empty() ? default_identity() : options.identity, options.build};
  if (!options.lease.empty()) settings.lease = split_key(options.lease);
  net::Client* wire = transport->get();
  std::unique_ptr<Recorder> recorder;
  if (!options.record.empty()) {
    JsonObject about = options.about;
    about["name"] = options.name;
    about["ns"] = options.ns;
    about["lease"] = options.lease;
    about["identity"] = settings.identity;
    about["build"] = options.build;
    auto opened = Recorder::open(options.record, std::move(about), *wire);
    if (!opened) return give_up(opened.error());
    recorder = std::move(*opened);
    wire = recorder.get();
  }
  const auto other = between ? between(loop, *wire) : nullptr;
  Operator operators(loop, other ? *other : *wire, *config, settings);
  set_up(operators);
  std::unique_ptr<DebugPages> debug;
  if (options.profiling) debug = std::make_unique<DebugPages>(loop, [&] { return operators.metrics(); });
  std::unique_ptr<net::Server> server;
  if (!options.listen.empty()) {
    auto listening =
        net::Server::listen(loop, options.listen, [&](const net::Request& request, const net::Server::Answer& answer) {
          if (!debug || !debug->serve(request, answer)) answer(serve(operators, request));
        });
    if (!listening) return give_up(listening.error());
    server = std::move(*listening);
  }
  const auto stop = loop.on_stop_signal([&] {
    log(Level::kInfo, "stopping");
    operators.stop([&] { loop.stop(); });
  });
  const auto& proxy = config->endpoint.proxy;  // its credentials are no log's business
  log(Level::kInfo, "starting",
      {{"api_server", config->endpoint.host + ":" + config->endpoint.port},
       {"proxy", proxy.host.empty() ? "none" : proxy.host + ":" + proxy.port},
       {"as", config->source},
       {"identity", settings.identity}});
  operators.start();
  loop.run();
  return 0;
}

}  // namespace knfe::runtime
