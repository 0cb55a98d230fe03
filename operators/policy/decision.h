// How many members a Policy wants. Pure: what the members report, the bounds and the hour go in, a number and the reason come
// out.
#pragma once

#include <optional>
#include <string>

#include "api/policy.h"

namespace knfe::operators {

struct Bounds {
  std::int32_t min = 0, max = 0;
  std::string because_min, because_max;  // who says so, for people: "the role", "hours day"
};
// Those of the role, narrowed by the Policy's own and by those hours that it is now. The role's own have the last word, and max
// before min.
Bounds bounds_of(const api::Size& role, const api::PolicySpec& policy, std::chrono::sys_seconds now);
// Until some hours of the policy begin or end; nothing if it has none.
std::optional<Duration> next_hours(const api::PolicySpec& policy, std::chrono::sys_seconds now);

// What the members of a role report of one indicator, all together.
struct Reports {
  double low = 0, high = 0;  // sums, of those that are known
  std::int32_t known = 0;    // of those that are wanted, the members that serve and have reported
  std::int32_t leaving = 0;  // members that are there, and not wanted any more: what they carry comes to the others
};

struct Decision {
  std::int32_t wanted = 0;             // so many members there are to be
  std::string because;                 // why it is another number than now; empty: it is not
  std::optional<Duration> not_before;  // it is to be changed only when the size has been what it is for so much longer
};
// `size` is how many members are wanted now, `steady` how long that has been so, as far as is known.
Decision decide(const api::PolicySpec& policy, const Bounds& bounds, const Reports& reports, std::int32_t size, Duration steady);

}  // namespace knfe::operators
