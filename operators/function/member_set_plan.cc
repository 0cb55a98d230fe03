#include <algorithm>

#include "operators/child.h"
#include "operators/function/conduct.h"
#include "operators/function/membership.h"
#include "operators/function/plan.h"

namespace knfe::operators {

using runtime::ConditionWriter;
using runtime::Moment;
using runtime::Plan;

namespace {

void apply_member(const api::MemberSet& set, std::int32_t ordinal, const char* desired_state, const api::Meta* live,
                  Children& children) {
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

// Workloads of an older template are replaced one at a time, from the highest ordinal down, while all others serve and once the
// next one can be made; those that do not serve anyway, at once. Returns how many there are.
int replace_outdated(const api::MemberSet& set, const std::vector<const api::Member*>& members, const View& view,
                     Children& children) {
  const std::string current = template_hash(set.spec);
  const api::Member* next = nullptr;
  bool all_serve = static_cast<std::int32_t>(members.size()) >= set.spec.replicas.value_or(0);
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

}  // namespace

Plan plan_member_set(const api::MemberSet& set, const View& view, const Moment& moment) {
  Plan plan;
  if (set.meta.deleting) return runtime::plan_end(set, moment);
  Children children(plan, set.meta.uid);
  auto members = view.members.owned_by(set.meta.uid);
  std::sort(members.begin(), members.end(), [](const auto* a, const auto* b) { return a->spec.ordinal > b->spec.ordinal; });
  const bool sized = set.spec.replicas.has_value();
  const std::int32_t wanted = set.spec.replicas.value_or(0);

  ConditionWriter write(set.status.conditions, set.meta, moment);
  Order order(set, view);
  std::vector<std::string> leaving;
  std::vector<const api::Member*> staying;
  int outdated = 0;
  std::string healing;
  if (sized) {
    for (std::int32_t ordinal = 0; ordinal < wanted; ++ordinal) {
      const auto* live = view.members.get({set.meta.key.ns, set.meta.key.name + "-" + std::to_string(ordinal)});
      const bool ours = live && live->meta.owned_by(set.meta.uid);
      const char* state = order.next(ordinal, ours ? live : nullptr);
      if (state) apply_member(set, ordinal, state, live ? &live->meta : nullptr, children);
      if (ours) staying.push_back(live);
    }
    for (const auto* member : members) {
      if (member->spec.ordinal < wanted) continue;
      // One by one, those after it have to be gone.
      if (order.one_by_one() && !leaving.empty()) break;
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
      healing = heal(set, staying, view, moment, plan, children, write.notes);
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
    if (ready && ready->status == "True") continue;  // stopped, until its turn comes
    if (waiting.empty()) waiting = "Member " + member->meta.key.name + (ready ? ": " + ready->message : " is being made.");
    const auto* stuck = api::find(member->status.conditions, "Stalled");
    if (stalled.empty() && stuck && stuck->status == "True") stalled = "Member " + member->meta.key.name + ": " + stuck->message;
  }
  if (!children.taken().empty()) {
    children.tell_taken(write);
  } else if (!sized) {
    write.set_ready(false, false, "Sizing", "The size is being set.");
  } else if (!order.needed_by().empty()) {
    write.set_ready(false, false, "Stopping", "Waiting for role " + order.needed_by() + " to stop, which depends on this one.");
  } else if (set.stopped() && order.any_runs()) {
    write.set_ready(false, false, "Stopping", "Members leave, and stop then.");
  } else if (set.stopped()) {
    write.set_ready(true, false, "Stopped", "No member runs.");
  } else if (status.ready < wanted) {
    const std::string why = !healing.empty()        ? healing
                            : !stalled.empty()      ? stalled
                            : !waiting.empty()      ? waiting
                            : !order.held().empty() ? order.held()
                                                    : "Members are being made.";
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
