#include <algorithm>

#include "operators/child.h"
#include "operators/function/membership.h"
#include "operators/function/plan.h"

namespace knfe::operators {

using runtime::ConditionWriter;
using runtime::Moment;
using runtime::Plan;

namespace {

void apply_member(const api::MemberSet& set, std::int32_t ordinal, const char* desired_state, const api::Meta* live, Children& children) {
  api::MemberSpec spec;
  static_cast<api::MemberTemplate&>(spec) = set.spec;
  spec.function = set.spec.function;
  spec.role = set.spec.role;
  spec.ordinal = ordinal;
  spec.desired = desired_state;
  const std::string name = set.meta.key.name + "-" + std::to_string(ordinal);
  auto desired = child_of(set, api::Member::resource, name, {{label::kFunction, spec.function}, {label::kRole, spec.role}});
  desired["metadata"].as_object()["finalizers"] = JsonArray{Json(kMemberFinalizer)};
  desired["spec"] = api::encode(spec);
  children.apply(api::Member::resource, std::move(desired), live);
}

bool networked(const api::Member& member) {
  const auto* condition = api::find(member.status.conditions, "Networked");
  return condition && condition->status == "True" && condition->observed_generation == member.meta.generation;
}

bool is_outdated(const Workload& workload, const std::string& current) {
  const auto found = workload.meta->annotations->find(kTemplateHash);
  return found == workload.meta->annotations->end() || found->second != current;
}

// Workloads of an older template are replaced one at a time, from the highest ordinal down, while all others serve and once the
// next one can be made; those that do not serve anyway, at once. Returns how many there are.
int replace_outdated(const api::MemberSet& set, const std::vector<const api::Member*>& members, const View& view,
                     Children& children) {
  const std::string current = template_hash(set.spec);
  const api::Member* next = nullptr;
  bool all_serve = true;
  int outdated = 0;
  for (const auto* member : members) {
    const auto workload = workload_of(*member, view);
    const bool serves = standing_of(*member, workload) == Standing::kServing;
    all_serve = all_serve && serves;
    if (!workload || workload->meta->deleting || !is_outdated(*workload, current)) continue;
    ++outdated;
    if (serves) {
      next = member;
    } else {
      children.remove(*workload->resource, *workload->meta);
    }
  }
  if (next && all_serve && networked(*next) && template_hash(next->spec) == current) {
    const auto workload = workload_of(*next, view);
    children.remove(*workload->resource, *workload->meta);
  }
  return outdated;
}

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

bool any_runs(const api::MemberSet& set, const View& view) {
  const auto members = view.members.owned_by(set.meta.uid);
  return std::any_of(members.begin(), members.end(), [&](const auto* member) { return workload_of(*member, view).has_value(); });
}

// Why members of this role may not be made yet; empty: they may.
std::string held_up(const api::MemberSet& set, const View& view) {
  for (const auto& role : set.spec.depends_on) {
    const auto* other = set_of(set, role, view);
    if (!other) return "Waiting for role " + role + ", which is being made.";
    if (all_serve(*other, view)) continue;
    const auto* ready = api::find(other->status.conditions, "Ready");
    return "Waiting for role " + role + (ready && ready->status != "True" ? ": " + ready->message : ", whose members do not all serve yet.");
  }
  return {};
}

// The role that has to be stopped before this one; empty: none.
std::string still_needed_by(const api::MemberSet& set, const View& view) {
  for (const auto* other : view.member_sets.by_index(set.meta.key.ns + "/" + set.spec.function)) {
    const auto& needed = other->spec.depends_on;
    const bool needs = std::find(needed.begin(), needed.end(), set.spec.role) != needed.end();
    if (needs && set_of(set, other->spec.role, view) == other && any_runs(*other, view)) return other->spec.role;
  }
  return {};
}

// Replaces what runs of members that have not served for long, within the budget: those that were replaced lately, or have
// stopped to serve lately, count until they serve or have had their time. So a storm is healed a few at a time.
void heal(const api::MemberSet& set, const std::vector<const api::Member*>& members, const View& view, const Moment& moment,
          Plan& plan, Children& children, ConditionWriter& write) {
  if (!set.spec.healing) return;
  const Duration patience = std::chrono::seconds(set.spec.healing->after_seconds);
  const std::string current = template_hash(set.spec);
  std::int32_t budget = set.spec.healing->budget;
  std::vector<const api::Member*> ill;
  for (const auto* member : members) {
    const auto workload = workload_of(*member, view);
    if (standing_of(*member, workload) == Standing::kServing) continue;
    if (!workload) {
      if (networked(*member)) --budget;  // it is about to be made
      continue;
    }
    const auto ill_since = not_serving_since(*member, workload);
    const Duration left = patience - (moment.now - ill_since.value_or(workload->since));
    if (left > Duration(0)) {
      --budget;
      plan.look_again = std::min(plan.look_again.value_or(left), left);
    } else if (ill_since && !is_outdated(*workload, current)) {  // those are replaced in any case
      ill.push_back(member);
    }
  }
  for (const auto* member : ill) {
    if (budget-- <= 0) return;
    const auto workload = workload_of(*member, view);
    children.remove(*workload->resource, *workload->meta);
    write.notes.push_back({true, "Healing",
                           "Member " + std::string(member->meta.key.name) + " has not served for " +
                               std::to_string(set.spec.healing->after_seconds) + " s: " + workload->name() + " is replaced."});
  }
}

}  // namespace

Plan plan_member_set(const api::MemberSet& set, const View& view, const Moment& moment) {
  Plan plan;
  if (set.meta.deleting) return runtime::plan_end(set, moment);
  Children children(plan, set.meta.uid);
  auto members = view.members.owned_by(set.meta.uid);
  std::sort(members.begin(), members.end(), [](const auto* a, const auto* b) { return a->spec.ordinal < b->spec.ordinal; });
  const bool sized = set.spec.replicas.has_value();
  const std::int32_t wanted = set.spec.replicas.value_or(0);

  ConditionWriter write(set.status.conditions, set.meta, moment);
  const bool one_by_one = set.spec.order == "OneByOne";
  const std::string needed_by = set.stopped() ? still_needed_by(set, view) : "";
  const bool stop = set.stopped() && needed_by.empty();
  std::vector<std::string> leaving;
  std::vector<const api::Member*> staying;
  std::string held;  // why the next member is not made yet
  int outdated = 0;
  if (sized) {
    if (!set.stopped()) held = held_up(set, view);
    for (std::int32_t ordinal = 0; ordinal < wanted; ++ordinal) {
      const std::string name = set.meta.key.name + "-" + std::to_string(ordinal);
      const auto* live = view.members.get({set.meta.key.ns, name});
      if (!live && !held.empty()) break;
      apply_member(set, ordinal, stop ? "Stopped" : "Serving", live ? &live->meta : nullptr, children);
      const bool ours = live && live->meta.owned_by(set.meta.uid);
      if (ours) staying.push_back(live);
      const bool next = !one_by_one || stop || (ours && standing_of(*live, view) == Standing::kServing);
      if (!next && held.empty()) held = "Member " + name + " has to serve before the next is made.";
    }
    std::reverse(members.begin(), members.end());
    for (const auto* member : members) {
      if (member->spec.ordinal < wanted) continue;
      // One by one, those after it have to be gone.
      if (one_by_one && !leaving.empty()) break;
      leaving.push_back(member->meta.key.name);
      if (member->meta.deleting) continue;
      if (member->spec.desired != "Left") {
        apply_member(set, member->spec.ordinal, "Left", &member->meta, children);
      } else if (const auto workload = workload_of(*member, view); has_left(*member, workload)) {
        prove_left(*member, workload, plan);
        // As it was read: it may be wanted again, which only a later version tells.
        children.remove(api::Member::resource, member->meta, true);
      }
    }
    if (!set.stopped()) {
      outdated = replace_outdated(set, staying, view, children);
      heal(set, staying, view, moment, plan, children, write);
    }
  }

  api::MemberSetStatus status;
  status.observed_generation = set.meta.generation;
  status.replicas = static_cast<std::int32_t>(members.size());
  status.selector = std::string(label::kFunction) + "=" + set.spec.function + "," + label::kRole + "=" + set.spec.role;
  std::string waiting, stalled;
  for (const auto* member : staying) {
    if (standing_of(*member, view) == Standing::kServing) {
      ++status.ready;
      continue;
    }
    const auto* ready = api::find(member->status.conditions, "Ready");
    if (waiting.empty()) waiting = "Member " + member->meta.key.name + (ready ? ": " + ready->message : " is being made.");
    const auto* stuck = api::find(member->status.conditions, "Stalled");
    if (stalled.empty() && stuck && stuck->status == "True") stalled = "Member " + member->meta.key.name + ": " + stuck->message;
  }
  if (!children.taken().empty()) {
    children.tell_taken(write);
  } else if (!sized) {
    write.set_ready(false, false, "Sizing", "The size is being set.");
  } else if (!needed_by.empty()) {
    write.set_ready(false, false, "Stopping", "Waiting for role " + needed_by + " to stop, which depends on this one.");
  } else if (stop && any_runs(set, view)) {
    write.set_ready(false, false, "Stopping", "Members leave, and stop then.");
  } else if (stop) {
    write.set_ready(true, false, "Stopped", "No member runs.");
  } else if (status.ready < wanted) {
    const std::string why = !stalled.empty() ? stalled : !waiting.empty() ? waiting : !held.empty() ? held : "Members are being made.";
    write.set_ready(false, !stalled.empty(), "MembersNotServing", why);
  } else if (outdated > 0) {
    // A template that asks for networks that are not there replaces nothing.
    const auto held_up = std::find_if(staying.begin(), staying.end(), [](const auto* member) { return !networked(*member); });
    const auto* why = held_up == staying.end() ? nullptr : api::find((*held_up)->status.conditions, "Networked");
    const bool told = why && why->status != "True";
    write.set_ready(false, false, "Updating",
                    std::to_string(outdated) + " of " + std::to_string(wanted) +
                        " members run an older template; they are replaced one at a time" +
                        (told ? ". Member " + (*held_up)->meta.key.name + " waits: " + why->message : "."));
  } else if (!leaving.empty()) {
    write.set_ready(true, false, "Leaving",
                    "All members serve; " + leaving.front() +
                        (leaving.size() > 1 ? " and " + std::to_string(leaving.size() - 1) + " more" : "") + " drain, then go.");
  } else {
    write.set_ready(true, false, "Serving", "All members serve.");
  }
  status.conditions = std::move(write.conditions);
  runtime::write_status(plan, set, status, std::move(write.notes));
  return plan;
}

}  // namespace knfe::operators
