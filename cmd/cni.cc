#include "cmd/cni.h"

#include <cstdio>
#include <cstdlib>

#include "base/environment.h"
#include "base/log.h"
#include "cni/plugin.h"
#include "guest/install.h"
#include "net/loop.h"

namespace knfe::cmd {

namespace {

constexpr std::size_t kLongestConfig = 1 << 20;

std::string standard_input() {
  std::string out(kLongestConfig, '\0');
  out.resize(std::fread(out.data(), 1, out.size(), stdin));
  return out;
}

}  // namespace

bool called_as_cni(int argc) { return argc == 1 && std::getenv("CNI_COMMAND"); }

int run_cni() {
  const auto answer = cni::answer({environment("CNI_COMMAND"), environment("CNI_CONTAINERID"), environment("CNI_NETNS"),
                                   environment("CNI_IFNAME"), standard_input()});
  if (!answer.json.is_null()) std::printf("%s\n", to_text(answer.json).c_str());
  return answer.exit_code;
}

int cni_install(const std::string& folder, bool stay) {
  const std::string path = folder + "/knfe";
  if (auto installed = guest::install_binary(path); !installed) {
    log(Level::kError, "the CNI plugin is not installed", {{"error", installed.error().text()}});
    return 1;
  }
  log(Level::kInfo, "CNI plugin installed", {{"path", path}});
  if (!stay) return 0;
  net::Loop loop;
  const auto stop = loop.on_stop_signal([&] { loop.stop(); });
  loop.run();
  return 0;
}

}  // namespace knfe::cmd
