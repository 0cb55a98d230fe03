#include "providers/pod/pod.h"

#include "operators/function/membership.h"
#include "providers/environment.h"
#include "providers/spread.h"

namespace knfe::providers {

namespace {

constexpr const char* kRunVolume = "knfe-run";
constexpr const char* kBinVolume = "knfe-bin";

JsonObject mount(const char* volume, const char* path, bool read_only = false) {
  JsonObject out{{"name", volume}, {"mountPath", path}};
  if (read_only) out["readOnly"] = true;
  return out;
}

JsonArray variables(const Environment& environment) {
  JsonArray out;
  for (const auto& [name, value] : environment) out.push_back(JsonObject{{"name", name}, {"value", value}});
  return out;
}

// What only the agent needs. The hooks are those of this pod: a Member's may already be those of the next one.
JsonArray with_agent_facts(JsonArray environment, const api::Member& member) {
  // The kubelet expands $(NAME) in values, and takes $$ for $.
  std::string membership;
  for (const char c : to_text(api::encode(member.spec.membership))) membership += c == '$' ? "$$" : std::string(1, c);
  environment.push_back(JsonObject{{"name", "KNFE_MEMBERSHIP"}, {"value", membership}});
  environment.push_back(
      JsonObject{{"name", "KNFE_POD_UID"}, {"valueFrom", JsonObject{{"fieldRef", JsonObject{{"fieldPath", "metadata.uid"}}}}}});
  return environment;
}

JsonObject small_requests() { return {{"requests", JsonObject{{"cpu", "5m"}, {"memory", "16Mi"}}}}; }

JsonObject installer(const std::string& image, JsonArray environment) {
  return {{"name", "knfe-install"},
          {"image", image},
          {"imagePullPolicy", "IfNotPresent"},
          {"args", JsonArray{Json("guest"), Json("install")}},
          {"env", std::move(environment)},
          {"resources", small_requests()},
          {"securityContext", JsonObject{{"allowPrivilegeEscalation", false},
                                         {"readOnlyRootFilesystem", true},
                                         {"runAsNonRoot", true},
                                         {"runAsUser", 65532},
                                         {"seccompProfile", JsonObject{{"type", "RuntimeDefault"}}},
                                         {"capabilities", JsonObject{{"drop", JsonArray{Json("ALL")}}}}}},
          {"volumeMounts", JsonArray{mount(kBinVolume, "/knfe"), mount(kRunVolume, "/run/knfe")}}};
}

// The agent shares the first container's image, user, environment and volumes.
JsonObject sidecar(const Json& first, JsonArray environment) {
  JsonObject out{{"name", "knfe"},
                 {"image", at(first, "image")},
                 {"command", JsonArray{Json("/knfe/knfe"), Json("guest"), Json("run")}},
                 {"restartPolicy", "Always"},
                 {"resources", small_requests()}};
  for (const char* same : {"imagePullPolicy", "securityContext", "envFrom"}) {
    if (const Json& value = at(first, same); !value.is_null()) out[same] = value;
  }
  out["env"] = std::move(environment);
  append(out, "env", as_array(at(first, "env")));
  JsonArray mounts{mount(kBinVolume, "/knfe", true), mount(kRunVolume, "/run/knfe")};
  for (const auto& own : as_array(at(first, "volumeMounts"))) mounts.push_back(own);
  out["volumeMounts"] = std::move(mounts);
  return out;
}

}  // namespace

Json PodProvider::build(const operators::WorkloadInput& input) const {
  const auto& member = *input.member;
  static const api::PodTemplate kNone;
  const auto& tmpl = member.spec.workload.pod ? *member.spec.workload.pod : kNone;  // the API server refuses that, and says why
  const bool agent = operators::has_agent(member.spec);
  const JsonArray environment = variables(environment_of(input));

  JsonObject spec = as_object(tmpl.spec);
  JsonArray containers = as_array(at(tmpl.spec, "containers"));
  add_spread(spec, member);
  for (const auto& volume : member.spec.volumes) {
    append(spec, "volumes",
           {JsonObject{{"name", volume.name},
                       {"persistentVolumeClaim", JsonObject{{"claimName", operators::claim_name(member.meta.key, volume)}}}}});
  }
  if (agent && !containers.empty() && containers.front().is_object()) {
    const Json first = containers.front();
    const JsonArray agent_environment = with_agent_facts(environment, member);
    prepend(spec, "initContainers", {installer(settings_.agent_image, agent_environment), sidecar(first, agent_environment)});
    append(spec, "volumes",
           {JsonObject{{"name", kRunVolume}, {"emptyDir", JsonObject{}}},
            JsonObject{{"name", kBinVolume}, {"emptyDir", JsonObject{}}}});
    for (auto& container : containers) {
      if (container.is_object()) append(container.get_object(), "volumeMounts", {mount(kRunVolume, "/run/knfe", true)});
    }
    auto& leaver = containers.front().get_object();
    append(leaver, "volumeMounts", {mount(kBinVolume, "/knfe", true)});
    auto& lifecycle = leaver["lifecycle"];
    if (lifecycle.is_null()) lifecycle = JsonObject();
    // Its own command runs once the member has left, or has had its time; a hook of another kind stays as it is.
    const Json own = at(lifecycle, "preStop");
    const Json& own_command = at(own, "exec", "command");
    if (lifecycle.is_object() && (own.is_null() || own_command.is_array())) {
      JsonArray command{Json("/knfe/knfe"), Json("guest"), Json("leave"), Json("--timeout"),
                        Json(std::to_string(member.spec.membership.leave_timeout_seconds))};
      if (own_command.is_array()) command.push_back(Json("--"));
      for (const auto& word : as_array(own_command)) command.push_back(word);
      lifecycle.get_object()["preStop"] = JsonObject{{"exec", JsonObject{{"command", std::move(command)}}}};
    }
    spec["serviceAccountName"] = operators::service_account_of(member.spec, member.spec.function);
    if (at(tmpl.spec, "terminationGracePeriodSeconds").is_null()) {
      spec["terminationGracePeriodSeconds"] = member.spec.membership.leave_timeout_seconds + 5;
    }
  }
  for (auto& container : containers) {
    if (!container.is_object()) continue;
    prepend(container.get_object(), "env", environment);  // the function's own variables may refer to it
  }
  spec["containers"] = std::move(containers);

  JsonObject pod = api::skeleton(api::Pod::resource, member.meta.key);
  JsonObject annotations;
  for (const auto& [key, value] : tmpl.annotations) annotations[key] = value;
  for (const auto& [key, value] : input.network_annotations) annotations[key] = value;
  annotations[operators::kTemplateHash] = operators::template_hash(member.spec);
  auto& metadata = pod["metadata"].as_object();
  metadata["labels"] = labels_of(member, tmpl.labels);
  metadata["annotations"] = std::move(annotations);
  pod["spec"] = std::move(spec);
  return pod;
}

}  // namespace knfe::providers
