// knfe_broken BUG KUBECONFIG NAMESPACE PORT: KNFE's operators for one namespace, with one bug (see saboteur.h), or none; at the
// port, /readyz and /metrics.
#include <cstdio>
#include <map>

#include "cmd/all_operators.h"
#include "runtime/program.h"
#include "test/faults/saboteur.h"

namespace {

using namespace knfe;

const std::map<std::string, faults::Bug> kBugs{{"none", faults::Bug::kNone},
                                               {"stale-read", faults::Bug::kStaleRead},
                                               {"mark-first", faults::Bug::kMarkFirst},
                                               {"missed-event", faults::Bug::kMissedEvent},
                                               {"lost-reply", faults::Bug::kLostReply}};

int run(faults::Bug bug, const char* kubeconfig, const char* ns, const std::string& port) {
  runtime::ProgramOptions options;
  options.name = "knfe";
  options.kubeconfig = kubeconfig;
  options.ns = ns;
  options.identity = "broken";
  options.listen = "127.0.0.1:" + port;
  cmd::AllOperators all("knfe.io/knfe:dev");
  return runtime::run_program(
      options, [&](runtime::Operator& program) { all.join(program); },
      [&](net::Loop& loop, net::Client& inner) { return std::make_unique<faults::Saboteur>(loop, inner, bug); });
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
