#include "api/foreign.h"

#include "base/text.h"

namespace knfe::api {

namespace {

// The condition of a foreign object; null if it has none of this type.
const Json& condition_of(const Json& json, std::string_view type) {
  static const Json kNone;
  for (const auto& condition : as_array(at(json, "status", "conditions"))) {
    if (as_string(at(condition, "type")) == type) return condition;
  }
  return kNone;
}

bool holds(const Json& json, std::string_view type) { return as_string(at(condition_of(json, type), "status")) == "True"; }

// Why a container waits, as kubelet says; empty while it is merely being made.
std::string waiting_of(const Json& container) {
  const Json& waiting = at(container, "state", "waiting");
  const std::string reason(as_string(at(waiting, "reason")));
  if (reason == "PodInitializing" || reason == "ContainerCreating") return {};
  const auto message = as_string(at(waiting, "message"));
  return message.empty() ? reason : reason + ": " + cut(message, 500);
}

// How a container ended that is not ready, now or before it was started anew.
std::string end_of(const Json& container) {
  const Json& now = at(container, "state", "terminated");
  const Json& end = now.is_null() ? at(container, "lastState", "terminated") : now;
  if (end.is_null() || as_bool(at(container, "ready"))) return {};
  std::string out = "ended with exit code " + std::to_string(as_int(at(end, "exitCode")));
  if (const auto reason = as_string(at(end, "reason")); !reason.empty() && reason != "Error") {
    out += " (" + cut(reason, 100) + ")";
  }
  const auto restarts = as_int(at(container, "restartCount"));
  return restarts == 0 ? out : out + ", restarts: " + std::to_string(restarts);
}

// What kubelet tries again and again, with a pause, or cannot try at all.
bool is_stuck(std::string_view reason) {
  return reason.ends_with("BackOff") || reason.starts_with("CreateContainer") || reason == "InvalidImageName" ||
         reason == "ErrImageNeverPull";
}

// The first thing that keeps a container from running, or the scheduler's word.
std::string trouble_of(const Json& status, bool& stuck) {
  for (const auto* list : {"initContainerStatuses", "containerStatuses"}) {
    for (const auto& container : as_array(at(status, list))) {
      const std::string waiting = waiting_of(container), end = end_of(container);
      if (waiting.empty() && end.empty()) continue;
      std::string out = "container " + std::string(as_string(at(container, "name")));
      if (const auto image = as_string(at(container, "image")); !image.empty()) out += " (image " + std::string(image) + ")";
      stuck = is_stuck(as_string(at(container, "state", "waiting", "reason")));
      if (waiting.empty()) {
        return out + (at(container, "state", "running").is_null() ? " " : " runs, but is not ready; it last ") + end;
      }
      return out + ": " + waiting + (end.empty() ? "" : "; it " + end);
    }
  }
  for (const auto& condition : as_array(at(status, "conditions"))) {
    if (as_string(at(condition, "type")) == "PodScheduled" && as_string(at(condition, "status")) == "False") {
      return cut(as_string(at(condition, "message")), 300);
    }
  }
  return {};
}

}  // namespace

Result<Child> decode_labelled_child(const Json& json) {
  Child child;
  KNFE_TRY(child.meta, decode_meta(json));
  return child;
}

Result<Pod> decode_pod(const Json& json) {
  Pod pod;
  KNFE_TRY(pod.meta, decode_meta(json));
  pod.node = as_string(at(json, "spec", "nodeName"));
  pod.grace = std::chrono::seconds(as_int(at(json, "metadata", "deletionGracePeriodSeconds")));
  const Json& status = at(json, "status");
  pod.phase = as_string(at(status, "phase"));
  pod.ready = holds(json, "Ready");
  pod.trouble = trouble_of(status, pod.stuck);
  if (pod.ended()) pod.ended_since = boot_now();
  return pod;
}

namespace {

// Of the words in which KubeVirt sums up, those that tell of trouble, and whether somebody has to act.
struct Trouble {
  std::string_view status;
  bool stuck;
};
constexpr Trouble kTroubles[] = {{"CrashLoopBackOff", true},         {"ErrImagePull", true},    {"ImagePullBackOff", true},
                                 {"ErrorPvcNotFound", true},         {"DataVolumeError", true}, {"ErrorUnschedulable", false},
                                 {"WaitingForVolumeBinding", false}, {"Stopped", false}};

}  // namespace

Result<VirtualMachine> decode_virtual_machine(const Json& json) {
  VirtualMachine machine;
  KNFE_TRY(machine.meta, decode_meta(json));
  const auto status = as_string(at(json, "status", "printableStatus"));
  for (const auto& trouble : kTroubles) {
    if (trouble.status != status) continue;
    machine.stuck = trouble.stuck;
    const auto why = as_string(at(condition_of(json, "Ready"), "message"));
    machine.trouble = std::string(status) + (why.empty() ? "" : ": " + cut(why, 500));
  }
  if (holds(json, "Failure")) {
    machine.stuck = true;
    machine.trouble = cut(as_string(at(condition_of(json, "Failure"), "message")), 500);
  }
  return machine;
}

Result<VirtualMachineInstance> decode_virtual_machine_instance(const Json& json) {
  VirtualMachineInstance instance;
  KNFE_TRY(instance.meta, decode_meta(json));
  instance.phase = as_string(at(json, "status", "phase"));
  instance.ready = holds(json, "Ready");
  instance.paused = holds(json, "Paused");
  if (!instance.ready && instance.phase == "Running")
    instance.trouble = cut(as_string(at(condition_of(json, "Ready"), "message")), 500);
  return instance;
}

Result<ConfigMap> decode_config_map(const Json& json) {
  ConfigMap map;
  KNFE_TRY(map.meta, decode_meta(json));
  if (auto data = decode_into(at(json, "data"), map.data, "/data"); !data) return std::unexpected(data.error());
  return map;
}

}  // namespace knfe::api
