// knfe_broken BUG KUBECONFIG NAMESPACE PORT: KNFE's operators for one namespace, with one bug (see saboteur.h), or none; at the
// port, /readyz and /metrics.
#include <cstdio>
#include <map>

#include "cmd/all_operators.h"
#include "kube/config.h"
#include "net/https_client.h"
#include "net/server.h"
#include "test/faults/saboteur.h"

namespace {

using namespace knfe;

const std::map<std::string, faults::Bug> kBugs{{"none", faults::Bug::kNone},
                                               {"stale-read", faults::Bug::kStaleRead},
                                               {"mark-first", faults::Bug::kMarkFirst},
                                               {"missed-event", faults::Bug::kMissedEvent},
                                               {"lost-reply", faults::Bug::kLostReply}};

int give_up(const std::string& why) {
  std::fprintf(stderr, "knfe_broken: %s\n", why.c_str());
  return 1;
}

int run(faults::Bug bug, const char* kubeconfig, const char* ns, const std::string& port) {
  kube::ConfigOptions where;
  where.path = kubeconfig;
  auto config = kube::load_config(where);
  if (!config) return give_up(config.error().text());
  net::Loop loop;
  auto transport = net::make_https_client(loop, config->endpoint);
  if (!transport) return give_up(transport.error().text());

  faults::Saboteur saboteur(loop, **transport, bug);
  cmd::AllOperators all("knfe.io/knfe:dev");
  runtime::Operator process(loop, saboteur, *config, {ns, {}, "broken"});
  all.join(process);
  auto server = net::Server::listen(loop, "127.0.0.1:" + port, [&](const net::Request& request) {
    if (request.target == "/metrics") return net::Response{200, {}, process.metrics()};
    return net::Response{process.ready() ? 200 : 503, {}, {}};
  });
  if (!server) return give_up(server.error().text());
  const auto stop = loop.on_stop_signal([&] { process.stop([&] { loop.stop(); }); });
  process.start();
  loop.run();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const auto bug = argc == 5 ? kBugs.find(argv[1]) : kBugs.end();
  if (bug == kBugs.end()) {
    std::fprintf(stderr, "usage: knfe_broken none|stale-read|mark-first|missed-event|lost-reply KUBECONFIG NAMESPACE PORT\n");
    return 2;
  }
  return run(bug->second, argv[2], argv[3], argv[4]);
}
