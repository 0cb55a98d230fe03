#include "cmd/version.h"

#include <cstdio>

#include "base/json.h"

namespace knfe::cmd {

int print_version(bool json) {
  if (json) {
    std::printf("%s\n", to_text(JsonObject{{"version", KNFE_VERSION}, {"commit", KNFE_COMMIT}}).c_str());
  } else {
    std::printf("knfe %s (%s)\n", KNFE_VERSION, KNFE_COMMIT);
  }
  return 0;
}

}  // namespace knfe::cmd
