#include "test/fakes/actors_test.h"

#include <algorithm>

#include "api/foreign.h"
#include "api/member.h"
#include "test/fakes/json_test.h"
#include "test/fakes/live_test.h"

namespace knfe::fakes {

namespace {

// What holds a workload that is to end: its agent, if there is one and somebody to tell it.
bool drained(const Store& store, const api::Key& key, const Json& instance, bool agents) {
  const Json* member = store.look(api::Member::resource, key);
  const bool reported = member && as_string(at(*member, "status", "agent", "podUID")) == uid_of(instance);
  return !reported || !agents || as_string(at(condition_of(*member, "Left"), "status")) == "True";
}

void run(Store& store, const api::Resource& resource, const api::Key& key, const char* by) {
  static const Json kRunning = json(R"({"status":{"phase":"Running","conditions":[{"type":"Ready","status":"True"}]}})");
  KNFE_CHECK(store.merge_patch(resource, key, kRunning, "status", by));
}

constexpr const char* kHold = "kubevirt.io/held";

// Of an object of KubeVirt's: it lets go of it.
void let_go(Store& store, const api::Resource& resource, const api::Key& key) {
  static const Json kFree = json(R"({"metadata":{"finalizers":null}})");
  KNFE_CHECK(store.merge_patch(resource, key, kFree, "", "kubevirt"));
}

}  // namespace

void act_as_kubelet(Store& store, const api::Key& key, bool agents) {
  const Json* pod = store.look(api::Pod::resource, key);
  if (!pod) return;
  if (!deleting(*pod)) {
    if (!at(*pod, "status").is_null()) return;
    static const Json kBound = json(R"({"spec": {"nodeName": "node"}})");
    KNFE_CHECK(store.merge_patch(api::Pod::resource, key, kBound, "", "scheduler"));
    run(store, api::Pod::resource, key, "kubelet");
  } else if (drained(store, key, *pod, agents)) {
    store.end_pod(key);  // the preStop hook has held it until now
  }
}

void act_as_kubevirt(Store& store, const api::Key& key, bool agents) {
  constexpr auto kMachine = api::VirtualMachine::resource, kInstance = api::VirtualMachineInstance::resource;
  const Json* machine = store.look(kMachine, key);
  const Json* instance = store.look(kInstance, key);
  if (machine && as_array(at(*machine, "metadata", "finalizers")).empty() && !deleting(*machine)) {
    KNFE_CHECK(store.merge_patch(kMachine, key, JsonObject{{"metadata", JsonObject{{"finalizers", JsonArray{Json(kHold)}}}}}, "",
                                 "kubevirt"));
  } else if (machine && !deleting(*machine) && !instance) {
    JsonObject made = api::skeleton(kInstance, key);
    auto& metadata = made["metadata"].as_object();
    for (const char* same : {"labels", "annotations"}) metadata[same] = at(*machine, "spec", "template", "metadata", same);
    metadata["finalizers"] = JsonArray{Json(kHold)};
    metadata["ownerReferences"] = JsonArray{JsonObject{{"apiVersion", kMachine.api_version()},
                                                       {"kind", kMachine.kind},
                                                       {"name", key.name.text()},
                                                       {"uid", uid_of(*machine)},
                                                       {"controller", true},
                                                       {"blockOwnerDeletion", true}}};
    made["spec"] = at(*machine, "spec", "template", "spec");
    KNFE_CHECK(store.create(kInstance, made, "kubevirt"));
  } else if (instance && !deleting(*instance) && machine && deleting(*machine)) {
    KNFE_CHECK(store.remove(kInstance, key));
  } else if (instance && !deleting(*instance) && at(*instance, "status").is_null()) {
    run(store, kInstance, key, "kubevirt");
  } else if (instance && deleting(*instance) && drained(store, key, *instance, agents)) {
    let_go(store, kInstance, key);
  } else if (!instance && machine && deleting(*machine)) {
    let_go(store, kMachine, key);
  }
}

void act_as_agent(Store& store, const api::Key& key) {
  const Json* pod = store.look(api::Pod::resource, key);
  if (!pod) pod = store.look(api::VirtualMachineInstance::resource, key);
  const Json* member = store.look(api::Member::resource, key);
  if (!pod || !member || as_string(at(*pod, "status", "phase")) != "Running") return;
  const bool in_machine = as_string(at(*pod, "kind")) == api::VirtualMachineInstance::resource.kind;
  if (!in_machine && at(*pod, "spec", "initContainers").is_null()) return;  // it has no agent
  const std::string function(as_string(at(*member, "spec", "function")));
  const Json* map = store.look(api::ConfigMap::resource, {key.ns, function + "-peers"});
  bool told = true, asked = deleting(*pod) || deleting(*member) || as_string(at(*member, "spec", "desired")) != "Serving";
  if (map) {
    const Json list = json(as_string(at(*map, "data", "members.json")));
    for (const auto& entry : as_array(at(list, "members"))) {
      if (as_string(at(entry, "name")) != key.name) continue;
      told = as_string(at(entry, "state")) == "Leaving";
      asked = asked || as_bool(at(entry, "leave"));
    }
  }
  JsonArray conditions;
  const auto say = [&](const char* type, bool status, const char* reason) {
    const Json& before = condition_of(*member, type);
    const bool same = as_string(at(before, "status")) == (status ? "True" : "False");
    conditions.push_back(
        JsonObject{{"type", type},
                   {"status", status ? "True" : "False"},
                   {"reason", reason},
                   {"message", reason},
                   {"lastTransitionTime", same ? at(before, "lastTransitionTime") : Json("2026-02-02T00:00:00Z")}});
  };
  say("Joined", true, "Joined");
  say("Serving", !asked, asked ? "Leaving" : "Serving");
  say("Left", asked && told, !asked ? "Serving" : told ? "Left" : "Draining");
  const bool same_pod = as_string(at(*member, "status", "agent", "podUID")) == uid_of(*pod);
  if (same_pod && std::all_of(conditions.begin(), conditions.end(),
                              [&](const Json& one) { return condition_of(*member, as_string(at(one, "type"))) == one; }))
    return;
  JsonObject object = api::skeleton(api::Member::resource, key);
  object["metadata"].as_object()["uid"] = uid_of(*member);
  object["status"] = JsonObject{{"agent", JsonObject{{"podUID", uid_of(*pod)}}}, {"conditions", std::move(conditions)}};
  KNFE_CHECK(store.apply(api::Member::resource, object, "status", "knfe-guest"));
}

}  // namespace knfe::fakes
