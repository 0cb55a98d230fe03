// The function operator's plans: NetworkFunction -> MemberSets, rights, member list -> Members -> ConnectionPoints and workload.
#pragma once

#include "operators/function/port.h"
#include "runtime/plan.h"

namespace knfe::operators {

// Holds a Member, and with it its addresses, until its workload is proven gone.
inline constexpr const char* kMemberFinalizer = "knfe.io/member-runs";

std::string peers_name(const std::string& function);  // of the ConfigMap with the member list
inline constexpr const char* kPeersKey = "members.json";
std::string set_name(const api::NetworkFunction& function, const api::Role& role);

runtime::Plan plan_function(const api::NetworkFunction& function, const View& view, const runtime::Moment& moment);
runtime::Plan plan_member_set(const api::MemberSet& set, const View& view, const runtime::Moment& moment);
runtime::Plan plan_member(const api::Member& member, const View& view, const NetworkProvider& networks,
                          const WorkloadProvider& workloads, const runtime::Moment& moment);

}  // namespace knfe::operators
