#include <algorithm>

#include "base/text.h"
#include "operators/action/plan.h"
#include "operators/child.h"
#include "operators/function/membership.h"
#include "operators/function/plan.h"
#include "operators/function/rights.h"
#include "operators/function/size.h"

namespace knfe::operators {

using runtime::ConditionWriter;
using runtime::Moment;
using runtime::Plan;

namespace {

void plan_role(const api::NetworkFunction& function, const api::Role& role, const View& view, Plan& plan, Children& children) {
  const std::string name = set_name(function, role);
  api::MemberSetSpec spec;
  static_cast<api::MemberTemplate&>(spec) = role;
  spec.function = function.meta.key.name;
  spec.role = role.name;
  static_cast<api::Conduct&>(spec) = role;
  spec.size = role.size;
  spec.replicas = role.size.exactly;
  if (function.spec.stopped()) spec.state = function.spec.state;

  const auto* live = view.member_sets.get({function.meta.key.ns, name});
  const bool ours = live && live->meta.owned_by(function.meta.uid) && !live->meta.deleting;
  if (ours && role.size.initial && live->spec.replicas) {
    const auto within = std::clamp(*live->spec.replicas, *role.size.min, *role.size.max);
    if (within != *live->spec.replicas) {
      // New bounds exclude the live size: both change in one write, else neither order of two would be valid.
      runtime::Action both;
      both.verb = runtime::Action::Verb::kPatch;
      both.resource = api::MemberSet::resource;
      both.key = live->meta.key;
      both.manager = kSizeManager;
      const Json bounds = api::encode(role.size);
      JsonObject size = as_object(bounds);
      for (const char* other : {"exactly", "initial", "min", "max"}) {
        if (!size.contains(other)) size[other] = nullptr;
      }
      both.body =
          JsonObject{{"metadata", {{"uid", live->meta.uid.text()}}}, {"spec", {{"size", std::move(size)}, {"replicas", within}}}};
      plan.actions.push_back(std::move(both));
    }
  }
  auto desired =
      child_of(function, api::MemberSet::resource, name, {{label::kFunction, spec.function}, {label::kRole, role.name}});
  desired["spec"] = api::encode(spec);
  children.apply(api::MemberSet::resource, std::move(desired), live ? &live->meta : nullptr);
  if (ours && role.size.initial && !live->spec.replicas)
    plan.actions.push_back(resize(live->meta, *role.size.initial, kSizeManager));
}

void plan_member_list(const api::NetworkFunction& function, const View& view, Children& children) {
  const auto& key = function.meta.key;
  const std::string name = peers_name(key.name);
  auto desired = child_of(function, api::ConfigMap::resource, name, {{label::kFunction, key.name}});
  JsonObject data{{kPeersKey, to_text(member_list(function, view))}};
  if (auto asked = asked_of(function, view); !asked.empty()) data[kActionsKey] = to_text(Json(std::move(asked)));
  desired["data"] = std::move(data);
  children.apply(api::ConfigMap::resource, std::move(desired), view.config_maps.meta({key.ns, name}));
}

// What keeps the first member that does not serve from serving.
std::string first_trouble(const api::NetworkFunction& function, const View& view) {
  for (const auto* member : members_of(function, view)) {
    const auto* ready = api::find(member->status.conditions, "Ready");
    if (ready && ready->status != "True") return "Member " + member->meta.key.name + ": " + ready->message;
  }
  for (const auto* set : view.member_sets.owned_by(function.meta.uid)) {
    const auto* ready = api::find(set->status.conditions, "Ready");
    if (ready && ready->status != "True") return "MemberSet " + set->meta.key.name + ": " + ready->message;
  }
  return "Members are being made.";
}

// Roles that wait for each other, "a, b"; empty: none do.
std::string circle_of(const api::NetworkFunctionSpec& spec) {
  std::vector<const api::Role*> left;
  for (const auto& role : spec.roles) left.push_back(&role);
  const auto waits = [&](const api::Role* role) {
    return std::any_of(role->depends_on.begin(), role->depends_on.end(), [&](const std::string& name) {
      return std::any_of(left.begin(), left.end(), [&](const api::Role* other) { return other->name == name; });
    });
  };
  // Whoever waits for nobody is taken out, until all who are left wait for one another.
  for (auto free = left.begin(); (free = std::find_if_not(left.begin(), left.end(), waits)) != left.end();) left.erase(free);
  std::string out;
  for (const auto* role : left) out += (out.empty() ? "" : ", ") + role->name;
  return out;
}

bool any_stalled(const api::NetworkFunction& function, const View& view) {
  for (const auto* set : view.member_sets.owned_by(function.meta.uid)) {
    if (api::is_true(set->status.conditions, "Stalled")) return true;
  }
  return false;
}

}  // namespace

std::string peers_name(const std::string& function) { return function + "-peers"; }

std::string set_name(const api::NetworkFunction& function, const api::Role& role) {
  return function.meta.key.name + "-" + role.name;
}

Plan plan_function(const api::NetworkFunction& function, const View& view, const Moment& moment) {
  Plan plan;
  if (function.meta.deleting) return runtime::plan_end(function, moment);
  Children children(plan, function.meta.uid);
  // The list last: one that has grown too long must not keep a role from shrinking.
  plan_rights(function, view, children);
  for (const auto& role : function.spec.roles) plan_role(function, role, view, plan, children);
  plan_member_list(function, view, children);
  const auto sets = view.member_sets.owned_by(function.meta.uid);
  for (const auto* set : sets) {
    const bool wanted = std::any_of(function.spec.roles.begin(), function.spec.roles.end(),
                                    [&](const api::Role& role) { return role.name == set->spec.role; });
    if (!wanted) children.remove(api::MemberSet::resource, set->meta);
  }

  const bool changing = std::any_of(plan.actions.begin(), plan.actions.end(),
                                    [](const runtime::Action& action) { return action.resource == api::MemberSet::resource; });

  api::NetworkFunctionStatus status;
  status.observed_generation = function.meta.generation;
  bool all = true;
  for (const auto& role : function.spec.roles) {
    api::RoleStatus entry{role.name, role.size.exactly.value_or(role.size.initial.value_or(0)), 0};
    const auto* set = view.member_sets.get({function.meta.key.ns, set_name(function, role)});
    if (set && set->meta.owned_by(function.meta.uid)) {
      entry.members = set->spec.replicas.value_or(entry.members);
      for (const auto* member : view.members.owned_by(set->meta.uid)) {
        if (standing_of(*member, view) == Standing::kServing) ++entry.ready;
      }
    }
    all = all && set && set->status.observed_generation == set->meta.generation && api::is_true(set->status.conditions, "Ready");
    status.summary += (status.summary.empty() ? "" : ", ") + role.name + " " + std::to_string(entry.ready) + "/" +
                      std::to_string(entry.members);
    status.roles.push_back(std::move(entry));
  }
  status.summary = cut(status.summary, api::kLongestSummary);
  ConditionWriter write(function.status.conditions, function.meta, moment);
  if (!children.taken().empty()) {
    children.tell_taken(write);
  } else if (const auto circle = circle_of(function.spec); !circle.empty()) {
    write.set_ready(false, true, "DependencyCircle",
                    "Roles " + circle + " wait for one another: take one of their dependsOn away");
  } else if (all && !changing && function.spec.stopped()) {
    write.set_ready(true, false, "Stopped", "All members have stopped; state Running starts them.");
  } else if (all && !changing) {
    write.set_ready(true, false, "Serving", "All members serve.");
  } else {
    write.set_ready(false, any_stalled(function, view), "MembersNotServing", first_trouble(function, view));
  }
  status.conditions = std::move(write.conditions);
  runtime::write_status(plan, function, status, std::move(write.notes));
  return plan;
}

}  // namespace knfe::operators
