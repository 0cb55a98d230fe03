#include <algorithm>
#include <map>

#include "base/rfc3339.h"
#include "base/text.h"
#include "operators/action/plan.h"
#include "operators/function/membership.h"

namespace knfe::operators {

using runtime::ConditionWriter;
using runtime::Moment;
using runtime::Plan;

namespace {

constexpr std::size_t kMostBytes = 256 * 1024;  // of all that is asked at once: the member list has to find room beside it
constexpr std::size_t kTold = 500;              // bytes of what a command wrote

const api::ActionReport* report_of(const api::Member& member, const api::Action& action) {
  if (!member.status.agent) return nullptr;
  for (const auto& report : member.status.agent->actions) {
    if (report.uid == action.meta.uid.text()) return &report;
  }
  return nullptr;
}

bool is_done(const api::MemberResult& result) { return result.state == "Succeeded" || result.state == "Failed"; }

void fail_as(api::MemberResult& result, const char* why) {
  result.state = "Failed";
  result.output = why;
}

// By name. What a member has told stays, whatever becomes of it.
std::map<std::string, api::MemberResult> results_of(const api::Action& action, const api::MemberSet* set, const View& view) {
  std::map<std::string, api::MemberResult> out;
  for (const auto& known : action.status.members) out.emplace(known.name, known);
  for (const auto& name : action.spec.members) out.try_emplace(name, api::MemberResult{name, {}, "Pending", {}, {}, {}, {}});
  if (!set) return out;
  for (const auto* member : view.members.owned_by(set->meta.uid)) {
    const std::string name(member->meta.key.name.text()), uid = member->meta.uid.text();
    // Who came later was not meant; times are the API server's, and of one form.
    if (action.spec.members.empty() && member->meta.created.text() <= action.meta.created.text())
      out.try_emplace(name, api::MemberResult{name, {}, "Pending", {}, {}, {}, {}});
    const auto known = out.find(name);
    if (known == out.end() || is_done(known->second)) continue;
    auto& result = known->second;
    if (result.uid.empty()) result.uid = uid;
    const auto* report = result.uid == uid ? report_of(*member, action) : nullptr;
    if (!report) continue;
    result.state = report->finished.empty() ? "Running" : report->exit_code == 0 ? "Succeeded" : "Failed";
    result.started = report->started;
    result.finished = report->finished;
    result.output = cut(report->output, kTold);
    result.exit_code = report->exit_code;
  }
  for (auto& [name, result] : out) {
    const auto* live = view.members.get({action.meta.key.ns, name});
    const bool gone = !result.uid.empty() && (!live || live->meta.uid.text() != result.uid);
    if (gone && !is_done(result)) fail_as(result, "the member is gone, and nobody knows whether it had begun");
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

const api::ActionTemplate* find(const std::vector<api::ActionTemplate>& actions, const std::string& name) {
  const auto found = std::find_if(actions.begin(), actions.end(), [&](const auto& one) { return one.name == name; });
  return found == actions.end() ? nullptr : &*found;
}

// Why it cannot be done until somebody acts; empty: it can.
std::pair<std::string, std::string> trouble(const api::Action& action, const api::MemberSet& set) {
  const std::string role = "Role " + set.spec.role + " of NetworkFunction " + set.spec.function;
  if (!find(set.spec.actions, action.spec.action))
    return {"NoSuchAction", role + " has no action " + action.spec.action + ": add it to the role's actions, or name another"};
  if (!has_agent(set.spec)) return {"NoAgent", role + " has no agent that could do it: say membership.agent: Sidecar"};
  return {};
}

// Whether the member has heard of the action as its role has it now.
bool knows(const api::Member& member, const api::MemberSet& set, const std::string& action) {
  const auto *wanted = find(set.spec.actions, action), *known = find(member.spec.actions, action);
  return wanted && known && *wanted == *known && has_agent(member.spec);
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
      fail_as(result, result.uid.empty()          ? "there was no such member before its deadline"
                      : result.state == "Running" ? "it has begun, and did not end before its deadline"
                                                  : "it was not known to have begun before its deadline");
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
    const std::string reason = well ? "Succeeded" : "Failed", message = well ? "All members have done it." : failed;
    write.set_ready(well, !well, reason, message);
    write.notes.push_back({!well, reason, message});
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
  struct Open {
    const api::Action* action;
    bool begun;
    JsonArray members;
  };
  std::vector<Open> open;
  for (const auto* set : view.member_sets.owned_by(function.meta.uid)) {
    for (const auto* action : view.actions.by_index(set->meta.key.text())) {
      if (!action->status.completed.empty() || action->meta.deleting) continue;
      Open one{action, false, {}};
      // Who is meant stands in the status first; who has told what became of it, need not tell it any more.
      for (const auto& result : action->status.members) {
        const auto* member = is_done(result) ? nullptr : view.members.get({action->meta.key.ns, result.name});
        if (!member || member->meta.uid.text() != result.uid || !member->meta.owned_by(set->meta.uid)) continue;
        const bool begun = result.state == "Running" || report_of(*member, *action);
        // Whoever has begun is not to be stopped by what the role says since; the others do what it says now.
        if (!begun && !knows(*member, *set, action->spec.action)) continue;
        one.begun = one.begun || begun;
        one.members.push_back(Json(result.uid));
      }
      if (!one.members.empty()) open.push_back(std::move(one));
    }
  }
  std::sort(open.begin(), open.end(), [](const auto& a, const auto& b) {
    return std::tie(b.begun, a.action->meta.created, a.action->meta.key.name) <
           std::tie(a.begun, b.action->meta.created, b.action->meta.key.name);
  });
  JsonArray out;
  std::size_t bytes = 0;
  for (auto& [action, begun, members] : open) {
    JsonObject entry{{"uid", action->meta.uid.text()},
                     {"action", action->spec.action},
                     {"created", action->meta.created.text()},
                     {"deadlineSeconds", action->spec.deadline_seconds},
                     {"members", std::move(members)}};
    JsonObject parameters;
    for (const auto& [name, value] : action->spec.parameters) parameters[name] = value;
    if (!parameters.empty()) entry["parameters"] = std::move(parameters);
    bytes += to_text(Json(entry)).size();
    if (out.size() == api::kMostActions || (bytes > kMostBytes && !out.empty())) break;  // the others wait
    out.push_back(std::move(entry));
  }
  return out;
}

}  // namespace knfe::operators
