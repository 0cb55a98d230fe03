// Shrinking: what can be left out of a failing schedule, so that it still fails.
#pragma once

#include "test/sim/schedule.h"

namespace knfe::sim {

struct Shrunk {
  Outcome outcome;
  std::size_t faults = 0, delays = 0;  // that are needed
  unsigned runs = 0;
};

// Takes faults back first, then delays, in halves and at last one by one.
Shrunk shrink(Simulator& simulator, std::uint64_t seed);

}  // namespace knfe::sim
