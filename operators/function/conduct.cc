#include "operators/function/conduct.h"

#include <algorithm>

namespace knfe::operators {

namespace {

constexpr std::string_view kWaiting = "Waiting for role ";

const api::MemberSet* set_of(const api::MemberSet& set, const std::string& role, const View& view) {
  const auto* other = view.member_sets.get({set.meta.key.ns, set.spec.function + "-" + role});
  const auto *owner = set.meta.controller(), *its = other ? other->meta.controller() : nullptr;
  return owner && its && owner->uid == its->uid ? other : nullptr;
}

bool all_serve(const api::MemberSet& set, const View& view) {
  std::int32_t serving = 0;
  for (const auto* member : view.members.owned_by(set.meta.uid)) serving += standing_of(*member, view) == Standing::kServing;
  return set.spec.replicas && serving >= *set.spec.replicas;
}

// Why members of this role may not be made yet; empty: they may.
std::string held_up(const api::MemberSet& set, const View& view) {
  for (const auto& role : set.spec.depends_on) {
    const auto* other = set_of(set, role, view);
    const std::string waiting = std::string(kWaiting) + role;
    if (!other) return waiting + ", which is being made.";
    if (all_serve(*other, view)) continue;
    const auto* ready = api::find(other->status.conditions, "Ready");
    const std::string why(ready && ready->status != "True" ? ready->message.text() : std::string_view());
    if (why.empty()) return waiting + ", whose members do not all serve yet.";
    // Roles that wait for one another must not tell each other ever more.
    return waiting + (why.starts_with(kWaiting) ? ", which waits itself." : ": " + why);
  }
  return {};
}

// The highest number of a member of which something runs; -1: none.
std::int32_t last_running(const api::MemberSet& set, const View& view) {
  std::int32_t out = -1;
  for (const auto* member : view.members.owned_by(set.meta.uid)) {
    if (workload_of(*member, view)) out = std::max(out, member->spec.ordinal);
  }
  return out;
}

std::string still_needed_by(const api::MemberSet& set, const View& view) {
  for (const auto* other : view.member_sets.by_index(set.meta.key.ns + "/" + set.spec.function)) {
    if (depends_on(*other, set) && set_of(set, other->spec.role, view) == other && last_running(*other, view) >= 0)
      return other->spec.role;
  }
  return {};
}

}  // namespace

bool depends_on(const api::MemberSet& set, const api::MemberSet& other) {
  const auto& roles = set.spec.depends_on;
  return std::find(roles.begin(), roles.end(), other.spec.role) != roles.end();
}

Order::Order(const api::MemberSet& set, const View& view) : set_(set), view_(view), one_by_one_(set.spec.order == "OneByOne") {
  if (!set.stopped()) {
    held_ = held_up(set, view);
    return;
  }
  needed_by_ = still_needed_by(set, view);
  last_running_ = last_running(set, view);
}

const char* Order::next(std::int32_t ordinal, const api::Member* live) {
  const bool let_in = live && live->spec.is_to_serve();
  if (set_.stopped()) {
    const bool may_stop = needed_by_.empty() && (!one_by_one_ || ordinal >= last_running_);
    return let_in && !may_stop ? "Serving" : "Stopped";
  }
  const char* out = let_in || held_.empty() ? "Serving" : live ? "Stopped" : nullptr;
  // A seed that has once been in keeps nobody out: the others find the cluster by the other seeds.
  const bool was_in = live && api::is_true(live->status.conditions, "Joined");
  const bool others_wait = one_by_one_ || (ordinal < set_.spec.seeds && !was_in);
  if (others_wait && held_.empty() && !(live && standing_of(*live, view_) == Standing::kServing)) {
    held_ = "Member " + set_.meta.key.name + "-" + std::to_string(ordinal) + " has to serve before the next is made.";
  }
  return out;
}

std::string heal(const api::MemberSet& set, const std::vector<const api::Member*>& members, const View& view,
                 const runtime::Moment& moment, runtime::Plan& plan, Children& children, std::vector<runtime::Note>& notes) {
  if (!set.spec.healing) return {};
  const Duration patience = std::chrono::seconds(set.spec.healing->after_seconds);
  const std::string current = template_hash(set.spec);
  std::int32_t budget = set.spec.healing->budget;
  struct Ill {
    Instant since;
    const api::Member* member;
    Workload workload;
  };
  std::vector<Ill> ill;
  for (const auto* member : members) {
    const auto workload = workload_of(*member, view);
    if (standing_of(*member, workload) == Standing::kServing) continue;
    if (!workload || !workload->instance) {
      // It is about to be made, or started; unless somebody has to act first, who may be long in coming.
      const bool stuck = (workload && workload->stuck) || api::is_true(member->status.conditions, "Stalled");
      if (networked(*member) && !stuck) --budget;
      continue;
    }
    const auto ill_since = not_serving_since(*member, workload);
    const Duration left = patience - (moment.now - ill_since.value_or(workload->seen.as_it_is));
    if (left > Duration(0)) {
      --budget;
      plan.look_within(left);
    } else if (ill_since && networked(*member) && !is_outdated(*workload, current)) {  // those are replaced in any case
      ill.push_back({*ill_since, member, *workload});
    }
  }
  // Those that have waited longest come first: one that does not get well must not keep its turn for ever.
  std::stable_sort(ill.begin(), ill.end(), [](const auto& a, const auto& b) { return a.since < b.since; });
  std::string out;
  for (const auto& [since, member, workload] : ill) {
    if (budget-- <= 0) break;
    // As it was read: it may have become well, which only a later version tells.
    children.remove(*workload.resource, *workload.meta, true);
    const std::string what = "Member " + std::string(member->meta.key.name) + " has not served for " +
                             std::to_string(set.spec.healing->after_seconds) + " s: its " + std::string(workload.resource->kind) +
                             " is replaced.";
    notes.push_back({true, "Healing", what});
    out += (out.empty() ? "" : " ") + what;
  }
  return out;
}

}  // namespace knfe::operators
