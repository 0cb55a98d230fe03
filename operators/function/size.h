// Who says how many members a role has: each with a field manager of its own, so that an apply of the rest never takes it away.
#pragma once

#include "runtime/plan.h"

namespace knfe::operators {

inline constexpr const char* kSizeManager = "knfe-size";      // the first size, and what new bounds make of it
inline constexpr const char* kPolicyManager = "knfe-policy";  // what Policies say

// Wants so many members of the MemberSet `set`, as `manager`.
runtime::Action resize(const api::Meta& set, std::int32_t replicas, const char* manager);

}  // namespace knfe::operators
