// The action operator's plan: Action -> what its members are asked, by the member list's ConfigMap -> what became of it.
//
// A member learns of an Action from its function's ConfigMap, tells in its own status that it begins, does it once that was
// taken, and tells what became of it, for as long as it is asked. An Action that is completed is a receipt: it asks nobody any
// more.
#pragma once

#include "operators/view.h"
#include "runtime/plan.h"

namespace knfe::operators {

inline constexpr const char* kActionsKey = "actions.json";  // in the ConfigMap with the member list

runtime::Plan plan_action(const api::Action& action, const View& view, const runtime::Moment& moment);
// What the members of a function are asked, oldest first but for what has begun: {"uid", "action", "created", "deadlineSeconds",
// "parameters", "members": [UID of a Member]}.
JsonArray asked_of(const api::NetworkFunction& function, const View& view);

}  // namespace knfe::operators
