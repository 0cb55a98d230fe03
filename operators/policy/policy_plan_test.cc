// A Policy on the Sprouts of the IMS: what it makes of what they report.
#include <doctest/doctest.h>

#include "operators/policy/plan.h"
#include "test/fakes/ims_test.h"
#include "test/fakes/json_test.h"
#include "test/fakes/time_test.h"

namespace knfe::operators {

using namespace fakes;  // the IMS and its world

namespace {

constexpr api::Resource kPolicies = api::Policy::resource;

std::string policy(const std::string& more = {}, const std::string& name = "load") {
  return R"({"apiVersion": "knfe.io/v1alpha1", "kind": "Policy", "metadata": {"name": ")" + name + R"("}, "spec": {
    "memberSetRef": {"name": "ims-sip-sprout"}, "load": {"indicator": "calls", "scaleOut": {"above": "40", "coolDownSeconds": 0},
    "scaleIn": {"below": "20", "step": 1, "coolDownSeconds": 300}})" +
         more + "}}";
}

std::string with_cool_down_of_nothing() {
  std::string out = policy();
  return out.replace(out.find("300"), 3, "0");
}

// Three Sprouts that measure calls.
World& measuring(World& world, const std::string& size = R"("initial": 3, "min": 1, "max": 8)") {
  world.put(with(
      R"("name": "sprout", "size": {"initial": 3, "min": 1, "max": 8})",
      R"("name": "sprout", "indicators": [{"name": "calls", "command": ["/opt/calls"], "everySeconds": 5, "windowSeconds": 30,
                    "band": "1"}], "size": {)" +
          size + "}"));
  world.converge();
  return world;
}

void report(World& world, int ordinal, const std::string& low, const std::string& high) {
  world.patch(kMembers, sprout(ordinal),
              R"({"status": {"agent": {"indicators": [{"name": "calls", "low": ")" + low + R"(", "high": ")" + high + R"("}]}}})",
              "status");
}

std::int64_t size_of(const World& world) { return as_int(pick(world.get(kSets, "ims-sip-sprout"), "spec", "replicas")); }
std::string last(const World& world, const char* field) {
  const Json policy = world.get(kPolicies, "load");
  const Json& value = at(policy, "status", "lastResized", field);
  return value.is_string() ? std::string(as_string(value)) : to_text(value);
}

}  // namespace

TEST_CASE("a role grows with what its members report, and says why") {
  World world;
  measuring(world).put(policy());
  world.converge();
  CHECK(size_of(world) == 3);
  CHECK(world.ready(kPolicies, "load") == "True Enough");
  for (int i = 0; i < 3; ++i) report(world, i, "50", "60");
  world.converge();
  CHECK(size_of(world) == 4);
  CHECK(world.names(kMembers).size() == 1 + 4);
  CHECK(last(world, "from") == "3");
  CHECK(last(world, "to") == "4");
  CHECK(last(world, "because") == "calls has been at least 150 in all, and 3 members take 40 each");
  CHECK(world.settled());
  // A process that begins with this does nothing.
  World next(world.store);
  next.converge();
  CHECK(next.writes.empty());
}

TEST_CASE("a role shrinks once its size has been the same for long enough") {
  Time time;
  net::Loop loop;
  World world;
  world.now = boot_now();
  measuring(world).put(policy());
  for (int i = 0; i < 3; ++i) report(world, i, "0", "10");
  world.converge();
  CHECK(size_of(world) == 3);
  CHECK(world.ready(kPolicies, "load") == "True CoolingDown");
  CHECK(world.settled());
  const auto wait = world.plan(kPolicies, {"n", "load"}).look_again;
  REQUIRE(wait);
  CHECK(*wait == std::chrono::seconds(300));
  const auto passes = [&](Duration duration) {
    time.pass(loop, duration);
    world.now = boot_now();
    world.converge();
  };
  passes(*wait - Duration(1));
  CHECK(size_of(world) == 3);
  passes(Duration(1));
  CHECK(size_of(world) == 2);
  CHECK(last(world, "from") == "3");
  CHECK(last(world, "because") == "calls has been at most 30 in all, less than 20 for each of 3 members");
  // The next one has to wait again.
  CHECK(world.ready(kPolicies, "load") == "True CoolingDown");
  passes(std::chrono::seconds(300));
  CHECK(size_of(world) == 1);
}

TEST_CASE("what the agent of an earlier pod reported does not count, nor that of a member that does not serve") {
  World world;
  measuring(world).put(policy());
  for (int i = 0; i < 3; ++i) report(world, i, "50", "50");
  world.agents = false;
  world.remove(kPods, sprout(0));
  world.store.end_pod({"n", sprout(0)});
  world.converge();
  CHECK(size_of(world) == 3);  // a hundred are known of, three take 120
}

TEST_CASE("one policy counts for a role: the oldest") {
  World world;
  measuring(world).put(policy(R"(, "min": 5)"));
  world.put(policy(R"(, "min": 7)", "later"));
  world.converge();
  CHECK(size_of(world) == 5);
  CHECK(world.ready(kPolicies, "later") == "False Overruled");
  world.remove(kPolicies, "load");
  world.converge();
  CHECK(size_of(world) == 7);
  CHECK(world.ready(kPolicies, "later") == "True Enough");
}

TEST_CASE("members that leave still carry something, which comes to the others") {
  World world;
  measuring(world).put(with_cool_down_of_nothing());
  for (int i = 0; i < 3; ++i) report(world, i, "15", "15");
  world.agents = false;  // they do not drain
  world.converge();
  CHECK(size_of(world) == 2);  // 45 are less than 3 times 20; what the third carries may be up to 40
}

TEST_CASE("a policy that cannot move anything says what to do, and goes on when that is done") {
  World world;
  SUBCASE("no such set") {
    world.put(policy());
    world.converge();
    CHECK(world.ready(kPolicies, "load") == "False NoMemberSet");
  }
  SUBCASE("no such indicator") {
    world.put(ims());
    world.put(policy());
    world.converge();
    CHECK(world.ready(kPolicies, "load") == "False NoSuchIndicator");
  }
  SUBCASE("a size that the function owns") {
    measuring(world, R"("exactly": 3)").put(policy());
    world.converge();
    CHECK(world.ready(kPolicies, "load") == "False SizeNotMovable");
    CHECK(size_of(world) == 3);
  }
  measuring(world);
  CHECK(world.ready(kPolicies, "load") == "True Enough");
}

TEST_CASE("a dry run says what it would do, and does nothing") {
  World world;
  measuring(world).put(policy(R"(, "min": 5, "dryRun": true)"));
  world.converge();
  CHECK(size_of(world) == 3);
  CHECK(world.ready(kPolicies, "load") == "True DryRun");
  CHECK(as_int(pick(world.get(kPolicies, "load"), "status", "wanted")) == 5);
}

TEST_CASE("a person's word holds within the policy's bounds, until the load asks for something else") {
  World world;
  measuring(world).put(policy(R"(, "min": 2, "max": 6)"));
  scale(world, 5);
  world.converge();
  CHECK(size_of(world) == 5);
  scale(world, 8);
  world.converge();
  CHECK(size_of(world) == 6);
  CHECK(last(world, "because") == "the policy wants at most 6");
}

TEST_CASE("what swings without rest moves nothing") {
  Time time;
  net::Loop loop;
  World world;
  measuring(world).put(policy());
  world.converge();
  for (int swing = 0; swing < 20; ++swing) {
    // Each window has seen both, as agents report it.
    for (int i = 0; i < 3; ++i) report(world, i, "0", std::to_string(100 + swing % 2));
    time.pass(loop, std::chrono::seconds(60));
    world.now = boot_now();
    world.converge();
  }
  CHECK(size_of(world) == 3);
}

}  // namespace knfe::operators
