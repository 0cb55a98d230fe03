#include "operators/function/rights.h"

#include <set>

#include "operators/function/membership.h"
#include "operators/function/plan.h"

namespace knfe::operators {

namespace {

JsonArray strings(const std::set<std::string>& values) {
  JsonArray out;
  for (const auto& value : values) out.push_back(Json(value));
  return out;
}

JsonObject rule(const char* group, const char* resource, JsonArray names, std::initializer_list<const char*> verbs) {
  JsonArray list;
  for (const char* verb : verbs) list.push_back(Json(verb));
  return {{"apiGroups", JsonArray{Json(group)}},
          {"resources", JsonArray{Json(resource)}},
          {"resourceNames", std::move(names)},
          {"verbs", std::move(list)}};
}

// `sets`: the roles that their members may scale.
JsonArray agent_rules(const std::string& function, const std::set<std::string>& members, const std::set<std::string>& sets) {
  JsonArray out{rule("", "configmaps", JsonArray{Json(peers_name(function))}, {"get", "list", "watch"}),
                rule(api::kGroup, "members", strings(members), {"get", "list", "watch"}),
                rule(api::kGroup, "members/status", strings(members), {"patch"})};
  if (!sets.empty()) out.push_back(rule(api::kGroup, "membersets/scale", strings(sets), {"get", "patch"}));
  return out;
}

// A ServiceAccount, a Role and the binding between them and further accounts, all named as their parent.
template <class Parent>
void apply_rights(const Parent& parent, const std::string& function, JsonArray rules, const std::set<std::string>& accounts,
                  const View& view, Children& children) {
  const auto& key = parent.meta.key;
  const auto child = [&](const api::Resource& resource) {
    return child_of(parent, resource, key.name, {{label::kFunction, function}});
  };
  children.apply(api::ServiceAccount::resource, child(api::ServiceAccount::resource), view.service_accounts.meta(key));
  auto role = child(api::RbacRole::resource);
  if (!rules.empty()) role["rules"] = std::move(rules);
  children.apply(api::RbacRole::resource, std::move(role), view.rbac_roles.meta(key));
  auto binding = child(api::RoleBinding::resource);
  binding["roleRef"] = JsonObject{{"apiGroup", "rbac.authorization.k8s.io"}, {"kind", "Role"}, {"name", key.name.text()}};
  JsonArray subjects;
  for (const auto& account : accounts) {
    subjects.push_back(JsonObject{{"kind", "ServiceAccount"}, {"name", account}, {"namespace", key.ns.text()}});
  }
  if (!subjects.empty()) binding["subjects"] = std::move(subjects);
  children.apply(api::RoleBinding::resource, std::move(binding), view.role_bindings.meta(key));
}

}  // namespace

void plan_rights(const api::NetworkFunction& function, const View& view, Children& children) {
  const auto& key = function.meta.key;
  std::set<std::string> members, accounts, sets;
  for (const auto& role : function.spec.roles) {
    if (!has_agent(role) || kind_of(role) == WorkloadKind::kVirtualMachine) continue;
    accounts.insert(service_account_of(role, key.name));
    if (role.size.by_members) sets.insert(set_name(function, role));
    const int most = role.size.exactly ? *role.size.exactly : role.size.max.value_or(0);
    for (int ordinal = 0; ordinal < most; ++ordinal) members.insert(set_name(function, role) + "-" + std::to_string(ordinal));
  }
  // Whoever has to leave has to be able to say so; also the agent of a pod that is replaced by one without.
  for (const auto* member : members_of(function, view)) {
    if (kind_of(member->spec) == WorkloadKind::kVirtualMachine) continue;
    const auto pod = workload_of(*member, view);
    if (!has_agent(member->spec) && !(pod && is_reporter(*member, *pod))) continue;
    accounts.insert(service_account_of(member->spec, key.name));
    members.insert(member->meta.key.name);
  }
  // Where there are no agents any more, what they were allowed is taken back. (The operators may not delete rights: they go with
  // the function.)
  const auto* live = view.rbac_roles.meta(key);
  if (accounts.empty() && !(live && live->owned_by(function.meta.uid))) return;
  // A rule without names would be one for all names.
  apply_rights(function, key.name, members.empty() ? JsonArray() : agent_rules(key.name, members, sets), accounts, view,
               children);
}

void plan_rights(const api::Member& member, const View& view, Children& children) {
  const std::string name(member.meta.key.name.text());
  if (kind_of(member.spec) != WorkloadKind::kVirtualMachine) return;
  const auto own = workload_of(member, view);
  if (has_agent(member.spec) || (own && is_reporter(member, *own))) {
    const auto* set = set_of(member, view);
    std::set<std::string> sets;
    if (set && set->spec.size.by_members) sets.insert(set->meta.key.name);
    auto rules = agent_rules(member.spec.function, {name}, sets);
    rules.push_back(rule("", "serviceaccounts/token", JsonArray{Json(name)}, {"create"}));
    apply_rights(member, member.spec.function, std::move(rules), {name}, view, children);
  } else if (const auto* live = view.rbac_roles.meta(member.meta.key); live && live->owned_by(member.meta.uid)) {
    apply_rights(member, member.spec.function, {}, {}, view, children);  // there was an agent
  }
}

}  // namespace knfe::operators
