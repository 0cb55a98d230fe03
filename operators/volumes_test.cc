// The operators together: the volumes of members.
#include <doctest/doctest.h>

#include "test/fakes/ims_test.h"
#include "test/fakes/json_test.h"

namespace knfe::operators {

using namespace fakes;  // the IMS and its world

namespace {

constexpr api::Resource kClaims = api::PersistentVolumeClaim::resource;

std::string with_volume(const std::string& reclaim) {
  return with(R"("name": "sprout", )",
              R"("name": "sprout", "volumes": [{"name": "data", "reclaim": ")" + reclaim +
                  R"(", "claim": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}], )");
}

std::string uid(const World& world, const std::string& claim) {
  return std::string(as_string(pick(world.get(kClaims, claim), "metadata", "uid")));
}

World& begin(World& world, const std::string& reclaim) {
  world.put(with_volume(reclaim));
  world.converge();
  REQUIRE(world.ready(kServices, "ims") == "True Serving");
  return world;
}

}  // namespace

TEST_CASE("each member has its claims before its pod is made") {
  World world;
  world.after_write = [&] {
    for (const auto& pod : world.names(kPods)) {
      if (pod.find("sprout") != pod.npos) CHECK(world.has(kClaims, pod + "-data"));
    }
  };
  begin(world, "Retain");
  CHECK(world.names(kClaims) == std::vector<std::string>{sprout(0) + "-data", sprout(1) + "-data", sprout(2) + "-data"});
  CHECK(canonical(pick(world.get(kClaims, sprout(0) + "-data"), "spec", "accessModes")) == R"(["ReadWriteOnce"])");
  CHECK(world.settled());
}

TEST_CASE("a claim outlives its member, and a later one of this name has it again") {
  World world;
  begin(world, "Retain");
  const auto before = uid(world, sprout(2) + "-data");
  scale(world, 2);
  world.converge();
  CHECK_FALSE(world.has(kMembers, sprout(2)));
  CHECK(uid(world, sprout(2) + "-data") == before);
  SUBCASE("when the role grows again") {
    scale(world, 3);
    world.converge();
  }
  SUBCASE("when the whole function was deleted") {
    world.remove(kServices, "ims");
    world.converge();
    CHECK(world.names(kClaims).size() == 3);
    begin(world, "Retain");
  }
  CHECK(uid(world, sprout(2) + "-data") == before);
  CHECK(world.ready(kServices, "ims") == "True Serving");
}

TEST_CASE("where the role says so, a claim goes with its member, and not before its pod") {
  World world;
  begin(world, "Delete");
  world.after_step = [&] {
    for (const auto& pod : world.names(kPods)) {
      if (pod.find("sprout") != pod.npos) CHECK(world.has(kClaims, pod + "-data"));
    }
  };
  scale(world, 2);
  world.converge();
  CHECK(world.names(kClaims).size() == 2);
  scale(world, 3);
  world.converge();
  CHECK(world.names(kClaims).size() == 3);
  CHECK(world.ready(kServices, "ims") == "True Serving");
  SUBCASE("what was to be deleted can be kept") {
    SUBCASE("while they serve") {}
    SUBCASE("while they are stopped") {
      std::string stopped = with_volume("Delete");
      const std::string name = R"({"name": "sip", )";
      world.put(stopped.insert(stopped.find(name) + name.size(), R"("state": "Stopped", )"));
      world.converge();
    }
    world.put(with_volume("Retain"));
    world.converge();
    world.remove(kServices, "ims");
    world.converge();
    CHECK(world.names(kClaims).size() == 3);
  }
}

TEST_CASE("a pod is replaced with the same volume") {
  World world;
  begin(world, "Retain");
  const auto before = uid(world, sprout(0) + "-data");
  world.remove(kPods, sprout(0));
  world.converge();
  CHECK(uid(world, sprout(0) + "-data") == before);
  CHECK(world.ready(kServices, "ims") == "True Serving");
}

TEST_CASE("a member waits for a claim that is being deleted, and gets another") {
  World world;
  begin(world, "Retain");
  const auto claim = sprout(0) + "-data", before = uid(world, claim);
  world.patch(kClaims, claim, R"({"metadata": {"finalizers": ["kubernetes.io/pvc-protection"]}})");
  world.remove(kClaims, claim);
  world.remove(kPods, sprout(0));
  world.converge();
  CHECK(world.ready(kMembers, sprout(0)) == "False VolumesMissing");
  CHECK(world.message(kMembers, sprout(0)).find(claim + " is being deleted") != std::string::npos);
  world.patch(kClaims, claim, R"({"metadata": {"finalizers": null}})");
  world.converge();
  CHECK(uid(world, claim) != before);
  CHECK(world.ready(kServices, "ims") == "True Serving");
}

TEST_CASE("a claim of another member is not taken") {
  World world;
  world.put(R"({"apiVersion": "v1", "kind": "PersistentVolumeClaim",
                "metadata": {"name": ")" +
            sprout(0) + R"(-data", "labels": {"knfe.io/member": "other"}}, "spec": {}})");
  world.put(with_volume("Retain"));
  world.converge();
  CHECK(world.ready(kMembers, sprout(0)) == "False VolumesMissing");
  CHECK(world.message(kMembers, sprout(0)).find("belongs to another member, other") != std::string::npos);
}

}  // namespace knfe::operators
