// The operators together: who leaves is drained, and what a pod carries is held until it is gone.
#include <doctest/doctest.h>

#include "test/fakes/ims_test.h"
#include "test/fakes/json_test.h"

namespace knfe::operators {

using namespace fakes;  // the IMS and its world

TEST_CASE("whoever leaves is drained before it goes") {
  World world(serving());
  world.agents = false;
  scale(world, 2);
  world.converge();
  CHECK(world.ready(kMembers, sprout(2)) == "False Leaving");
  CHECK(world.has(kPods, sprout(2)));
  // The others serve: the role is ready, and says what is going on.
  CHECK(world.ready(kSets, "ims-sip-sprout") == "True Leaving");
  world.agents = true;
  world.converge();
  CHECK_FALSE(world.has(kMembers, sprout(2)));
  CHECK_FALSE(world.has(kPods, sprout(2)));
}

TEST_CASE("whoever is wanted again before it has gone stays") {
  World world(serving());
  const std::string uid(as_string(pick(world.get(kPods, sprout(2)), "metadata", "uid")));
  world.agents = false;
  scale(world, 2);
  world.converge();
  scale(world, 3);
  world.agents = true;
  world.converge();
  CHECK(world.ready(kServices, "ims") == "True Serving");
  CHECK(as_string(pick(world.get(kPods, sprout(2)), "metadata", "uid")) == uid);
}

TEST_CASE("of what is deleted nothing stays, and an address is held for as long as a pod carries it") {
  World world(serving());
  world.after_step = [&world] { check_addresses(world); };
  SUBCASE("in order") { world.remove(kServices, "ims"); }
  SUBCASE("in any order") {
    world.random.emplace(7);
    world.remove(kServices, "ims");
  }
  SUBCASE("what it is made of first") { world.store.remove_in_foreground(kServices, {"n", "ims"}); }
  SUBCASE("what it is made of first, in any order") {
    world.random.emplace(7);
    world.store.remove_in_foreground(kServices, {"n", "ims"});
  }
  world.converge();
  CHECK(world.masked().empty());
}

TEST_CASE("a connection point that is deleted keeps its addresses for as long as a pod carries them") {
  World world(serving());
  const std::string point = sprout(0) + "-core";
  const auto held = [&] { return world.names(kAllocations).size(); };
  const auto all = held();
  SUBCASE("deleted") { world.remove(kPoints, point); }
  SUBCASE("and its claims before it") { world.store.remove_in_foreground(kPoints, {"n", point}); }
  world.after_step = [&world] { check_addresses(world); };
  world.converge();
  CHECK(held() == all);
  CHECK(world.ready(kPoints, point) == "False DeletionBlocked");
  CHECK(world.message(kPoints, point).find("Pod " + sprout(0)) != std::string::npos);
  CHECK(world.ready(kServices, "ims") == "True Serving");
  world.remove(kPods, sprout(0));
  world.converge();
  CHECK(world.ready(kPoints, point) == "True Ready");
  CHECK(world.ready(kServices, "ims") == "True Serving");
  CHECK(held() == all);
  CHECK(world.settled());
}

TEST_CASE("a network that is deleted keeps its attachment for as long as somebody is on it") {
  World world(serving());
  const auto uid = [&] { return canonical(pick(world.get(kAttachments, "ims-core"), "metadata", "uid")); };
  const auto before = uid();
  SUBCASE("deleted") { world.remove(kNetworks, "ims-core"); }
  SUBCASE("and its attachment before it") { world.store.remove_in_foreground(kNetworks, {"n", "ims-core"}); }
  world.converge();
  CHECK(world.ready(kNetworks, "ims-core") == "False DeletionBlocked");
  CHECK(uid() == before);
  // A pod that is made anew meanwhile is attached.
  world.remove(kPods, sprout(0));
  world.converge();
  CHECK(world.ready(kMembers, sprout(0)) == "True Serving");
  world.remove(kFunctions, "ims-sip");
  world.remove(kServices, "ims");
  world.converge();
  CHECK(world.masked().empty());
}

TEST_CASE("a connection point that its role has no more goes with the pod that carried it, and its network after it") {
  World world(serving());
  world.put(
      R"({"apiVersion": "knfe.io/v1alpha1", "kind": "Network", "metadata": {"name": "lab"}, "spec": {"subnets": [{"name": "v4", "cidr": "10.9.0.0/24"}]}})");
  world.put(with(R"("connectionPoints": [{"name": "core", "networkRef": {"name": "core"}}])",
                 R"("connectionPoints": [{"name": "lab", "networkRef": {"name": "lab"}}])"));
  world.after_step = [&world] { check_addresses(world); };
  SUBCASE("in order") {}
  SUBCASE("in any order") { world.random.emplace(11); }
  world.converge();
  CHECK(world.ready(kServices, "ims") == "True Serving");
  for (int i = 0; i < 3; ++i) {
    CHECK(world.has(kPoints, sprout(i) + "-lab"));
    CHECK_FALSE(world.has(kPoints, sprout(i) + "-core"));
  }
  CHECK(world.settled());
}

TEST_CASE("what has been deleted leaves nothing that only KNFE could take away, however late the garbage collector is") {
  World world;
  world.put(
      R"({"apiVersion": "knfe.io/v1alpha1", "kind": "Network", "metadata": {"name": "lab"}, "spec": {"subnets": [{"name": "v4", "cidr": "10.9.0.0/24"}]}})");
  world.put(
      R"({"apiVersion": "knfe.io/v1alpha1", "kind": "ConnectionPoint", "metadata": {"name": "mine"}, "spec": {"networkRef": {"name": "lab"}, "interface": "x"}})");
  world.converge();
  world.collector = false;
  world.remove(kPoints, "mine");
  world.remove(kNetworks, "lab");
  world.converge();
  // It waits for its addresses, and they for the collector.
  CHECK(world.message(kNetworks, "lab").find("is not released yet") != std::string::npos);
  world.collector = true;
  world.converge();
  CHECK_FALSE(world.has(kNetworks, "lab"));
  world.put(
      R"({"apiVersion": "knfe.io/v1alpha1", "kind": "Network", "metadata": {"name": "lab"}, "spec": {"subnets": [{"name": "v4", "cidr": "10.9.0.0/24"}]}})");
  world.converge();
  world.collector = false;
  world.remove(kNetworks, "lab");
  world.converge();
  REQUIRE_FALSE(world.has(kNetworks, "lab"));
  while (world.store.collect_garbage()) {
  }
  CHECK(world.masked().empty());
}

TEST_CASE("an attachment that has lost its label holds its network, and that is told of") {
  World world(serving());
  world.store.remove_in_foreground(kNetworks, {"n", "ims-core"});
  world.converge();
  world.patch(kAttachments, "ims-core", R"({"metadata": {"labels": {"app.kubernetes.io/managed-by": null}}})");
  world.remove(kServices, "ims");
  world.converge();
  CHECK(world.message(kNetworks, "ims-core").find("NetworkAttachmentDefinition ims-core") != std::string::npos);
  world.patch(kAttachments, "ims-core", R"({"metadata": {"labels": {"app.kubernetes.io/managed-by": "knfe"}}})");
  world.converge();
  CHECK(world.masked().empty());
}

TEST_CASE("a pod that belongs to nobody any more keeps the addresses that it carries, and the place of its member") {
  World world(serving());
  world.after_step = [&world] { check_addresses(world); };
  const std::string point = sprout(0) + "-core";
  SUBCASE("its owner was taken off") {}
  SUBCASE("and that of its connection point, which is deleted") {
    world.patch(kPoints, point, R"({"metadata": {"ownerReferences": null}})");
    world.remove(kPoints, point);
  }
  SUBCASE("its member was deleted, and the pod left behind") { world.remove(kMembers, sprout(0)); }
  world.patch(kPods, sprout(0), R"({"metadata": {"ownerReferences": null}})");
  world.converge();
  CHECK(world.ready(kMembers, sprout(0)).starts_with("False"));
  CHECK(world.has(kPoints, point));
  world.now += Duration(60'000);
  world.store.end_pod({"n", sprout(0)});
  world.converge();
  world.now += Duration(60'000);
  world.converge();
  CHECK(world.ready(kServices, "ims") == "True Serving");
  CHECK(world.names(kAllocations).size() == 9);
}

TEST_CASE("an attachment that somebody deletes is made anew") {
  World world(serving());
  world.remove(kAttachments, "ims-core");
  world.converge();
  CHECK(pick(world.get(kAttachments, "ims-core"), "metadata", "deletionTimestamp").is_null());
  CHECK(world.ready(kServices, "ims") == "True Serving");
  CHECK(world.settled());
}

TEST_CASE("an attachment that its network has left behind goes when it is deleted") {
  World world(serving());
  world.patch(kAttachments, "ims-core", R"({"metadata": {"ownerReferences": null}})");
  world.remove(kServices, "ims");
  world.converge();
  CHECK(world.has(kAttachments, "ims-core"));
  world.remove(kAttachments, "ims-core");
  world.converge();
  CHECK(world.masked().empty());
}

TEST_CASE("who waits for an address does not keep the network that is deleted") {
  World world;
  world.put(
      R"({"apiVersion": "knfe.io/v1alpha1", "kind": "Network", "metadata": {"name": "tiny"}, "spec": {"subnets": [{"name": "v4", "cidr": "10.9.0.0/30"}]}})");
  const auto point = [&](const std::string& name) {
    world.put(R"({"apiVersion": "knfe.io/v1alpha1", "kind": "ConnectionPoint", "metadata": {"name": ")" + name +
              R"("}, "spec": {"networkRef": {"name": "tiny"}, "interface": "x"}})");
  };
  for (const char* name : {"a", "b"}) point(name);
  world.converge();
  point("waits");
  world.converge();
  REQUIRE(world.ready(kPoints, "waits") == "False PoolExhausted");
  world.remove(kNetworks, "tiny");
  world.converge();
  CHECK(world.message(kNetworks, "tiny").starts_with("in use by ConnectionPoint a, b:"));
  CHECK(world.ready(kPoints, "waits") == "False NetworkDeleting");
  for (const char* name : {"a", "b"}) world.remove(kPoints, name);
  world.converge();
  CHECK_FALSE(world.has(kNetworks, "tiny"));
  CHECK(world.ready(kPoints, "waits") == "False NetworkNotFound");
}

TEST_CASE("whoever is in a role that is wanted no more is shown as leaving until it is gone") {
  World world(serving());
  world.agents = false;
  const std::string text = ims();
  const auto begin = text.find(R"({"name": "bono")"), end = text.find(R"({"name": "sprout")");
  world.put(text.substr(0, begin) + text.substr(end));
  const auto state = [&] { return std::string(as_string(pick(listed(world, "ims-sip-bono-0"), "state"))); };
  bool gone = false;
  world.kubelet = false;
  world.after_step = [&] {
    gone = gone || state().empty();
    if (world.has(kPods, "ims-sip-bono-0")) CHECK_FALSE(gone);
  };
  world.converge();
  CHECK(state() == "Leaving");
  world.kubelet = world.agents = true;
  world.converge();
  CHECK(state().empty());
  CHECK_FALSE(world.has(kMembers, "ims-sip-bono-0"));
}

TEST_CASE("a member that is deleted after its connection points goes") {
  World world(serving());
  world.store.remove_in_foreground(kMembers, {"n", sprout(2)});
  world.converge();
  CHECK(world.ready(kServices, "ims") == "True Serving");
  CHECK(pick(world.get(kMembers, sprout(2)), "metadata", "deletionTimestamp").is_null());
  CHECK(world.names(kAllocations).size() == 9);
}

TEST_CASE("an address that a pod carries is not given away because another is lacking") {
  World world;
  // As many of IPv6 as there are members.
  world.put(with(R"("cidr": "fd20::/64")", R"("cidr": "fd20::/64", "pools": [{"start": "fd20::5", "end": "fd20::8"}])"));
  world.converge();
  REQUIRE(world.ready(kServices, "ims") == "True Serving");
  world.put(
      R"({"apiVersion": "knfe.io/v1alpha1", "kind": "ConnectionPoint", "metadata": {"name": "waits"}, "spec": {"networkRef": {"name": "ims-core"}, "interface": "x"}})");
  world.converge();
  const auto claim_of = [&](const std::string& owner, const std::string& subnet) {
    for (const auto* claim : world.store.list(kAllocations)) {
      if (as_string(at(*claim, "spec", "owner")) == owner && as_string(at(*claim, "spec", "subnet")) == subnet)
        return std::string(as_string(at(*claim, "metadata", "name")));
    }
    return std::string();
  };
  // Somebody takes the claim away by force.
  const auto claim = claim_of(sprout(0) + "-core", "v6");
  world.patch(kAllocations, claim, R"({"metadata": {"finalizers": null}})");
  world.remove(kAllocations, claim);
  world.kubelet = false;
  world.converge();
  CHECK(claim_of(sprout(0) + "-core", "v4") != "");
}

TEST_CASE("a claim that somebody deletes is a claim until its connection point is gone") {
  World world(serving());
  const auto claims = world.names(kAllocations);
  for (const auto& claim : claims) world.remove(kAllocations, claim);
  world.after_step = [&world] { check_addresses(world); };
  world.converge();
  CHECK(world.names(kAllocations) == claims);
  CHECK(world.ready(kServices, "ims") == "True Serving");
  scale(world, 2);
  world.converge();
  CHECK(world.names(kAllocations).size() == claims.size() - 2);
}

}  // namespace knfe::operators
