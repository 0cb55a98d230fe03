// Scenario: what is there when a schedule begins, and what users then do.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "test/sim/monitor.h"

namespace knfe::sim {

struct Scenario {
  std::string name;
  std::string after;  // the scenario whose end this begins with; empty: nothing is there
  std::vector<std::function<void(fakes::Store&)>> acts;
  // Shares of all schedules: short ones have larger.
  unsigned weight = 1;
};

const std::vector<Scenario>& scenarios();

}  // namespace knfe::sim
