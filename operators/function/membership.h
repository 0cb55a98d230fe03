// Who is in a function's cluster, and how it stands with each: derived anew each time from the Members and what runs for them.
#pragma once

#include "operators/function/workload.h"

namespace knfe::operators {

enum class Standing {
  kJoining,  // it does not take traffic, or not any more
  kServing,  // it does
  kLeaving,  // it finishes what it has and must get nothing new
};
const char* name(Standing standing);

// Whether a guest agent speaks for such members.
bool has_agent(const api::MemberTemplate& member_template);
// Whether what the member's status says of Joined, Serving and Left was said by the agent in what runs now.
bool is_reporter(const api::Member& member, const Workload& workload);
// `workload` is the member's own. What an agent reported counts only if it was that of what runs now.
Standing standing_of(const api::Member& member, const std::optional<Workload>& workload);
Standing standing_of(const api::Member& member, const View& view);
// Since when it has not served, as far as is known; nothing if it serves, or nothing runs for it that could. What is still being
// started, or held by somebody, is not meant: another would fare no better.
std::optional<Instant> not_serving_since(const api::Member& member, const std::optional<Workload>& workload);
// Whether KNFE (and not the member itself) wants it to leave.
bool asked_to_leave(const api::Member& member, const std::optional<Workload>& workload);
// It has left, as far as the caches know: its agent says so, or nothing runs that was ever in.
bool has_left(const api::Member& member, const std::optional<Workload>& workload);
// What follows in a plan happens only if that is so: a cache may not know yet what runs by now, and has joined.
void prove_left(const api::Member& member, const std::optional<Workload>& workload, runtime::Plan& plan);
// The set that a member belongs to; null: it is not there (any more).
const api::MemberSet* set_of(const api::Member& member, const View& view);
// The members of a function that are its own, by role and ordinal; also those of a role that it has no more, until they are gone.
std::vector<const api::Member*> members_of(const api::NetworkFunction& function, const View& view);

// The member list that everybody in the function gets: {"function", "members": [{name, role, ordinal, state, addresses}]}, with
// "leave": true for whoever is asked to leave (a member that leaves by itself is Leaving, too, and may come back). A member is on
// it from when all its addresses are known until it is gone, with those that its workload carries, or will carry. Seeds have
// "seed": true.
Json member_list(const api::NetworkFunction& function, const View& view);

JsonArray ips_of(const api::ConnectionPoint& point);
std::string connection_point_name(const api::Member& member, const api::Attachment& attachment);
std::string claim_name(const api::Key& member, const api::Volume& volume);
const std::string& interface_of(const api::Attachment& attachment);

// The ServiceAccount that the pod of a member runs as: the template's (also by its deprecated name), or the function's.
std::string service_account_of(const api::MemberTemplate& member_template, const std::string& function);

// All its connection points have their addresses, as its newest spec wants them.
bool networked(const api::Member& member);

// Whether what runs was made of another template than that of this hash.
bool is_outdated(const Workload& workload, const std::string& template_hash);
// Changes when what runs in a member would be another.
std::string template_hash(const api::MemberTemplate& member_template);
inline constexpr const char* kTemplateHash = "knfe.io/template-hash";

}  // namespace knfe::operators
