#include "operators/function/workload.h"

#include <algorithm>

namespace knfe::operators {

WorkloadKind kind_of(const api::MemberTemplate& member_template) {
  return member_template.workload.virtual_machine ? WorkloadKind::kVirtualMachine : WorkloadKind::kPod;
}

WorkloadKind kind_of(const api::ConnectionPoint& point) {
  return point.is_tap() ? WorkloadKind::kVirtualMachine : WorkloadKind::kPod;
}

const api::Resource& resource_of(WorkloadKind kind) {
  return kind == WorkloadKind::kPod ? api::Pod::resource : api::VirtualMachine::resource;
}

Workload::Workload(const api::Pod& pod)
    : resource(&api::Pod::resource),
      meta(&pod.meta),
      instance(&pod.meta.uid),
      ready(pod.ready),
      seen(pod.seen),
      ending(pod.meta.deleting),
      ended(pod.ended()),
      ended_since(pod.ended_since),
      stuck(pod.stuck),
      phase(pod.phase),
      trouble(pod.trouble),
      node(pod.node),
      grace(pod.grace) {}

// KubeVirt starts a machine anew whose instance has ended, ever later: it never ends for good.
Workload::Workload(const api::VirtualMachine* machine, const api::VirtualMachineInstance* running)
    : resource(machine ? &api::VirtualMachine::resource : &api::VirtualMachineInstance::resource),
      meta(machine ? &machine->meta : &running->meta) {
  // One of an earlier machine under the same name is about to go, and speaks for nobody.
  const bool its = running && (!machine || running->meta.owned_by(machine->meta.uid));
  if (its) {
    instance = &running->meta.uid;
    ready = running->ready && !running->paused;
    paused = running->paused;
    seen = running->seen;
    phase = running->phase;
    trouble = running->paused ? "it is paused" : running->trouble;
  }
  ending = meta->deleting || (its && running->meta.deleting);
  if (machine && !machine->trouble.empty()) {
    trouble = machine->trouble;
    stuck = machine->stuck;
  }
}

std::optional<Workload> workload_at(WorkloadKind kind, const api::Key& key, const View& view) {
  if (kind == WorkloadKind::kPod) {
    const auto* pod = view.pods.get(key);
    return pod ? std::optional(Workload(*pod)) : std::nullopt;
  }
  const auto* machine = view.virtual_machines.get(key);
  const auto* instance = view.virtual_machine_instances.get(key);
  return machine || instance ? std::optional(Workload(machine, instance)) : std::nullopt;
}

std::optional<Workload> workload_of(const api::Member& member, const View& view) {
  auto workload = workload_at(kind_of(member.spec), member.meta.key, view);
  return workload && workload->meta->owned_by(member.meta.uid) ? workload : std::nullopt;
}

std::optional<Workload> orphan_of(const api::Member& member, const View& view) {
  auto workload = workload_at(kind_of(member.spec), member.meta.key, view);
  return workload && !workload->meta->controller() ? workload : std::nullopt;
}

runtime::Plan plan_pod(const api::Pod& pod) {
  runtime::Plan plan;
  // What was never given to a node does not run; once it is deleted, it is given to none.
  if (pod.meta.deleting && pod.meta.has_finalizer(kPodFinalizer) && (pod.ended() || pod.node.empty())) {
    plan.actions.push_back(runtime::finalizer_removal(api::Pod::resource, pod.meta, kPodFinalizer));
  }
  return plan;
}

std::optional<Instant> to_be_ended_by(const Workload& workload) {
  constexpr Duration kToTell{30'000};  // kubelet's answer, on a busy node
  if (*workload.resource != api::Pod::resource || !workload.meta->deleting || workload.node.empty() || workload.ended)
    return std::nullopt;
  return workload.seen.as_it_is + workload.grace + kToTell;
}

std::optional<Json> carried_by(const Workload& workload) {
  const auto found = workload.meta->annotations->find(kAddresses);
  if (found == workload.meta->annotations->end()) return std::nullopt;
  auto json = parse_json(found->second);
  if (!json || !json->is_object()) return std::nullopt;
  return std::move(*json);
}

bool may_carry(const Workload& workload, const api::ConnectionPoint& point) {
  const auto carried = carried_by(workload);
  if (!carried) return true;
  for (const auto& entry : as_object(*carried)) {
    for (const auto& ip : as_array(entry.value())) {
      if (std::any_of(point.status.addresses.begin(), point.status.addresses.end(),
                      [&](const auto& given) { return as_string(ip) == given.ip; }))
        return true;
    }
  }
  return false;
}

void prove_no_workload(WorkloadKind kind, const api::Key& key, const api::Uid& owner, runtime::Plan& plan) {
  auto& proof = plan.actions.emplace_back(runtime::proof_of_absence(resource_of(kind), key, owner));
  proof.orphans = !owner.empty();
  // It outlives its machine where that is deleted without it, and is not owned by the member.
  if (kind == WorkloadKind::kVirtualMachine) {
    plan.actions.push_back(runtime::proof_of_absence(api::VirtualMachineInstance::resource, key, ""));
    // And it runs in a pod, which has its labels, and outlives it where somebody takes KubeVirt's finalizers off.
    plan.actions.push_back(runtime::proof_of_none(api::Pod::resource, std::string(key.ns.text()),
                                                  label::kMember + ("=" + std::string(key.name.text()))));
  }
}

}  // namespace knfe::operators
