// The operators together: what others do to the objects of KNFE's, and what is theirs.
#include <doctest/doctest.h>

#include "test/fakes/ims_test.h"
#include "test/fakes/json_test.h"

namespace knfe::operators {

using namespace fakes;  // the IMS and its world

TEST_CASE("a pod that is gone is made anew, with the addresses of its member") {
  World world(serving());
  const auto addresses = [&] {
    return to_text(pick(world.get(kPods, sprout(1)), "metadata", "annotations", "knfe.io/addresses"));
  };
  const std::string before = addresses(), uid(as_string(pick(world.get(kPods, sprout(1)), "metadata", "uid")));
  SUBCASE("deleted") { world.remove(kPods, sprout(1)); }
  SUBCASE("by force") {
    world.remove(kPods, sprout(1));
    world.store.end_pod({"n", sprout(1)});
  }
  world.converge();
  CHECK(addresses() == before);
  CHECK(as_string(pick(world.get(kPods, sprout(1)), "metadata", "uid")) != uid);
  CHECK(world.ready(kServices, "ims") == "True Serving");
}

TEST_CASE("what somebody takes away is put back, and what somebody changes put right") {
  World world(serving());
  const auto wanted = world.masked();
  SUBCASE("a member list") { world.remove(api::ConfigMap::resource, "ims-sip-peers"); }
  SUBCASE("rights") { world.remove(api::RbacRole::resource, "ims-sip"); }
  SUBCASE("a network attachment") { world.remove(api::Attachments::resource, "ims-core"); }
  SUBCASE("a set") { world.remove(kSets, "ims-sip-bono"); }
  SUBCASE("a member") { world.remove(kMembers, sprout(0)); }
  SUBCASE("a claim, by force") {
    const auto claim = world.names(kAllocations).front();
    world.patch(kAllocations, claim, R"({"metadata": {"finalizers": null}})");
    world.remove(kAllocations, claim);
  }
  SUBCASE("a label") { world.patch(kSets, "ims-sip-bono", R"({"metadata":{"labels":{"knfe.io/role":"else"}}})"); }
  SUBCASE("a spec") { world.patch(kMembers, sprout(0), R"({"spec":{"ordinal":7}})"); }
  SUBCASE("a status") { world.patch(kFunctions, "ims-sip", R"({"status":{"summary":"nonsense"}})", "status"); }
  SUBCASE("a member list's content") {
    world.patch(api::ConfigMap::resource, "ims-sip-peers", R"({"data":{"members.json":"{}"}})");
  }
  world.converge();
  CHECK(difference(world.masked(), wanted) == "");
  CHECK(world.settled());
}

TEST_CASE("a role that asks for other networks keeps what serves until the next can") {
  World world(serving());
  std::string text = ims();
  const std::string one = R"("connectionPoints": [{"name": "core", "networkRef": {"name": "core"}}], )";
  const auto ask_for = [&](const std::string& points) {
    text.replace(text.rfind(one), one.size(), R"("connectionPoints": [)" + points + "], ");
  };
  int wrong = 0;
  world.after_step = [&] {
    check_addresses(world);
    for (const auto* pod : world.store.list(kPods)) {
      const Json entry = listed(world, std::string(as_string(at(*pod, "metadata", "name"))));
      const Json carried = json(as_string(at(*pod, "metadata", "annotations", "knfe.io/addresses")));
      wrong += as_string(at(entry, "state")) == "Serving" && at(entry, "addresses") != carried;
    }
  };
  SUBCASE("one is not there") {
    ask_for(R"({"name": "core", "networkRef": {"name": "core"}}, {"name": "mgmt", "networkRef": {"name": "typo"}})");
    world.put(text);
    world.converge();
    for (int i = 0; i < 3; ++i) CHECK(as_string(pick(listed(world, sprout(i)), "state")) == "Serving");
    CHECK(world.message(kServices, "ims").find("Network typo does not exist") != std::string::npos);
    world.put(
        R"({"apiVersion": "knfe.io/v1alpha1", "kind": "Network", "metadata": {"name": "typo"}, "spec": {"subnets": [{"name": "v4", "cidr": "10.30.0.0/24"}]}})");
  }
  SUBCASE("another, under another name") {
    ask_for(R"({"name": "alt", "networkRef": {"name": "access"}})");
    world.put(text);
  }
  world.converge();
  CHECK(wrong == 0);
  CHECK(world.ready(kServices, "ims") == "True Serving");
  for (int i = 0; i < 3; ++i) CHECK(as_string(pick(listed(world, sprout(i)), "state")) == "Serving");
}

TEST_CASE("nothing is attached to a network that is somebody else's") {
  World world;
  REQUIRE(world.store.create(api::Attachments::resource,
                             json(R"({"metadata": {"name": "ims-core", "namespace": "n"}, "spec": {"config": "{}"}})")));
  world.put(ims());
  world.converge();
  CHECK(world.names(kPods).empty());
  CHECK(world.message(kServices, "ims").find("NetworkAttachmentDefinition ims-core exists") != std::string::npos);
  REQUIRE(world.store.remove(api::Attachments::resource, {"n", "ims-core"}));
  world.converge();
  CHECK(world.ready(kServices, "ims") == "True Serving");
}

TEST_CASE("the agents' rights go with the last agent") {
  World world(serving());
  std::string text = ims();
  for (std::size_t found = 0; (found = text.find(R"("membership": {)", found)) != std::string::npos; found += 20)
    text.insert(found + 15, R"("agent": "None", )");
  world.put(text);
  world.converge();
  CHECK(world.message(kServices, "ims") == "All networks and functions are ready.");
  CHECK(pick(world.get(api::RbacRole::resource, "ims-sip"), "rules").is_null());
  CHECK(pick(world.get(api::RoleBinding::resource, "ims-sip"), "subjects").is_null());
  CHECK(world.settled());
}

TEST_CASE("agents of a function without members may nothing, not everything") {
  World world;
  std::string text = with(R"("exactly": 1)", R"("exactly": 0)");
  text.replace(text.find(R"("initial": 3, "min": 1, "max": 8)"), 32, R"("exactly": 0)");
  world.put(text);
  world.converge();
  CHECK(world.has(api::RbacRole::resource, "ims-sip"));
  CHECK(pick(world.get(api::RbacRole::resource, "ims-sip"), "rules").is_null());
}

TEST_CASE("what somebody has just made under a name of ours is not taken over") {
  World world;
  REQUIRE(world.store.create(
      kFunctions,
      json(
          R"({"metadata": {"name": "ims-sip", "namespace": "n"}, "spec": {"roles": [{"name": "own", "size": {"exactly": 1}, "workload": {"pod": {"spec": {}}}}]}})")));
  world.put(ims());
  world.converge();
  CHECK(world.ready(kServices, "ims") == "False NameTaken");
  CHECK(as_string(pick(world.get(kFunctions, "ims-sip"), "spec", "roles").as_array().front().as_object().at("name")) == "own");
}

TEST_CASE("what others add stays") {
  World world(serving());
  world.patch(kSets, "ims-sip-bono", R"({"metadata":{"labels":{"theirs":"x"},"annotations":{"theirs":"y"}}})");
  world.patch(kMembers, sprout(0), R"({"metadata":{"labels":{"theirs":"x"}}})");
  const auto written = world.writes.size();
  world.converge();
  CHECK(world.writes.size() == written);
  CHECK(as_string(pick(world.get(kSets, "ims-sip-bono"), "metadata", "labels", "theirs")) == "x");
}

TEST_CASE("a new template begins with the highest number, in whatever order everybody acts") {
  std::string text = ims();
  text[text.rfind("sip:1") + 4] = '2';
  for (unsigned seed = 0; seed < 40; ++seed) {
    CAPTURE(seed);
    World world(serving());
    world.random.emplace(seed);
    world.put(text);
    world.converge();
    std::string order;
    for (const auto& write : world.writes) {
      const std::string begin = "delete pods n/ims-sip-sprout-";
      if (write.starts_with(begin)) order += write.substr(begin.size());
    }
    CHECK(order == "210");
  }
}

}  // namespace knfe::operators
