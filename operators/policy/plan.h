// The policy operator's plan: Policy -> the size of a MemberSet.
#pragma once

#include "operators/view.h"
#include "runtime/plan.h"

namespace knfe::operators {

// Policies are found by the MemberSet that they move, "NAMESPACE/NAME".
runtime::Plan plan_policy(const api::Policy& policy, const View& view, const runtime::Moment& moment);

}  // namespace knfe::operators
