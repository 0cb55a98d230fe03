#include "operators/operators.h"

#include <memory>

#include "operators/action/plan.h"
#include "operators/function/conduct.h"
#include "operators/function/plan.h"
#include "operators/network/plan.h"
#include "operators/network/waiting.h"
#include "operators/policy/plan.h"
#include "operators/service/plan.h"

namespace knfe::operators {

namespace {

// How full a network is, is for readers: a burst of claims is counted once.
constexpr Duration kCountingDelay{300};

// Calls `changed` with what was there, or else with what is there now.
template <class T, class Changed>
void on_any(kube::Cache<T>& cache, Changed changed) {
  cache.on_change([changed](const T* before, const T* after) { changed(after ? *after : *before); });
}

}  // namespace

void add_operators(runtime::Manager& manager, View& view, const Providers& providers) {
  const auto services = manager.control(
      "service", view.services, [&view](const auto& service, const auto& moment) { return plan_service(service, view, moment); });
  const auto functions = manager.control("function", view.functions, [&view](const auto& function, const auto& moment) {
    return plan_function(function, view, moment);
  });
  const auto sets = manager.control("memberset", view.member_sets,
                                    [&view](const auto& set, const auto& moment) { return plan_member_set(set, view, moment); });
  const auto members = manager.control("member", view.members, [&view, providers](const auto& member, const auto& moment) {
    return plan_member(member, view, providers.networks, providers.workloads(kind_of(member.spec)), moment);
  });
  const auto policies = manager.control(
      "policy", view.policies, [&view](const auto& policy, const auto& moment) { return plan_policy(policy, view, moment); });
  const auto actions = manager.control(
      "action", view.actions, [&view](const auto& action, const auto& moment) { return plan_action(action, view, moment); });
  const auto networks = manager.control("network", view.networks, [&view, providers](const auto& network, const auto& moment) {
    return plan_network(network, view, providers.networks, moment);
  });
  const auto points = manager.control("connectionpoint", view.connection_points, [&view](const auto& point, const auto& moment) {
    return plan_connection_point(point, view, moment);
  });
  const auto claims = manager.control("allocation", view.allocations,
                                      [&view](const auto& allocation, const auto&) { return plan_allocation(allocation, view); });
  manager.control("pod", view.pods, [](const auto& pod, const auto&) { return plan_pod(pod); });
  const auto attachments = manager.control(
      "attachment", view.attachments, [&view](const auto& attachment, const auto&) { return plan_attachment(attachment, view); });
  manager.wake_owner(view.networks, services);
  manager.wake_owner(view.functions, services);
  manager.wake_owner(view.member_sets, functions);
  manager.wake_owner(view.members, sets);
  manager.wake_owner(view.connection_points, members);
  manager.wake_owner(view.allocations, points);
  manager.wake_owner(view.config_maps, functions);
  for (const auto controller : {functions, members}) {
    manager.wake_owner(view.service_accounts, controller);
    manager.wake_owner(view.rbac_roles, controller);
    manager.wake_owner(view.role_bindings, controller);
  }

  const auto look = [&manager](std::size_t controller, const api::Key& key, Duration delay = Duration(0)) {
    manager.enqueue(controller, key, delay);
  };
  const auto look_owner = [look](std::size_t controller, const api::Meta& meta) {
    if (const auto* owner = meta.controller()) look(controller, {meta.key.ns, owner->name});
  };

  const auto look_policies = [=, &view](const std::string& set) {
    for (const auto* policy : view.policies.by_index(set)) look(policies, policy->meta.key);
  };
  const auto look_actions = [=, &view](const std::string& set) {
    for (const auto* action : view.actions.by_index(set)) {
      if (action->status.completed.empty()) look(actions, action->meta.key);
    }
  };
  // Roles wait for those that they depend on, and to be stopped for those that depend on them.
  const auto look_dependents = [=, &view](const api::MemberSet& set) {
    for (const auto* other : view.member_sets.by_index(set.meta.key.ns + "/" + set.spec.function)) {
      if (depends_on(*other, set) || depends_on(set, *other)) look(sets, other->meta.key);
    }
  };
  view.member_sets.on_change([=, &view](const api::MemberSet* before, const api::MemberSet* after) {
    const auto& set = after ? *after : *before;
    look_policies(set.meta.key.text());
    look_actions(set.meta.key.text());
    look_dependents(set);
    if (before && after) look_dependents(*before);  // it may have depended on others
    if (!before || !after || before->spec.size.by_members == after->spec.size.by_members) return;
    // Whether they may scale it is a right of each virtual machine.
    for (const auto* member : view.members.owned_by(after->meta.uid)) look(members, member->meta.key);
  });
  // Of several on one MemberSet only the first counts: its end makes way for another.
  view.policies.on_change([=](const api::Policy* before, const api::Policy* after) {
    for (const auto* policy : {before, after}) {
      if (policy) look_policies(policy->meta.key.ns + "/" + policy->spec.member_set.name);
    }
  });
  // Members are asked by their function.
  on_any(view.actions, [=, &view](const api::Action& action) {
    const auto* set = view.member_sets.get({action.meta.key.ns, action.spec.member_set.name});
    if (set) look(functions, {action.meta.key.ns, set->spec.function});
  });
  view.members.on_change([=, &view](const api::Member* before, const api::Member* after) {
    const auto& member = after ? *after : *before;
    look(functions, {member.meta.key.ns, member.spec.function});
    if (const auto* set = member.meta.controller()) {
      const std::string key = member.meta.key.ns + "/" + set->name;
      look_policies(key);
      look_actions(key);
    }
    if (after) return;
    for (const auto* point : view.connection_points.owned_by(member.meta.uid)) look(points, point->meta.key);
  });
  const auto look_member = [=, &view](const api::Meta& workload) {
    look(functions, {workload.key.ns, std::string(workload.label(label::kFunction))});
    // The pod that a virtual machine runs in is called otherwise than the member.
    const api::Key key{workload.key.ns, std::string(workload.label(label::kMember))};
    look(members, key);
    if (const auto* member = view.members.get(key)) look_owner(sets, member->meta);
  };
  on_any(view.volume_claims,
         [=](const api::Child& claim) { look(members, {claim.meta.key.ns, std::string(claim.meta.label(label::kMember))}); });
  on_any(view.pods, [=](const api::Pod& pod) { look_member(pod.meta); });
  on_any(view.virtual_machines, [=](const api::VirtualMachine& machine) { look_member(machine.meta); });
  on_any(view.virtual_machine_instances, [=](const api::VirtualMachineInstance& instance) { look_member(instance.meta); });
  on_any(view.networks, [=, &view](const api::Network& network) {
    for (const bool tap : {false, true}) look(attachments, {network.meta.key.ns, attachment_name(network, tap)});
    for (const auto* point : view.connection_points.by_index(network.meta.key.text())) look(points, point->meta.key);
    if (network.spec.address_space.empty()) return;
    for (const auto* other : view.networks.by_index(network.meta.key.ns)) {
      if (other->spec.address_space == network.spec.address_space) look(networks, other->meta.key);
    }
  });
  const auto waiting = std::make_shared<Waiting>();
  view.connection_points.on_change([=, &view](const api::ConnectionPoint* before, const api::ConnectionPoint* after) {
    const auto& point = after ? *after : *before;
    waiting->change(before, after);
    look(networks, {point.meta.key.ns, point.spec.network.name}, kCountingDelay);
    const auto function = point.meta.label(label::kFunction);
    if (!function.empty()) look(functions, {point.meta.key.ns, std::string(function)});
    if (after) return;
    for (const auto* allocation : view.allocations.owned_by(point.meta.uid)) look(claims, allocation->meta.key);
  });
  view.allocations.on_change([=, &view](const api::Allocation* before, const api::Allocation* after) {
    const auto& allocation = after ? *after : *before;
    const auto& ns = allocation.meta.key.ns;
    look(networks, {ns, allocation.spec.network}, kCountingDelay);
    if (after) return;
    // An address is free again: whoever could not get one looks again, also on another network of the address space.
    const auto* network = view.networks.get({ns, allocation.spec.network});
    for (const auto* other : view.networks.by_index(ns)) {
      if (network && other != network &&
          (network->spec.address_space.empty() || other->spec.address_space != network->spec.address_space))
        continue;
      for (const auto& key : waiting->on(other->meta.key.text())) look(points, key);
    }
  });
  on_any(view.attachments, [=, &view](const api::Attachments& attachment) {
    const auto* network = attachment.meta.controller();
    const api::Key key{attachment.meta.key.ns, network ? network->name : attachment.meta.key.name};
    look(networks, key);
    for (const auto* point : view.connection_points.by_index(key.text())) look_owner(members, point->meta);
  });
}

}  // namespace knfe::operators
