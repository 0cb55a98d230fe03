// Workload: what runs for a member - a pod, or a virtual machine and the instance that runs of it - as the caches have it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "operators/view.h"
#include "runtime/plan.h"

namespace knfe::operators {

enum class WorkloadKind { kPod, kVirtualMachine };
WorkloadKind kind_of(const api::MemberTemplate& member_template);
// Of the workload that a connection point is for.
WorkloadKind kind_of(const api::ConnectionPoint& point);
// What KNFE makes, and deletes, as a whole.
const api::Resource& resource_of(WorkloadKind kind);

// Points into the view: valid until that changes.
struct Workload {
  explicit Workload(const api::Pod& pod);
  // Of both, what is there.
  Workload(const api::VirtualMachine* machine, const api::VirtualMachineInstance* instance);

  const api::Resource* resource;       // of the object that stands for it; its instance's only where that has lost its machine
  const api::Meta* meta;               // of that object
  const api::Uid* instance = nullptr;  // the pod's UID, or that of what runs of the machine: whose agent is heard. null: nothing
  bool ready = false;
  bool paused = false;                   // by somebody, who will let it go on
  api::Seen seen{Instant{}, Instant{}};  // Instant{}: nothing runs
  bool ending = false;                   // it, or what runs of the machine, is being deleted
  bool ended = false;                    // for good: it has to be made anew
  Instant ended_since{};                 // when that was first seen
  bool stuck = false;                    // `trouble` goes on until somebody acts
  std::string phase = {};                // as Kubernetes or KubeVirt calls it; empty where nothing runs
  std::string trouble = {};              // why it is not ready, as they say; empty if they say nothing
  std::string_view node = {};            // of a pod: where it runs; empty: nowhere yet
  Duration grace{};                      // of a pod that is deleted: what it has for its end

  // "Pod ims-sip-sprout-0", for people.
  std::string name() const { return std::string(resource->kind) + " " + std::string(meta->key.name.text()); }
};

// Whatever has this name, whoever owns it.
std::optional<Workload> workload_at(WorkloadKind kind, const api::Key& key, const View& view);
// The member's own.
std::optional<Workload> workload_of(const api::Member& member, const View& view);
// One under the member's name that belongs to nobody, as --cascade=orphan leaves it behind: it may carry its addresses.
std::optional<Workload> orphan_of(const api::Member& member, const View& view);
// Whether it was made with addresses of this connection point, or does not say with which.
bool may_carry(const Workload& workload, const api::ConnectionPoint& point);
// Holds a pod in the API until it is proven to run nowhere: one that is deleted by force on a node that nobody reaches may run
// on, with the addresses of its member. kubelet proves it, or Kubernetes once the node is deleted or tainted out-of-service: both
// set the pod's phase (KEP-3329, KEP-2268).
inline constexpr const char* kPodFinalizer = "knfe.io/pod-runs";
runtime::Plan plan_pod(const api::Pod& pod);
// When a pod that is deleted should have been proven ended; nothing: it is not deleted, or is no pod.
std::optional<Instant> to_be_ended_by(const Workload& workload);

// What follows in a plan happens only if there is nothing under this name that belongs to `owner` or to nobody; without
// `owner`, nothing at all.
void prove_no_workload(WorkloadKind kind, const api::Key& key, const api::Uid& owner, runtime::Plan& plan);

// The addresses with which a workload was made, {"connection point": ["10.20.0.7"]}: it cannot get others.
inline constexpr const char* kAddresses = "knfe.io/addresses";
std::optional<Json> carried_by(const Workload& workload);

}  // namespace knfe::operators
