// The few kinds of others that KNFE reads, each with just the fields it reads.
#pragma once

#include "api/object.h"
#include "base/clock.h"

namespace knfe::api {

// When something that runs was first seen at all, and to be as it is: ready or not, paused or not, on its way out or not.
struct Seen {
  Instant first = boot_now();
  Instant as_it_is = first;

  void inherit(const Seen& before, bool is_as_before) {
    first = before.first;
    if (is_as_before) as_it_is = before.as_it_is;
  }
};

struct Pod {
  static constexpr Resource resource{"", "v1", "Pod", "pods"};
  Meta meta;
  std::string phase;      // Pending, Running, Succeeded, Failed, Unknown
  bool ready = false;     // condition Ready
  std::string trouble;    // why it is not, as kubelet or the scheduler says; empty if they say nothing
  bool stuck = false;     // and that goes on until somebody acts, as far as kubelet can tell
  Instant ended_since{};  // when it was first seen to have ended for good; Instant{}: it has not
  Word node;              // where it runs; empty: nowhere yet
  Duration grace{};       // that it has for its end, from when it was deleted
  Seen seen;

  bool ended() const { return phase == "Failed" || phase == "Succeeded"; }
  // What was known of it before stays known.
  void inherit(const Pod& before) {
    if (before.meta.uid != meta.uid) return;
    if (before.ended() && ended()) ended_since = before.ended_since;
    seen.inherit(before.seen, before.ready == ready && before.meta.deleting == meta.deleting);
  }
};

// KubeVirt's (kubevirt.io/v1). The instance is what runs of a machine, under the same name; each start makes a new one.
struct VirtualMachine {
  static constexpr Resource resource{"kubevirt.io", "v1", "VirtualMachine", "virtualmachines"};
  Meta meta;
  std::string trouble;  // why it does not run, as KubeVirt says; empty if it says nothing
  bool stuck = false;   // and that goes on until somebody acts
};
struct VirtualMachineInstance {
  static constexpr Resource resource{"kubevirt.io", "v1", "VirtualMachineInstance", "virtualmachineinstances"};
  Meta meta;
  std::string phase;    // Pending, Scheduling, Scheduled, Running, Succeeded, Failed, Unknown
  bool ready = false;   // condition Ready
  bool paused = false;  // condition Paused
  std::string trouble;  // why it is not ready, as KubeVirt says; empty if it says nothing
  Seen seen;

  // What was known of it before stays known.
  void inherit(const VirtualMachineInstance& before) {
    if (before.meta.uid != meta.uid) return;
    seen.inherit(before.seen, before.ready == ready && before.paused == paused && before.meta.deleting == meta.deleting);
  }
};

// Of these it only matters whose they are and whether they hold what is wanted: they are kept as Child.
struct Child {
  Meta meta;
};
struct ServiceAccount {
  static constexpr Resource resource{"", "v1", "ServiceAccount", "serviceaccounts"};
};
struct RbacRole {
  static constexpr Resource resource{"rbac.authorization.k8s.io", "v1", "Role", "roles"};
};
struct RoleBinding {
  static constexpr Resource resource{"rbac.authorization.k8s.io", "v1", "RoleBinding", "rolebindings"};
};
struct PersistentVolumeClaim {
  static constexpr Resource resource{"", "v1", "PersistentVolumeClaim", "persistentvolumeclaims"};
};
// A child that is controlled itself.
struct Attachments {
  static constexpr Resource resource{"k8s.cni.cncf.io", "v1", "NetworkAttachmentDefinition", "network-attachment-definitions"};
  Meta meta;
};
struct ConfigMap {
  static constexpr Resource resource{"", "v1", "ConfigMap", "configmaps"};
  Meta meta;
  StringMap data;
};

// With labels.
Result<Child> decode_labelled_child(const Json& json);
Result<Pod> decode_pod(const Json& json);
Result<VirtualMachine> decode_virtual_machine(const Json& json);
Result<VirtualMachineInstance> decode_virtual_machine_instance(const Json& json);
Result<ConfigMap> decode_config_map(const Json& json);

}  // namespace knfe::api
