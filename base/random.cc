#include "base/random.h"

#include <random>

namespace knfe {

std::int64_t random_up_to(std::int64_t most) {
  static thread_local std::minstd_rand random{std::random_device{}()};
  return std::uniform_int_distribution<std::int64_t>(0, most)(random);
}

}  // namespace knfe
