#include <algorithm>

#include "base/decimal.h"
#include "base/rfc3339.h"
#include "operators/function/membership.h"
#include "operators/function/size.h"
#include "operators/policy/decision.h"
#include "operators/policy/plan.h"

namespace knfe::operators {

using runtime::ConditionWriter;
using runtime::Moment;
using runtime::Plan;

namespace {

// The one of those on a MemberSet that counts: the oldest, and of two of one second the first by name.
const api::Policy& first_of(const std::vector<const api::Policy*>& policies, const api::Policy& otherwise) {
  const auto* first = &otherwise;
  for (const auto* one : policies) {
    if (one->meta.deleting) continue;
    if (std::tie(one->meta.created, one->meta.key.name) < std::tie(first->meta.created, first->meta.key.name)) first = one;
  }
  return *first;
}

Reports reports_of(const api::MemberSet& set, const std::string& indicator, const View& view) {
  Reports out;
  for (const auto* member : view.members.owned_by(set.meta.uid)) {
    const auto standing = standing_of(*member, view);
    if (member->spec.ordinal >= set.spec.replicas.value_or(0) || standing == Standing::kLeaving) {
      ++out.leaving;
      continue;
    }
    if (standing != Standing::kServing || !member->status.agent) continue;
    for (const auto& report : member->status.agent->indicators) {
      const auto low = read_decimal(report.low), high = read_decimal(report.high);
      if (report.name != indicator || !low || !high) continue;
      out.low += *low;
      out.high += *high;
      ++out.known;
    }
  }
  return out;
}

bool measures(const api::MemberSet& set, const std::string& indicator) {
  return std::any_of(set.spec.indicators.begin(), set.spec.indicators.end(),
                     [&](const api::Indicator& one) { return one.name == indicator; });
}

// Why the policy cannot move anything until somebody acts; empty: it can.
std::pair<std::string, std::string> trouble(const api::Policy& policy, const api::MemberSet& set, const View& view) {
  const auto& name = set.meta.key.name;
  const auto& first = first_of(view.policies.by_index(set.meta.key.text()), policy);
  if (first.meta.uid != policy.meta.uid) {
    return {"Overruled",
            "Policy " + first.meta.key.name + " moves MemberSet " + name + " already: one Policy for each, delete one of them"};
  }
  if (!set.spec.size.initial) {
    return {"SizeNotMovable", "NetworkFunction " + set.spec.function + " fixes the size of role " + set.spec.role +
                                  ": give it size.initial, min and max instead of exactly"};
  }
  if (policy.spec.load && !measures(set, policy.spec.load->indicator)) {
    return {"NoSuchIndicator", "Role " + set.spec.role + " of NetworkFunction " + set.spec.function + " has no indicator " +
                                   policy.spec.load->indicator + ": add it to the role's indicators, or name another"};
  }
  if (policy.spec.load && !has_agent(set.spec)) {
    return {"NoAgent", "Role " + set.spec.role + " of NetworkFunction " + set.spec.function +
                           " has no agent that could measure: say membership.agent: Sidecar"};
  }
  return {};
}

std::string enough(const api::Policy& policy, const Reports& reports, std::int32_t size) {
  std::string out = "As many members are wanted as are to be";
  if (policy.spec.load && size == 0) return out + "; nobody measures " + policy.spec.load->indicator + " while there is none.";
  if (policy.spec.load && reports.known < size) {
    out += "; " + std::to_string(reports.known) + " of " + std::to_string(size) + " report " + policy.spec.load->indicator +
           ", and what is not known moves nothing";
  }
  return out + ".";
}

}  // namespace

Plan plan_policy(const api::Policy& policy, const View& view, const Moment& moment) {
  Plan plan;
  if (policy.meta.deleting) return runtime::plan_end(policy, moment);
  api::PolicyStatus status;
  status.observed_generation = policy.meta.generation;
  status.last = policy.status.last;
  ConditionWriter write(policy.status.conditions, policy.meta, moment);
  const auto* set = view.member_sets.get({policy.meta.key.ns, policy.spec.member_set.name});
  if (!set || set->meta.deleting) {
    write.set_ready(false, false, "NoMemberSet",
                    "MemberSet " + policy.spec.member_set.name + " does not exist: once it does, this goes on by itself");
  } else if (const auto [reason, message] = trouble(policy, *set, view); !reason.empty()) {
    write.set_ready(false, true, reason, message);
  } else if (!set->spec.replicas) {
    write.set_ready(false, false, "Sizing", "The first size is being set.");
  } else {
    const auto now = read_rfc3339(moment.wall).value();
    const auto size = *set->spec.replicas;
    const auto reports = policy.spec.load ? reports_of(*set, policy.spec.load->indicator, view) : Reports{};
    const auto steady = std::max(Duration(0), moment.now - set->sized_since);
    const auto decision = decide(policy.spec, bounds_of(set->spec.size, policy.spec, now), reports, size, steady);
    status.wanted = decision.wanted;
    plan.look_again = next_hours(policy.spec, now);
    if (decision.because.empty()) {
      write.set_ready(true, false, "Enough", enough(policy, reports, size));
    } else if (policy.spec.dry_run) {
      write.set_ready(true, false, "DryRun", "Without dryRun the size would be moved to status.wanted.");
    } else if (decision.not_before) {
      write.set_ready(true, false, "CoolingDown",
                      "The size has changed not long ago: it is moved when coolDownSeconds have passed.");
      plan.look_within(*decision.not_before);
    } else {
      plan.actions.push_back(resize(set->meta, decision.wanted, kPolicyManager));
      if (!moment.refusal) status.last = api::Resized{moment.wall, decision.because, size, decision.wanted};
      write.set_ready(true, false, "Enough", enough(policy, reports, decision.wanted));
      write.notes.push_back(
          {false, "Resized",
           "From " + std::to_string(size) + " to " + std::to_string(decision.wanted) + " members: " + decision.because + "."});
    }
  }
  status.conditions = std::move(write.conditions);
  runtime::write_status(plan, policy, status, std::move(write.notes));
  return plan;
}

}  // namespace knfe::operators
