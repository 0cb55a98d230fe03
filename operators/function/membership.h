// Who is in a function's cluster, and how it stands with each: derived anew each time from the Members and their pods.
#pragma once

#include "operators/view.h"
#include "runtime/plan.h"

namespace knfe::operators {

enum class Standing {
  kJoining,  // it does not take traffic, or not any more
  kServing,  // it does
  kLeaving,  // it finishes what it has and must get nothing new
};
const char* name(Standing standing);

// Whether a guest agent speaks for such members.
bool has_agent(const api::MemberTemplate& member_template);
// Whether what the member's status says of Joined, Serving and Left was said by the agent in this pod.
bool is_reporter(const api::Member& member, const api::Pod& pod);
// `pod` is the member's own pod, or null. What an agent reported counts only if it was this pod's agent.
Standing standing_of(const api::Member& member, const api::Pod* pod);
// Whether KNFE (and not the member itself) wants it to leave.
bool asked_to_leave(const api::Member& member, const api::Pod* pod);
// Proven to have left: its agent says so, or nothing runs that was ever in.
bool has_left(const api::Member& member, const api::Pod* pod);
// The pod that is this member's, or null.
const api::Pod* pod_of(const api::Member& member, const View& view);
// A pod under the member's name that belongs to nobody, as --cascade=orphan leaves it behind, or null: it may carry its
// addresses.
const api::Pod* orphan_of(const api::Member& member, const View& view);
// Whether the pod was made with addresses of this connection point, or does not say with which.
bool may_carry(const api::Pod& pod, const api::ConnectionPoint& point);
// What follows in a plan happens only if there is no pod that carries the addresses of the member `uid`.
runtime::Action proof_of_no_pod(const api::Key& member, const std::string& uid);
// The members of a function that are its own, by role and ordinal; also those of a role that it has no more, until they are gone.
std::vector<const api::Member*> members_of(const api::NetworkFunction& function, const View& view);

// The member list that everybody in the function gets: {"function", "members": [{name, role, ordinal, state, addresses}]}, with
// "leave": true for whoever is asked to leave (a member that leaves by itself is Leaving, too, and may come back). A member is on
// it from when all its addresses are known until it is gone, with those that its pod carries, or will carry.
Json member_list(const api::NetworkFunction& function, const View& view);

JsonArray ips_of(const api::ConnectionPoint& point);
std::string connection_point_name(const api::Member& member, const api::Attachment& attachment);
const std::string& interface_of(const api::Attachment& attachment);

// The ServiceAccount that the pod of a member runs as: the template's (also by its deprecated name), or the function's.
std::string service_account_of(const api::MemberTemplate& member_template, const std::string& function);

// Changes when what runs in a member would be another.
std::string template_hash(const api::MemberTemplate& member_template);
inline constexpr const char* kTemplateHash = "knfe.io/template-hash";
// The addresses with which a pod was made, {"connection point": ["10.20.0.7"]}: it cannot get others.
inline constexpr const char* kAddresses = "knfe.io/addresses";

}  // namespace knfe::operators
