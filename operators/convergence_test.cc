// The operators together: whatever happens in whatever order, they come to what is wanted, and then rest.
#include <doctest/doctest.h>

#include "test/fakes/ims_test.h"
#include "test/fakes/json_test.h"

namespace knfe::operators {

using namespace fakes;  // the IMS and its world

namespace {

// Lets `happen` happen and comes to rest, while the process dies after each of its writes in turn: nobody can tell afterwards.
void survives_any_death(const Store& begin, const std::function<void(World&)>& happen) {
  World calm(begin);
  std::vector<Store> left_behind;
  calm.after_write = [&] { left_behind.push_back(calm.store); };
  happen(calm);
  calm.converge();
  const auto wanted = calm.masked();
  REQUIRE(left_behind.size() > 1);
  for (std::size_t i = 0; i < left_behind.size(); ++i) {
    CAPTURE(calm.writes[i]);
    World next(std::move(left_behind[i]));
    next.after_step = [&next] { check_addresses(next); };
    next.converge();
    REQUIRE(difference(next.masked(), wanted) == "");
    REQUIRE(next.settled());
  }
}

}  // namespace

TEST_CASE("the IMS comes to serve, and then nothing is left to do") {
  World world;
  world.put(ims());
  world.converge();
  CHECK(world.ready(kServices, "ims") == "True Serving");
  CHECK(world.settled());
  CHECK(world.names(kMembers) == std::vector<std::string>{"ims-sip-bono-0", sprout(0), sprout(1), sprout(2)});
  CHECK(world.names(kPods) == world.names(kMembers));
  // One address on access, of both families for each of four on core.
  CHECK(world.names(kAllocations).size() == 1 + 4 * 2);
  // Nothing is written by a process that finds it so.
  World next(world.store);
  next.converge();
  CHECK(next.writes.empty());
}

TEST_CASE("a process that dies after any of its writes leaves nothing that the next one does not finish") {
  SUBCASE("made") {
    survives_any_death({}, [](World& world) { world.put(ims()); });
  }
  SUBCASE("scaled out") {
    survives_any_death(serving(), [](World& world) { scale(world, 4); });
  }
  SUBCASE("scaled in") {
    survives_any_death(serving(), [](World& world) { scale(world, 1); });
  }
  SUBCASE("another image") {
    survives_any_death(serving(), [](World& world) { world.put(with("sip:1", "sip:2")); });
  }
  SUBCASE("another size, owned otherwise") {
    survives_any_death(serving(),
                       [](World& world) { world.put(with(R"("initial": 3, "min": 1, "max": 8)", R"("exactly": 2)")); });
  }
  SUBCASE("deleted") {
    survives_any_death(serving(), [](World& world) { world.remove(kServices, "ims"); });
  }
}

namespace {

const Store& serving_with_machine() {
  static const Store store = [] {
    World world;
    world.put(ims_with_machine());
    world.converge();
    return world.store;
  }();
  return store;
}

constexpr api::Resource kMachines = api::VirtualMachine::resource, kInstances = api::VirtualMachineInstance::resource;

}  // namespace

TEST_CASE("a member may be a virtual machine: it comes to serve as others do, and goes as they do") {
  World world(serving_with_machine());
  world.converge();
  CHECK(world.ready(kServices, "ims") == "True Serving");
  CHECK(world.writes.empty());
  CHECK(world.names(kMachines) == std::vector<std::string>{"ims-sip-bono-0"});
  CHECK(world.names(kPods) == std::vector<std::string>{sprout(0), sprout(1), sprout(2)});
  CHECK(as_string(pick(listed(world, "ims-sip-bono-0"), "state")) == "Serving");
  // Taps are asked for on the two networks of the machine, beside what pods ask for.
  CHECK(world.names(kAttachments) == std::vector<std::string>{"ims-access", "ims-access.tap", "ims-core", "ims-core.tap"});
  CHECK(as_string(pick(world.get(kPoints, "ims-sip-bono-0-core"), "spec", "attachAs")) == "Tap");
  CHECK(world.has(api::ServiceAccount::resource, "ims-sip-bono-0"));
  world.remove(kServices, "ims");
  world.converge();
  CHECK(world.store.all().empty());
}

TEST_CASE("a virtual machine that starts anew joins again, under the same name and addresses") {
  World world(serving_with_machine());
  const Json before = listed(world, "ims-sip-bono-0");
  const Json machine = world.get(kMachines, "ims-sip-bono-0");
  CHECK(world.store.remove(kInstances, {"n", "ims-sip-bono-0"}));
  bool joined_anew = false;
  world.after_step = [&] { joined_anew = joined_anew || as_string(pick(listed(world, "ims-sip-bono-0"), "state")) != "Serving"; };
  world.converge();
  CHECK(joined_anew);
  CHECK(world.ready(kServices, "ims") == "True Serving");
  CHECK(listed(world, "ims-sip-bono-0") == before);
  CHECK(pick(world.get(kMachines, "ims-sip-bono-0"), "metadata", "uid") == pick(machine, "metadata", "uid"));
}

TEST_CASE("an instance that lost its machine keeps the addresses, until somebody deletes it") {
  World world(serving_with_machine());
  world.patch(kInstances, "ims-sip-bono-0", R"({"metadata":{"ownerReferences":null}})");
  world.patch(kMachines, "ims-sip-bono-0", R"({"metadata":{"finalizers":null}})");
  CHECK(world.store.remove(kMachines, {"n", "ims-sip-bono-0"}));
  world.kubelet = world.agents = false;
  world.converge();
  CHECK(world.ready(kMembers, "ims-sip-bono-0") == "False VirtualMachineInstanceWithoutOwner");
  CHECK_FALSE(world.has(kMachines, "ims-sip-bono-0"));
  world.remove(kServices, "ims");
  world.converge();
  CHECK(world.has(kMembers, "ims-sip-bono-0"));
  CHECK(world.store.remove(kInstances, {"n", "ims-sip-bono-0"}));
  world.kubelet = true;
  world.converge();
  CHECK(world.store.all().empty());
}

TEST_CASE("a process that dies after any of its writes about a virtual machine leaves nothing that is not finished") {
  SUBCASE("made") {
    survives_any_death({}, [](World& world) { world.put(ims_with_machine()); });
  }
  SUBCASE("another machine") {
    survives_any_death(serving_with_machine(), [](World& world) {
      std::string text = ims_with_machine();
      const std::string what = R"("domain": {"devices": {}})";
      world.put(text.replace(text.find(what), what.size(), R"("domain": {"devices": {}, "machine": {"type": "q35"}})"));
    });
  }
  SUBCASE("deleted") {
    survives_any_death(serving_with_machine(), [](World& world) { world.remove(kServices, "ims"); });
  }
}

TEST_CASE("in whatever order everybody acts about a virtual machine, it comes to the same") {
  World calm;
  calm.put(ims_with_machine());
  calm.converge();
  const auto wanted = calm.masked();
  for (unsigned seed = 0; seed < 50; ++seed) {
    CAPTURE(seed);
    World world;
    world.after_step = [&world] { check_addresses(world); };
    world.random.emplace(seed);
    world.put(ims_with_machine());
    world.converge();
    REQUIRE(difference(world.masked(), wanted) == "");
    REQUIRE(world.settled());
  }
}

TEST_CASE("in whatever order everybody acts, and however caches lag, it comes to the same") {
  World calm;
  calm.put(ims());
  calm.converge();
  const auto wanted = calm.masked();
  for (unsigned seed = 0; seed < 200; ++seed) {
    CAPTURE(seed);
    World world;
    world.after_step = [&world] { check_addresses(world); };
    world.random.emplace(seed);
    world.put(ims());
    world.converge();
    REQUIRE(difference(world.masked(), wanted) == "");
    REQUIRE(world.settled());
  }
}

TEST_CASE("in whatever order, scaling to and fro ends with what was said last") {
  World calm(serving());
  scale(calm, 2);
  calm.converge();
  const auto wanted = calm.masked();
  for (unsigned seed = 0; seed < 60; ++seed) {
    CAPTURE(seed);
    World world(serving());
    world.after_step = [&world] { check_addresses(world); };
    world.random.emplace(seed);
    for (const int size : {5, 1, 4, 2}) {
      scale(world, size);
      world.advance(seed % 7);
    }
    world.converge();
    REQUIRE(difference(world.masked(), wanted) == "");
  }
}

TEST_CASE("3 to 5 to 2: the highest go, and the others keep what they have") {
  World world(serving());
  const auto addresses = [&](int ordinal) { return to_text(pick(world.get(kMembers, sprout(ordinal)), "status", "addresses")); };
  const std::string first = addresses(0);
  scale(world, 5);
  world.converge();
  CHECK(world.ready(kServices, "ims") == "True Serving");
  CHECK(world.names(kPods).size() == 6);
  CHECK(addresses(0) == first);
  scale(world, 2);
  world.converge();
  CHECK(world.names(kMembers) == std::vector<std::string>{"ims-sip-bono-0", sprout(0), sprout(1)});
  CHECK(world.names(kAllocations).size() == 1 + 3 * 2);
  CHECK(addresses(0) == first);
  // Applying the service again does not take the size back.
  world.put(ims());
  world.converge();
  CHECK(world.names(kPods).size() == 3);
  CHECK(world.settled());
}

TEST_CASE("a size that the spec owns follows the spec, and scale is put right") {
  World world;
  world.put(with(R"("exactly": 1)", R"("exactly": 2)"));
  world.converge();
  CHECK(world.has(kPods, "ims-sip-bono-1"));
  world.put(ims());
  world.converge();
  CHECK_FALSE(world.has(kMembers, "ims-sip-bono-1"));
  CHECK(world.ready(kServices, "ims") == "True Serving");
}

TEST_CASE("new bounds that exclude the live size move it to the nearest one") {
  World world(serving());
  const char* bounds = R"("initial": 3, "min": 1, "max": 8)";
  SUBCASE("too large") {
    world.put(with(bounds, R"("initial": 1, "min": 1, "max": 2)"));
    world.converge();
    CHECK(pick(world.get(kSets, "ims-sip-sprout"), "spec", "replicas") == 2);
  }
  SUBCASE("too small") {
    world.put(with(bounds, R"("initial": 6, "min": 5, "max": 8)"));
    world.converge();
    CHECK(pick(world.get(kSets, "ims-sip-sprout"), "spec", "replicas") == 5);
  }
  SUBCASE("still fitting") {
    world.put(with(bounds, R"("initial": 2, "min": 2, "max": 4)"));
    world.converge();
    CHECK(pick(world.get(kSets, "ims-sip-sprout"), "spec", "replicas") == 3);
  }
  SUBCASE("the spec owns it now") {
    world.put(with(bounds, R"("exactly": 2)"));
    world.converge();
    CHECK(pick(world.get(kSets, "ims-sip-sprout"), "spec", "replicas") == 2);
    CHECK(canonical(pick(world.get(kSets, "ims-sip-sprout"), "spec", "size")) == R"({"exactly":2})");
  }
  CHECK(world.ready(kServices, "ims") == "True Serving");
  CHECK(world.settled());
}

TEST_CASE("a size that scale comes to own begins with initial") {
  World world;
  world.put(with(R"("initial": 3, "min": 1, "max": 8)", R"("exactly": 4)"));
  world.converge();
  CHECK(world.names(kPods).size() == 5);
  world.put(ims());
  world.converge();
  CHECK(world.names(kPods).size() == 4);
  scale(world, 5);
  world.converge();
  CHECK(world.names(kPods).size() == 6);
  CHECK(world.settled());
}

}  // namespace knfe::operators
