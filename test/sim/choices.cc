#include "test/sim/choices.h"

#include <iterator>

namespace knfe::sim {

const char* name_of(Fault fault) {
  static constexpr const char* kNames[] = {"none",     "kill-before", "kill-after",  "cut-before",  "cut-after", "conflict",
                                           "too-many", "internal",    "unavailable", "lost-as-500", "slow",      "late",
                                           "drop",     "duplicate",   "pause",       "pause-long",  "cut",       "close",
                                           "gone",     "garbage",     "kill",        "freeze",      "past"};
  static_assert(std::size(kNames) == static_cast<std::size_t>(Fault::kEnd));
  return kNames[static_cast<std::size_t>(fault)];
}

Profile profile_of(std::uint64_t seed, std::size_t scenarios) {
  Profile out;
  const auto draw = [seed](std::uint64_t what) { return mix(seed, mix(0x70726f66696c65, what)); };
  out.scenario = draw(1) % scenarios;
  out.spread = static_cast<int>(draw(2) % 4);
  out.pair = draw(3) % 10 == 0;
  static constexpr int kBudgets[] = {0, 1, 1, 1, 1, 2, 2, 2, 3, 4};
  out.budget = kBudgets[draw(4) % std::size(kBudgets)];
  for (int kinds = 0; kinds < 3; ++kinds) {
    out.faults |= 1u << (1 + draw(5 + static_cast<std::uint64_t>(kinds)) % (static_cast<unsigned>(Fault::kEnd) - 1));
  }
  if (out.has(Fault::kPast) || (out.has(Fault::kFreeze) && !out.pair)) out.faults |= 1u << static_cast<unsigned>(Fault::kKill);
  return out;
}

}  // namespace knfe::sim
