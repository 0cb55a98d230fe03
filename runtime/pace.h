// Pace: how long to wait before the same writes are carried out once more. Whoever has undone them may go on doing so: what was
// undone is repaired at once, and if that is undone, too, 50 ms after the last time, doubling to 30 s. So a fight is no storm.
//
// A value without timers. What was carried out is remembered for a minute; of more than 8192 plans, those carried out last.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <unordered_map>

#include "runtime/plan.h"
#include "runtime/queue.h"

namespace knfe::runtime {

class Pace {
 public:
  static constexpr std::size_t most = 8192;

  // `where`: which writes to what, of which plan (see where()); `content`: what they say.
  void carried_out(std::uint64_t where, std::uint64_t content, Instant now);
  // When they may be carried out (again); not later than now for what is not remembered. `content` is asked for only if it
  // matters.
  Instant earliest(std::uint64_t where, const std::function<std::uint64_t()>& content) const;
  std::size_t size() const { return known_.size(); }

  // 0: nothing to pace. A status is none of it: it follows from what is there.
  static std::uint64_t where(const Item& item, const Plan& plan);

 private:
  struct Known {
    std::uint64_t content = 0;
    std::uint32_t times = 0;
    Instant last{};
  };
  void forget(Instant now);

  std::unordered_map<std::uint64_t, Known> known_;
  std::deque<std::pair<Instant, std::uint64_t>> order_;  // of the times; the last of each decides
};

}  // namespace knfe::runtime
