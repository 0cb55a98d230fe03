#include "api/foreign.h"

#include "base/text.h"

namespace knfe::api {

namespace {

// The first thing that keeps a container from running, or the scheduler's word.
std::string trouble_of(const Json& status) {
  for (const auto* list : {"initContainerStatuses", "containerStatuses"}) {
    for (const auto& container : as_array(at(status, list))) {
      const Json& waiting = at(container, "state", "waiting");
      const auto reason = as_string(at(waiting, "reason"));
      if (reason.empty() || reason == "PodInitializing" || reason == "ContainerCreating") continue;
      std::string out = "container " + std::string(as_string(at(container, "name")));
      if (const auto image = as_string(at(container, "image")); !image.empty()) out += " (image " + std::string(image) + ")";
      out += ": " + std::string(reason);
      if (const auto message = as_string(at(waiting, "message")); !message.empty()) out += ": " + cut(message, 500);
      return out;
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

Result<Pod> decode_pod(const Json& json) {
  Pod pod;
  KNFE_TRY(pod.meta, decode_meta(json));
  const Json& status = at(json, "status");
  pod.phase = as_string(at(status, "phase"));
  for (const auto& condition : as_array(at(status, "conditions"))) {
    if (as_string(at(condition, "type")) == "Ready") pod.ready = as_string(at(condition, "status")) == "True";
  }
  pod.trouble = trouble_of(status);
  if (pod.ended()) pod.ended_since = boot_now();
  return pod;
}

Result<ConfigMap> decode_config_map(const Json& json) {
  ConfigMap map;
  KNFE_TRY(map.meta, decode_meta(json));
  if (auto data = decode_into(at(json, "data"), map.data, "/data"); !data) return std::unexpected(data.error());
  return map;
}

}  // namespace knfe::api
