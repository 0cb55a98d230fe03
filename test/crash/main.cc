// knfe_crash KUBECONFIG NAMESPACE [before|after NUMBER]: KNFE's operators for one namespace, with an end that is known
// beforehand.
//
// Says "ready" on standard output once its caches are filled, each write (see killer.h), and "writes NUMBER" when SIGTERM ends
// it.
#include <charconv>
#include <cstdio>
#include <cstring>

#include "cmd/all_operators.h"
#include "runtime/program.h"
#include "test/crash/killer.h"

namespace {

using namespace knfe;

int run(const char* kubeconfig, const char* ns, crash::When when, int write) {
  runtime::ProgramOptions options;
  options.name = "knfe";
  options.kubeconfig = kubeconfig;
  options.ns = ns;
  options.identity = "crash";
  cmd::AllOperators all("knfe.io/knfe:dev");
  int writes = 0;
  const int code = runtime::run_program(
      options,
      [&](runtime::Operator& program) {
        all.join(program);
        program.manager().on_synced([] { crash::say("ready"); });
      },
      [&](net::Loop&, net::Client& inner) { return std::make_unique<crash::Killer>(inner, when, write, writes); });
  crash::say("writes " + std::to_string(writes));
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  auto when = crash::When::kNever;
  int write = 0;
  if (argc == 5) {
    when = std::strcmp(argv[3], "before") == 0 ? crash::When::kBefore : crash::When::kAfter;
    const char* end = argv[4] + std::strlen(argv[4]);
    if (std::from_chars(argv[4], end, write).ptr != end || write < 1) argc = 0;
  }
  if (argc != 3 && argc != 5) {
    std::fprintf(stderr, "usage: knfe_crash KUBECONFIG NAMESPACE [before|after NUMBER]\n");
    return 2;
  }
  return run(argv[1], argv[2], when, write);
}
