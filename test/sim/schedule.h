// Schedule: one run of one scenario under one seed, from what is there at its beginning until nothing happens any more.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "test/faults/saboteur.h"
#include "test/sim/choices.h"
#include "test/sim/scenario.h"

namespace knfe::sim {

struct Outcome {
  std::string problem;  // empty: all held
  std::size_t scenario = 0;
  std::uint64_t steps = 0, writes = 0, events = 0, changes = 0;
  int faults = 0;
  Micros lasted = 0;
  Choices::Taken taken;
  std::vector<std::string> trace;
};

class Simulator {
 public:
  explicit Simulator(faults::Bug bug = faults::Bug::kNone);

  // `kept`: see Choices.
  Outcome run(std::uint64_t seed, const Allowed* kept = nullptr, bool trace = false);

 private:
  struct Begin {
    fakes::Store store;
    Monitor monitor;
  };
  // An undisturbed run of a scenario.
  struct Calm {
    std::set<std::string> masked;
    std::uint64_t writes = 0;
    std::set<std::uint64_t> known;  // what has been seen to be the same, by its hash
  };
  friend class Schedule;

  const faults::Bug bug_;
  std::vector<std::size_t> turns_;  // scenarios, as often as they weigh
  std::map<std::string, Begin> begins_;
  std::map<std::string, Calm> calm_;
};

}  // namespace knfe::sim
