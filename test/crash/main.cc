// knfe_crash KUBECONFIG NAMESPACE [before|after NUMBER]: KNFE's operators for one namespace, with an end that is known
// beforehand.
//
// Says "ready" on standard output once its caches are filled, each write (see killer.h), and "writes NUMBER" when SIGTERM ends
// it.
#include <charconv>
#include <cstdio>
#include <cstring>

#include "cmd/all_operators.h"
#include "kube/config.h"
#include "net/https_client.h"
#include "test/crash/killer.h"

namespace {

using namespace knfe;

int give_up(const std::string& why) {
  std::fprintf(stderr, "knfe_crash: %s\n", why.c_str());
  return 1;
}

int run(const char* kubeconfig, const char* ns, crash::When when, int write) {
  kube::ConfigOptions where;
  where.path = kubeconfig;
  auto config = kube::load_config(where);
  if (!config) return give_up(config.error().text());
  net::Loop loop;
  auto transport = net::make_https_client(loop, config->endpoint);
  if (!transport) return give_up(transport.error().text());

  crash::Killer killer(**transport, when, write);
  cmd::AllOperators all("knfe.io/knfe:dev");
  runtime::Operator process(loop, killer, *config, {ns, {}, "crash"});
  all.join(process);
  net::Handle look;
  std::function<void()> tell_ready = [&] {
    if (process.ready()) return crash::say("ready");
    look = loop.after(Duration(5), tell_ready);
  };
  tell_ready();
  const auto stop = loop.on_stop_signal([&] { process.stop([&] { loop.stop(); }); });
  process.start();
  loop.run();
  crash::say("writes " + std::to_string(killer.writes()));
  return 0;
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
