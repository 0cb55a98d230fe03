// Random numbers for spreading things, not for secrets. Each process, and each thread, has others.
#pragma once

#include <cstdint>

namespace knfe {

// From 0 to most, both included.
std::int64_t random_up_to(std::int64_t most);

}  // namespace knfe
