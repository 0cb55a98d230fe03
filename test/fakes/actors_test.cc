#include "test/fakes/actors_test.h"

#include <algorithm>

#include "api/foreign.h"
#include "api/member.h"
#include "test/fakes/json_test.h"
#include "test/fakes/live_test.h"

namespace knfe::fakes {

void act_as_kubelet(Store& store, const api::Key& key, bool agents) {
  const Json* pod = store.look(api::Pod::resource, key);
  if (!pod) return;
  if (!deleting(*pod)) {
    if (!at(*pod, "status").is_null()) return;
    static const Json kRunning = json(R"({"status":{"phase":"Running","conditions":[{"type":"Ready","status":"True"}]}})");
    KNFE_CHECK(store.merge_patch(api::Pod::resource, key, kRunning, "status", "kubelet"));
    return;
  }
  // The preStop hook holds it until the agent has left, if there is an agent and somebody to tell it.
  const Json* member = store.look(api::Member::resource, key);
  const bool reported = member && as_string(at(*member, "status", "agent", "podUID")) == uid_of(*pod);
  const bool left = !reported || !agents || as_string(at(condition_of(*member, "Left"), "status")) == "True";
  if (left) store.end_pod(key);
}

void act_as_agent(Store& store, const api::Key& key) {
  const Json* pod = store.look(api::Pod::resource, key);
  const Json* member = store.look(api::Member::resource, key);
  if (!pod || !member || as_string(at(*pod, "status", "phase")) != "Running") return;
  if (at(*pod, "spec", "initContainers").is_null()) return;  // it has no agent
  const std::string function(as_string(at(*member, "spec", "function")));
  const Json* map = store.look(api::ConfigMap::resource, {key.ns, function + "-peers"});
  bool told = true, asked = deleting(*pod) || deleting(*member) || as_string(at(*member, "spec", "desired")) == "Left";
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
