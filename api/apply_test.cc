// Digests against server-side apply itself: the promise that equal digests mean that an apply would change nothing.
#include <doctest/doctest.h>

#include <random>

#include "api/digest.h"
#include "api/network_service.h"
#include "test/fakes/json_test.h"
#include "test/fakes/store_test.h"

namespace knfe::api {

using fakes::json;
using fakes::pick;
using fakes::Store;

namespace {

const Resource kSets = MemberSet::resource;
const Key kKey{"n", "a"};

JsonObject desired_set() {
  JsonObject object = skeleton(kSets, kKey);
  const Json spec = json(R"({"function": "f", "role": "r", "size": {"initial": 1, "min": 0, "max": 9},
    "connectionPoints": [{"name": "core", "networkRef": {"name": "core"}}, {"name": "access", "networkRef": {"name": "access"}}],
    "workload": {"pod": {"labels": {"a": "b"}, "spec": {"containers": [{"name": "x", "command": null, "env": []}], "volumes": [], "x": null, "y": {}, "z": {"q": {"r": 1}}}}},
    "membership": {"joined": {"command": ["/bin/true", "$x"]}}})");
  object["metadata"].as_object()["labels"] = JsonObject{{"l", "1"}};
  object["metadata"].as_object()["finalizers"] = JsonArray{Json("knfe.io/x")};
  object["spec"] = spec;
  return object;
}

bool holds(const Store& store, const Json& desired) {
  return digest_of_owned(**store.get(kSets, kKey), "knfe", "") == digest_of_desired(desired);
}

}  // namespace

TEST_CASE("after an apply nothing is left to apply, whatever the schema's defaults add") {
  Store store;
  const Json desired = desired_set();
  const auto made = store.apply(kSets, desired, "", "knfe");
  REQUIRE(made);
  CHECK(as_string(at(**made, "spec", "membership", "agent")) == "Sidecar");
  CHECK(holds(store, desired));
  const std::string before = to_text(**made);
  const auto again = store.apply(kSets, desired, "", "knfe");
  CHECK(to_text(**again) == before);
}

TEST_CASE("the size that another manager owns is not taken away, and makes no difference") {
  Store store;
  const Json desired = desired_set();
  REQUIRE(store.apply(kSets, desired, "", "knfe"));
  JsonObject size = skeleton(kSets, kKey);
  size["spec"] = JsonObject{{"replicas", 1}};
  REQUIRE(store.apply(kSets, size, "", "knfe-size"));
  CHECK(holds(store, desired));
  REQUIRE(store.merge_patch(kSets, kKey, json(R"({"spec": {"replicas": 5}})"), "", "kubectl"));
  CHECK(holds(store, desired));
  REQUIRE(store.apply(kSets, desired, "", "knfe"));
  CHECK(pick(**store.get(kSets, kKey), "spec", "replicas") == 5);
}

TEST_CASE("what is not wanted any more is taken away") {
  Store store;
  Json desired = desired_set();
  REQUIRE(store.apply(kSets, desired, "", "knfe"));
  desired.at("spec").as_object().erase("membership");
  desired.at("spec").at("connectionPoints").as_array().erase(desired.at("spec").at("connectionPoints").as_array().begin());
  desired.at("spec").at("workload").at("pod").at("spec").as_object().erase("x");
  CHECK_FALSE(holds(store, desired));
  const auto next = store.apply(kSets, desired, "", "knfe");
  REQUIRE(next);
  CHECK(at(**next, "spec", "membership", "joined").is_null());
  CHECK(as_array(at(**next, "spec", "connectionPoints")).size() == 1);
  CHECK_FALSE(at(**next, "spec", "workload", "pod", "spec").as_object().contains("x"));
  CHECK(holds(store, desired));
}

TEST_CASE("a role that goes from exactly to initial keeps nothing of the old form") {
  Store store;
  Json desired = desired_set();
  desired.at("spec").at("size") = json(R"({"exactly": 3})");
  desired.at("spec").as_object()["replicas"] = 3;
  REQUIRE(store.apply(kSets, desired, "", "knfe"));
  const auto next = store.apply(kSets, desired_set(), "", "knfe");
  REQUIRE(next);
  CHECK(canonical(at(**next, "spec", "size")) == R"({"initial":1,"max":9,"min":0})");
  CHECK(at(**next, "spec", "replicas").is_null());
  CHECK(holds(store, desired_set()));
}

TEST_CASE("equal digests mean that an apply changes nothing, whoever has written what") {
  const std::vector<Json> meddling = {
      json(R"({"metadata": {"labels": {"theirs": "x"}}})"),
      json(R"({"metadata": {"labels": {"l": "2"}}})"),
      json(R"({"metadata": {"labels": null}})"),
      json(R"({"metadata": {"finalizers": ["theirs"]}})"),
      json(R"({"metadata": {"finalizers": ["theirs", "knfe.io/x"]}})"),
      json(R"({"spec": {"replicas": 3}})"),
      json(R"({"spec": {"membership": {"leaveTimeoutSeconds": 7}}})"),
      json(R"({"spec": {"membership": {"joined": {"command": ["/bin/false"]}}}})"),
      json(R"({"spec": {"workload": {"pod": {"annotations": {"theirs": "x"}}}}})"),
      json(R"({"spec": {"workload": {"pod": {"spec": {"containers": []}}}}})"),
      json(R"({"spec": {"workload": {"pod": {"spec": {"theirs": true}}}}})"),
      json(R"({"spec": {"connectionPoints": [{"name": "theirs", "networkRef": {"name": "t"}}]}})"),
      json(
          R"({"spec": {"connectionPoints": [{"name": "access", "networkRef": {"name": "access"}}, {"name": "core", "networkRef": {"name": "core"}}]}})"),
      json(R"({"spec": {"size": {"max": 8}}})"),
      json(R"({"spec": {"role": "other"}})"),
  };
  int equal = 0, different = 0;
  for (unsigned seed = 0; seed < 300; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    Store store;
    const Json desired = desired_set();
    REQUIRE(store.apply(kSets, desired, "", "knfe"));
    for (unsigned i = 0; i < seed % 4; ++i) {
      REQUIRE(store.merge_patch(kSets, kKey, meddling[random() % meddling.size()], "", "somebody"));
    }
    const bool same = holds(store, desired);
    const std::string before = store.version();
    REQUIRE(store.apply(kSets, desired, "", "knfe"));
    REQUIRE(same == (before == store.version()));
    REQUIRE(holds(store, desired));
    ++(same ? equal : different);
  }
  CHECK(equal > 50);
  CHECK(different > 50);
}

TEST_CASE("of the status each manager owns its conditions") {
  Store store;
  REQUIRE(store.apply(kSets, desired_set(), "", "knfe"));
  const auto report = [&](const char* manager, const char* type, const char* status) {
    JsonObject object = skeleton(kSets, kKey);
    object["status"] = JsonObject{
        {"replicas", 1},
        {"readyReplicas", 1},
        {"conditions", JsonArray{JsonObject{
                           {"type", type}, {"status", status}, {"reason", "R"}, {"message", "m"}, {"lastTransitionTime", "t"}}}}};
    REQUIRE(store.apply(kSets, object, "status", manager));
    return digest_of_desired(object);
  };
  const auto digest = [&] { return digest_of_owned(**store.get(kSets, kKey), "knfe", "status"); };
  const auto ours = report("knfe", "Ready", "True");
  CHECK(digest() == ours);
  report("knfe-guest", "Joined", "True");
  CHECK(digest() == ours);
  CHECK(pick(**store.get(kSets, kKey), "status", "conditions").as_array().size() == 2);
  report("knfe-guest", "Joined", "False");
  CHECK(digest() == ours);
  report("other", "Ready", "False");
  CHECK(digest() != ours);
}

}  // namespace knfe::api
