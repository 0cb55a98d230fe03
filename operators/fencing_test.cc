// The operators together: nobody gets the identity of a member while its predecessor may still run.
#include <doctest/doctest.h>

#include "test/fakes/ims_test.h"
#include "test/fakes/json_test.h"
#include "test/fakes/time_test.h"

namespace knfe::operators {

using namespace fakes;  // the IMS and its world

namespace {

std::string uid(const World& world, const std::string& pod) {
  return std::string(as_string(pick(world.get(kPods, pod), "metadata", "uid")));
}

// As `kubectl delete --force` does it, while nobody hears of the node.
void delete_by_force(World& world, const std::string& pod) {
  world.kubelet = false;
  world.remove(kPods, pod);
  world.patch(kPods, pod, R"({"metadata": {"deletionGracePeriodSeconds": 0}})");
  world.now = boot_now();
}

}  // namespace

TEST_CASE("a pod that is deleted by force keeps its member's place until it is proven to have ended") {
  const Time time;
  World world(serving());
  world.after_step = [&world] { check_addresses(world); };
  const auto before = uid(world, sprout(2));
  delete_by_force(world, sprout(2));
  world.converge();
  CHECK(uid(world, sprout(2)) == before);
  CHECK(world.ready(kMembers, sprout(2)) == "False PodTerminating");
  SUBCASE("and after a while that is told of") {
    world.now += Duration(30'000);
    world.converge();
    CHECK(world.ready(kMembers, sprout(2)) == "False PodNotProvenEnded");
    CHECK(world.message(kMembers, sprout(2)).find("on node node") != std::string::npos);
    CHECK(world.message(kMembers, sprout(2)).find("node.kubernetes.io/out-of-service") != std::string::npos);
  }
  SUBCASE("also of one that is to go") {
    scale(world, 2);
    world.converge();
    world.now += Duration(30'000);
    world.converge();
    CHECK(world.ready(kMembers, sprout(2)) == "False PodNotProvenEnded");
    CHECK(world.has(kPoints, sprout(2) + "-core"));
    scale(world, 3);
  }
  SUBCASE("though its member and everything of KNFE's is gone but that") {
    world.patch(kMembers, sprout(2), R"({"metadata": {"finalizers": null}})");
    world.remove(kMembers, sprout(2));
    world.converge();
    CHECK(uid(world, sprout(2)) == before);
  }
  world.patch(kPods, sprout(2), R"({"status": {"phase": "Failed"}})", "status");
  world.kubelet = true;
  world.converge();
  CHECK(uid(world, sprout(2)) != before);
  CHECK(world.ready(kServices, "ims") == "True Serving");
}

TEST_CASE("a pod that no node ever got goes at once") {
  World world;
  world.kubelet = false;
  world.put(ims());
  world.converge();
  const auto before = uid(world, sprout(0));
  world.remove(kPods, sprout(0));
  world.converge();
  CHECK_FALSE(before.empty());
  CHECK(uid(world, sprout(0)) != before);
}

TEST_CASE("a pod of nobody is let go of when it has ended") {
  World world(serving());
  world.patch(kPods, sprout(0), R"({"metadata": {"ownerReferences": null, "labels": {"knfe.io/member": "nobody"}}})");
  world.remove(kPods, sprout(0));
  world.agents = false;  // who drains no longer than it may
  world.converge();
  world.agents = true;
  world.converge();
  CHECK(world.ready(kServices, "ims") == "True Serving");
}

}  // namespace knfe::operators
