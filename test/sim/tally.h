// Tally: what has become of many schedules.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "test/sim/schedule.h"

namespace knfe::sim {

struct Tally {
  struct Failure {
    std::uint64_t seed;
    std::string scenario, problem;
  };
  // How often each number was met.
  using Histogram = std::map<std::uint64_t, std::uint64_t>;

  std::uint64_t schedules = 0;
  Histogram steps, writes, events, faults;
  std::map<std::string, std::uint64_t> scenarios;
  std::vector<Failure> failed;

  void add(std::uint64_t seed, const Outcome& outcome);
  void add(const Tally& other);
  // A line of JSON on a pipe, and back.
  void tell(int out) const;
  static Tally read(const std::string& line);
  std::string summary(double seconds, double cpu_seconds) const;
};

}  // namespace knfe::sim
