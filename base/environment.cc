#include "base/environment.h"

#include <cstdlib>

namespace knfe {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

}  // namespace knfe
