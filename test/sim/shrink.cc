#include "test/sim/shrink.h"

#include <algorithm>

namespace knfe::sim {

namespace {

constexpr unsigned kMostRuns = 4'000;

class Shrinker {
 public:
  Shrinker(Simulator& simulator, std::uint64_t seed) : simulator_(simulator), seed_(seed) {}

  Shrunk run() {
    auto first = simulator_.run(seed_);
    if (first.problem.empty()) return {std::move(first), 0, 0, 1};
    kept_.faults.insert(first.taken.faults.begin(), first.taken.faults.end());
    kept_.delays.insert(first.taken.delays.begin(), first.taken.delays.end());
    for (bool less = true; less && runs_ < kMostRuns;) {
      less = reduce(kept_.faults);
      less = reduce(kept_.delays) || less;
    }
    Shrunk out{simulator_.run(seed_, &kept_, true), 0, 0, runs_};
    out.faults = out.outcome.taken.faults.size();
    out.delays = out.outcome.taken.delays.size();
    return out;
  }

 private:
  bool fails() {
    ++runs_;
    return !simulator_.run(seed_, &kept_).problem.empty();
  }

  // True if something could be taken out of the set.
  bool reduce(std::unordered_set<std::uint64_t>& set) {
    bool less = false;
    for (std::size_t part = std::max<std::size_t>(set.size(), 1);; part = (part + 1) / 2) {
      std::vector<std::uint64_t> all(set.begin(), set.end());
      std::sort(all.begin(), all.end());
      for (std::size_t begin = 0; begin < all.size() && runs_ < kMostRuns; begin += part) {
        const auto before = set;
        for (std::size_t i = begin; i < std::min(begin + part, all.size()); ++i) set.erase(all[i]);
        if (fails()) {
          less = true;
        } else {
          set = before;
        }
      }
      if (part <= 1) return less;
    }
  }

  Simulator& simulator_;
  const std::uint64_t seed_;
  Allowed kept_;
  unsigned runs_ = 0;
};

}  // namespace

Shrunk shrink(Simulator& simulator, std::uint64_t seed) { return Shrinker(simulator, seed).run(); }

}  // namespace knfe::sim
