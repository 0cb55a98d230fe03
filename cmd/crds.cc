#include "cmd/crds.h"

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "api/kinds.h"
#include "base/yaml.h"

namespace knfe::cmd {

int write_crds(const std::string& folder) {
  for (const auto& crd : api::crds()) {
    const std::string text = to_yaml(crd);
    if (folder.empty()) {
      std::printf("---\n%s", text.c_str());
      continue;
    }
    const std::string path = folder + "/" + std::string(as_string(at(crd, "spec", "names", "plural"))) + ".yaml";
    std::FILE* file = std::fopen(path.c_str(), "we");
    const bool written = file && std::fwrite(text.data(), 1, text.size(), file) == text.size();
    if (!file || std::fclose(file) != 0 || !written) {
      std::fprintf(stderr, "knfe: %s cannot be written: %s\n", path.c_str(), std::strerror(errno));
      return 1;
    }
  }
  return 0;
}

}  // namespace knfe::cmd
