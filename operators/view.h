// View: what the operators see of the cluster. Plans read it and nothing else.
#pragma once

#include "api/action.h"
#include "api/allocation.h"
#include "api/connection_point.h"
#include "api/foreign.h"
#include "api/network.h"
#include "api/network_function.h"
#include "api/network_service.h"
#include "api/policy.h"
#include "kube/cache.h"

namespace knfe::operators {

namespace label {
inline constexpr const char* kFunction = "knfe.io/function";
inline constexpr const char* kRole = "knfe.io/role";
inline constexpr const char* kMember = "knfe.io/member";
inline constexpr const char* kNetwork = "knfe.io/network";
inline constexpr const char* kService = "knfe.io/service";
inline constexpr const char* kManagedBy = "app.kubernetes.io/managed-by";
}  // namespace label

struct View {
  kube::Cache<api::NetworkService> services;
  kube::Cache<api::NetworkFunction> functions;
  kube::Cache<api::MemberSet> member_sets{[](const api::MemberSet& s) { return s.meta.key.ns + "/" + s.spec.function; }};
  kube::Cache<api::Member> members{[](const api::Member& m) { return m.meta.key.ns + "/" + m.spec.function; }};
  kube::Cache<api::Policy> policies{[](const api::Policy& p) { return p.meta.key.ns + "/" + p.spec.member_set.name; }};
  kube::Cache<api::Action> actions{[](const api::Action& a) { return a.meta.key.ns + "/" + a.spec.member_set.name; }};
  kube::Cache<api::Network> networks{[](const api::Network& n) { return n.meta.key.ns; }};
  kube::Cache<api::ConnectionPoint> connection_points{
      [](const api::ConnectionPoint& c) { return c.meta.key.ns + "/" + c.spec.network.name; }};
  kube::Cache<api::Allocation> allocations{[](const api::Allocation& a) { return a.meta.key.ns + "/" + a.spec.network; }};
  // Of others: those that KNFE made, by label.
  kube::Cache<api::Pod> pods;
  kube::Cache<api::VirtualMachine> virtual_machines;
  kube::Cache<api::VirtualMachineInstance> virtual_machine_instances;
  kube::Cache<api::Attachments> attachments;
  kube::Cache<api::ConfigMap> config_maps;
  kube::Cache<api::Child> service_accounts{api::ServiceAccount::resource};
  kube::Cache<api::Child> rbac_roles{api::RbacRole::resource};
  kube::Cache<api::Child> role_bindings{api::RoleBinding::resource};
  kube::Cache<api::Child> volume_claims{api::PersistentVolumeClaim::resource};
};

// What each cache is filled with: calls follow(cache, label selector, decoder) for all.
template <class Follow>
void fill(View& view, Follow follow) {
  constexpr const char* kOurs = "app.kubernetes.io/managed-by=knfe";
  follow(view.services, "", api::decode_object<api::NetworkService>);
  follow(view.functions, "", api::decode_object<api::NetworkFunction>);
  follow(view.member_sets, "", api::decode_object<api::MemberSet>);
  follow(view.members, "", api::decode_object<api::Member>);
  follow(view.policies, "", api::decode_object<api::Policy>);
  follow(view.actions, "", api::decode_object<api::Action>);
  follow(view.networks, "", api::decode_object<api::Network>);
  follow(view.connection_points, "", api::decode_object<api::ConnectionPoint>);
  follow(view.allocations, "", api::decode_object<api::Allocation>);
  follow(view.pods, label::kMember, api::decode_pod);
  follow(view.virtual_machines, label::kMember, api::decode_virtual_machine);
  follow(view.virtual_machine_instances, label::kMember, api::decode_virtual_machine_instance);
  follow(view.attachments, kOurs, api::decode_child<api::Attachments>);
  follow(view.config_maps, kOurs, api::decode_child<api::ConfigMap>);
  for (auto* children : {&view.service_accounts, &view.rbac_roles, &view.role_bindings}) {
    follow(*children, kOurs, api::decode_child<api::Child>);
  }
  follow(view.volume_claims, label::kMember, api::decode_labelled_child);
}

}  // namespace knfe::operators
