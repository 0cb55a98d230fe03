// The operators together: whatever happens in whatever order, they come to what is wanted, and then rest.
#include <doctest/doctest.h>

#include "test/fakes/json_test.h"
#include "test/fakes/world_test.h"

namespace knfe::operators {

using fakes::difference;
using fakes::ims;
using fakes::json;
using fakes::pick;
using fakes::World;

namespace {

constexpr api::Resource kServices = api::NetworkService::resource;
constexpr api::Resource kFunctions = api::NetworkFunction::resource;
constexpr api::Resource kSets = api::MemberSet::resource;
constexpr api::Resource kMembers = api::Member::resource;
constexpr api::Resource kPods = api::Pod::resource;
constexpr api::Resource kAllocations = api::Allocation::resource;

// What holds at any instant: what a pod carries is claimed for its very connection point, so that nobody else can have it.
void check_addresses(const World& world) {
  std::map<std::string, std::string> claimed;
  for (const auto* claim : world.store.list(kAllocations)) {
    claimed.emplace(as_string(at(*claim, "spec", "ip")), as_string(at(*claim, "spec", "owner")));
  }
  for (const auto* pod : world.store.list(kPods)) {
    const std::string name(as_string(at(*pod, "metadata", "name")));
    const Json carried = json(as_string(at(*pod, "metadata", "annotations", "knfe.io/addresses")));
    for (const auto& [point, ips] : carried.as_object()) {
      for (const auto& ip : ips.as_array()) {
        const auto found = claimed.find(std::string(as_string(ip)));
        const std::string owner = name + "-" + std::string(point);
        if (found == claimed.end()) FAIL("pod ", name, " carries ", to_text(ip), ", which nobody has claimed");
        if (found->second != owner) FAIL("pod ", name, " carries ", to_text(ip), ", the claim of ", found->second);
      }
    }
  }
}

// The entry of a member in the list of all; null if it is not on it.
Json listed(const World& world, const std::string& name) {
  const Json list = json(as_string(pick(world.get(api::ConfigMap::resource, "ims-sip-peers"), "data", "members.json")));
  for (const auto& member : as_array(at(list, "members"))) {
    if (as_string(at(member, "name")) == name) return member;
  }
  return {};
}

std::string sprout(int ordinal) { return "ims-sip-sprout-" + std::to_string(ordinal); }

void scale(World& world, int replicas) {
  world.patch(kSets, "ims-sip-sprout", R"({"spec":{"replicas":)" + std::to_string(replicas) + "}}");
}

std::string with(const std::string& what, const std::string& other) {
  std::string text = ims();
  const auto found = text.find(what);
  REQUIRE(found != std::string::npos);
  return text.replace(found, what.size(), other);
}

// The IMS as it serves.
const fakes::Store& serving() {
  static const fakes::Store store = [] {
    World world;
    world.put(ims());
    world.converge();
    return world.store;
  }();
  return store;
}

// Lets `happen` happen and comes to rest, while the process dies after each of its writes in turn: nobody can tell afterwards.
void survives_any_death(const fakes::Store& begin, const std::function<void(World&)>& happen) {
  World calm(begin);
  std::vector<fakes::Store> left_behind;
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

TEST_CASE("a connection point that is deleted keeps its addresses for as long as a pod carries them") {
  World world(serving());
  const std::string point = sprout(0) + "-core";
  const auto held = [&] { return world.names(kAllocations).size(); };
  const auto all = held();
  SUBCASE("deleted") { world.remove(api::ConnectionPoint::resource, point); }
  SUBCASE("and its claims before it") { world.store.remove_in_foreground(api::ConnectionPoint::resource, {"n", point}); }
  world.after_step = [&world] { check_addresses(world); };
  world.converge();
  CHECK(held() == all);
  CHECK(world.ready(api::ConnectionPoint::resource, point) == "False DeletionBlocked");
  CHECK(world.message(api::ConnectionPoint::resource, point).find("Pod " + sprout(0)) != std::string::npos);
  CHECK(world.ready(kServices, "ims") == "True Serving");
  world.remove(kPods, sprout(0));
  world.converge();
  CHECK(world.ready(api::ConnectionPoint::resource, point) == "True Ready");
  CHECK(world.ready(kServices, "ims") == "True Serving");
  CHECK(held() == all);
  CHECK(world.settled());
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

}  // namespace knfe::operators
