#include <algorithm>
#include <map>

#include "base/rfc3339.h"
#include "operators/action/plan.h"
#include "operators/function/membership.h"

namespace knfe::operators {

using runtime::ConditionWriter;
using runtime::Moment;
using runtime::Plan;

namespace {

constexpr std::size_t kMostAtOnce = 16;  // as many as a member can report on

const api::ActionReport* report_of(const api::Member& member, const api::Action& action) {
  if (!member.status.agent) return nullptr;
  for (const auto& report : member.status.agent->actions) {
    if (report.uid == action.meta.uid.text()) return &report;
  }
  return nullptr;
}

bool is_done(const api::MemberResult& result) { return result.state == "Succeeded" || result.state == "Failed"; }

// By name. What a member that is gone has reported stays in the status.
std::map<std::string, api::MemberResult> results_of(const api::Action& action, const api::MemberSet* set, const View& view) {
  std::map<std::string, api::MemberResult> out;
  for (const auto& known : action.status.members) out.emplace(known.name, known);
  for (const auto& name : action.spec.members) out.try_emplace(name, api::MemberResult{name, "Pending", {}, {}, {}, {}});
  if (!set) return out;
  for (const auto* member : view.members.owned_by(set->meta.uid)) {
    const std::string name(member->meta.key.name.text());
    // Who came later was not meant; times are the API server's, and of one form.
    if (action.spec.members.empty() && member->meta.created.text() <= action.meta.created.text())
      out.try_emplace(name, api::MemberResult{name, "Pending", {}, {}, {}, {}});
    const auto known = out.find(name);
    const auto* report = report_of(*member, action);
    if (known == out.end() || is_done(known->second) || !report) continue;
    const bool well = report->exit_code == 0;
    known->second = {name,
                     report->finished.empty() ? "Running"
                     : well                   ? "Succeeded"
                                              : "Failed",
                     report->started,
                     report->finished,
                     report->output,
                     report->exit_code};
  }
  return out;
}

Duration left_of(const api::Action& action, const Moment& moment) {
  const auto created = read_rfc3339(action.meta.created.text()), now = read_rfc3339(moment.wall);
  const auto deadline = std::chrono::seconds(action.spec.deadline_seconds);
  return created && now ? Duration(*created + deadline - *now) : Duration(deadline);
}

const api::MemberSet* set_of(const api::Action& action, const View& view) {
  const auto* set = view.member_sets.get({action.meta.key.ns, action.spec.member_set.name});
  return set && !set->meta.deleting ? set : nullptr;
}

// Why it cannot be done until somebody acts; empty: it can.
std::pair<std::string, std::string> trouble(const api::Action& action, const api::MemberSet& set) {
  const std::string role = "Role " + set.spec.role + " of NetworkFunction " + set.spec.function;
  const auto& actions = set.spec.actions;
  if (std::none_of(actions.begin(), actions.end(), [&](const auto& one) { return one.name == action.spec.action; }))
    return {"NoSuchAction", role + " has no action " + action.spec.action + ": add it to the role's actions, or name another"};
  if (!has_agent(set.spec)) return {"NoAgent", role + " has no agent that could do it: say membership.agent: Sidecar"};
  return {};
}

}  // namespace

Plan plan_action(const api::Action& action, const View& view, const Moment& moment) {
  Plan plan;
  if (!action.status.completed.empty()) return plan;
  if (action.meta.deleting) return runtime::plan_end(action, moment);
  api::ActionStatus status;
  status.observed_generation = action.meta.generation;
  ConditionWriter write(action.status.conditions, action.meta, moment);
  const Duration left = left_of(action, moment);
  const auto* set = set_of(action, view);
  auto results = results_of(action, set, view);
  if (left > Duration(0)) {
    plan.look_again = left;
  } else {
    for (auto& [name, result] : results) {
      if (is_done(result)) continue;
      result.output = result.state == "Running" ? "it has begun, and did not end before its deadline"
                                                : "it has not begun before its deadline";
      result.state = "Failed";
    }
  }
  std::size_t done = 0;
  std::string failed;
  for (auto& [name, result] : results) {
    done += is_done(result);
    if (result.state == "Failed" && failed.empty()) {
      failed = "Member " + name + ": " + (result.exit_code ? "exit code " + std::to_string(*result.exit_code) + ": " : "") +
               result.output;
    }
    status.members.push_back(std::move(result));
  }
  const std::string of_all = std::to_string(done) + " of " + std::to_string(status.members.size());
  status.summary = of_all;
  if (left <= Duration(0) || (done > 0 && done == status.members.size())) {
    status.completed = moment.wall;
    if (status.members.empty()) failed = "There was no member that could do it before its deadline.";
    const bool well = failed.empty();
    write.set_ready(well, !well, well ? "Succeeded" : "Failed", well ? "All members have done it." : failed);
    write.notes.push_back({!well, well ? "Succeeded" : "Failed", well ? "All members have done it." : failed});
  } else if (!set) {
    write.set_ready(false, false, "NoMemberSet",
                    "MemberSet " + action.spec.member_set.name + " does not exist: once it does, this goes on by itself");
  } else if (const auto [reason, message] = trouble(action, *set); !reason.empty()) {
    write.set_ready(false, true, reason, message);
  } else {
    write.set_ready(false, false, "Running", of_all + " members have done it.");
  }
  status.conditions = std::move(write.conditions);
  runtime::write_status(plan, action, status, std::move(write.notes));
  return plan;
}

JsonArray asked_of(const api::NetworkFunction& function, const View& view) {
  std::vector<const api::Action*> open;
  for (const auto* set : view.member_sets.owned_by(function.meta.uid)) {
    for (const auto* action : view.actions.by_index(set->meta.key.text())) {
      // Once its status stands, who is meant stands in it.
      const bool stands = action->status.completed.empty() && !action->meta.deleting && !action->status.members.empty();
      if (stands && trouble(*action, *set).first.empty()) open.push_back(action);
    }
  }
  std::sort(open.begin(), open.end(), [](const auto* a, const auto* b) {
    return std::tie(a->meta.created, a->meta.key.name) < std::tie(b->meta.created, b->meta.key.name);
  });
  if (open.size() > kMostAtOnce) open.resize(kMostAtOnce);
  JsonArray out;
  for (const auto* action : open) {
    JsonArray members;
    for (const auto& result : action->status.members) members.push_back(Json(result.name));  // who has done it goes on to tell so
    JsonObject entry{{"uid", action->meta.uid.text()}, {"action", action->spec.action}, {"members", std::move(members)}};
    JsonObject parameters;
    for (const auto& [name, value] : action->spec.parameters) parameters[name] = value;
    if (!parameters.empty()) entry["parameters"] = std::move(parameters);
    out.push_back(std::move(entry));
  }
  return out;
}

}  // namespace knfe::operators
