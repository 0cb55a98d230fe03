#include "providers/kubevirt/kubevirt.h"

#include <algorithm>
#include <optional>

#include "api/digest.h"
#include "operators/function/membership.h"
#include "providers/environment.h"
#include "providers/kubevirt/network_data.h"
#include "providers/spread.h"

namespace knfe::providers {

namespace {

constexpr const char* kBinding = "knfe";  // as KubeVirt's configuration names the network binding plugin
constexpr const char* kIdentity = "knfe-identity";
constexpr const char* kAccount = "knfe-account";
constexpr const char* kCloudInit = "knfe-cloudinit";
constexpr const char* kIdentityAnnotation = "knfe.io/identity";
constexpr const char* kInstanceLabel = "kubevirt.io/created-by";  // of the pod that runs an instance: the instance's UID

// Takes the object under `name` out; an empty one where there is none. Nothing where something else is: KubeVirt refuses that,
// and says why.
std::optional<JsonObject> taken_out(JsonObject& object, const char* name) {
  auto& from = object[name];
  if (from.is_null()) return JsonObject();
  if (!from.is_object()) return std::nullopt;
  return std::move(from.get_object());
}
// Valid until something else is put into `object`.
JsonArray* list_in(JsonObject& object, const char* name) {
  auto& into = object[name];
  if (into.is_null()) into = JsonArray();
  return into.is_array() ? &into.get_array() : nullptr;
}

// Locally administered, of one host; the same for the same interface of the same member.
std::string mac_of(const api::Member& member, std::string_view interface) {
  const std::string digits = "0e" + api::hex64(api::hash64(member.meta.uid.text() + "/" + std::string(interface))).substr(6);
  std::string out = digits.substr(0, 2);
  for (std::size_t i = 2; i < 12; i += 2) out += ":" + digits.substr(i, 2);
  return out;
}

bool attaches_pod_network(const JsonObject& devices) {
  const auto* said = devices.if_contains("autoattachPodInterface");
  return !said || as_bool(*said, true);
}

// The machine that is being put together.
struct Machine {
  const operators::WorkloadInput& input;
  JsonObject spec;    // without `domain`
  JsonObject domain;  // without `devices`
  JsonObject devices;
  std::vector<GuestInterface> interfaces = {};

  void add_interfaces();
  void add_network_data();
  void add_disk(const char* name, JsonObject source);
  void add_volumes();
  void add_identity();
};

void Machine::add_interfaces() {
  auto* own = list_in(devices, "interfaces");
  auto* networks = list_in(spec, "networks");
  if (!own || !networks) return;
  if (own->empty() && networks->empty() && attaches_pod_network(devices)) {
    own->push_back(JsonObject{{"name", "default"}, {"masquerade", JsonObject()}});
    networks->push_back(JsonObject{{"name", "default"}, {"pod", JsonObject()}});
  }
  // Network data names interfaces by their MACs: those that have none get one.
  int number = 0;
  for (auto& one : *own) {
    if (!one.is_object()) continue;
    auto& mac = one.get_object()["macAddress"];
    if (mac.is_null()) mac = mac_of(*input.member, as_string(at(one, "name")));
    interfaces.push_back({"eth" + std::to_string(number++), std::string(as_string(mac)), nullptr});
  }
  for (std::size_t i = 0; i < input.attachments.size(); ++i) {
    const auto& attached = input.attachments[i];
    const std::string& name = input.member->spec.connection_points[i].name;
    const std::string network = operators::attachment_name(*attached.network, true);
    own->push_back(JsonObject{
        {"name", name}, {"binding", JsonObject{{"name", kBinding}}}, {"macAddress", attached.connection_point->status.mac}});
    networks->push_back(
        JsonObject{{"name", name}, {"multus", JsonObject{{"networkName", attached.network->meta.key.ns + "/" + network}}}});
    interfaces.push_back({attached.connection_point->spec.interface, attached.connection_point->status.mac, &attached});
  }
}

// User data is the user's; network data follows from the connection points, unless somebody has written it, too.
void Machine::add_network_data() {
  auto* volumes = list_in(spec, "volumes");
  if (!volumes || interfaces.empty()) return;
  for (auto& volume : *volumes) {
    if (!volume.is_object()) continue;
    for (const bool drive : {false, true}) {
      auto* source = volume.get_object().if_contains(drive ? "cloudInitConfigDrive" : "cloudInitNoCloud");
      if (!source) continue;
      if (!source->is_object()) return;
      for (const char* given : {"networkData", "networkDataBase64", "networkDataSecretRef"}) {
        if (source->get_object().contains(given)) return;
      }
      source->get_object()["networkData"] = to_text(drive ? network_data(interfaces) : network_config_v2(interfaces));
      return;
    }
  }
  add_disk(kCloudInit, {{"cloudInitNoCloud", JsonObject{{"networkData", to_text(network_config_v2(interfaces))}}}});
}

void Machine::add_disk(const char* name, JsonObject source) {
  auto* volumes = list_in(spec, "volumes");
  auto* disks = list_in(devices, "disks");
  if (!volumes || !disks) return;
  source["name"] = name;
  volumes->push_back(std::move(source));
  disks->push_back(JsonObject{{"name", name}, {"serial", name}, {"disk", JsonObject{{"bus", "virtio"}}}});
}

// A disk that is listed stays as it is.
void Machine::add_volumes() {
  for (const auto& volume : input.member->spec.volumes) {
    JsonObject source{
        {"persistentVolumeClaim", JsonObject{{"claimName", operators::claim_name(input.member->meta.key, volume)}}}};
    const auto* disks = list_in(devices, "disks");
    if (disks &&
        std::any_of(disks->begin(), disks->end(), [&](const Json& disk) { return as_string(at(disk, "name")) == volume.name; })) {
      source["name"] = volume.name;
      append(spec, "volumes", {std::move(source)});
    } else {
      add_disk(volume.name.c_str(), std::move(source));
    }
  }
}

void Machine::add_identity() {
  const auto file = [](const char* path, const std::string& field) {
    return JsonObject{{"path", path}, {"fieldRef", JsonObject{{"fieldPath", field}}}};
  };
  add_disk(kIdentity,
           {{"downwardAPI",
             JsonObject{{"fields", JsonArray{file("identity", "metadata.annotations['" + std::string(kIdentityAnnotation) + "']"),
                                             file("instance", "metadata.labels['" + std::string(kInstanceLabel) + "']")}}}}});
  add_disk(kAccount, {{"serviceAccount", JsonObject{{"serviceAccountName", input.member->meta.key.name.text()}}}});
}

}  // namespace

Json KubeVirtProvider::build(const operators::WorkloadInput& input) const {
  const auto& member = *input.member;
  static const api::VirtualMachineTemplate kNone;
  const auto& tmpl = member.spec.workload.virtual_machine ? *member.spec.workload.virtual_machine : kNone;
  const bool agent = operators::has_agent(member.spec);

  JsonObject spec = as_object(tmpl.spec);
  auto domain = taken_out(spec, "domain");
  auto devices = domain ? taken_out(*domain, "devices") : std::nullopt;
  auto firmware = devices ? taken_out(*domain, "firmware") : std::nullopt;
  if (firmware) {
    if (!firmware->contains("uuid")) (*firmware)["uuid"] = member.meta.uid.text();
    (*domain)["firmware"] = std::move(*firmware);
    Machine machine{input, std::move(spec), std::move(*domain), std::move(*devices)};
    machine.add_interfaces();
    machine.add_network_data();
    machine.add_volumes();
    if (agent) machine.add_identity();
    machine.domain["devices"] = std::move(machine.devices);
    spec = std::move(machine.spec);
    spec["domain"] = std::move(machine.domain);
  } else {
    spec = as_object(tmpl.spec);
  }
  add_spread(spec, member);
  if (agent && at(tmpl.spec, "terminationGracePeriodSeconds").is_null()) {
    spec["terminationGracePeriodSeconds"] = member.spec.membership.leave_timeout_seconds + 5;
  }

  JsonObject annotations, of_instance;
  for (const auto& [key, value] : tmpl.annotations) annotations[key] = of_instance[key] = value;
  annotations[operators::kTemplateHash] = operators::template_hash(member.spec);
  if (agent) {
    JsonObject identity;
    for (const auto& [name, value] : environment_of(input)) identity[name] = value;
    // The hooks are those of this machine: a Member's may already be those of the next one.
    identity["KNFE_MEMBERSHIP"] = to_text(api::encode(member.spec.membership));
    identity["KUBERNETES_SERVICE_HOST"] = settings_.api_host;
    identity["KUBERNETES_SERVICE_PORT"] = settings_.api_port;
    of_instance[kIdentityAnnotation] = to_text(identity);
  }
  JsonObject metadata{{"labels", labels_of(member, tmpl.labels)}, {"annotations", std::move(of_instance)}};

  JsonObject object = api::skeleton(api::VirtualMachine::resource, member.meta.key);
  auto& own = object["metadata"].as_object();
  own["labels"] = labels_of(member, tmpl.labels);
  own["annotations"] = std::move(annotations);
  object["spec"] = JsonObject{{"runStrategy", "Always"},
                              {"template", JsonObject{{"metadata", std::move(metadata)}, {"spec", std::move(spec)}}}};
  return object;
}

}  // namespace knfe::providers
