// The operators together: in which order the members of a function come and go, what is done about those that do not serve, and
// how all of it is stopped and started.
#include <doctest/doctest.h>

#include <set>

#include "test/fakes/ims_test.h"
#include "test/fakes/json_test.h"
#include "test/fakes/time_test.h"

namespace knfe::operators {

using namespace fakes;  // the IMS and its world

namespace {

// The IMS with more said of the Sprouts, or of Bono.
std::string with_sprout(const std::string& more) { return with(R"("name": "sprout", )", R"("name": "sprout", )" + more + ", "); }

std::string with_state(const std::string& text, const std::string& state) {
  std::string out = text;
  const std::string name = R"({"name": "sip", )";
  return out.replace(out.find(name), name.size(), name + R"("state": ")" + state + R"(", )");
}

std::set<std::string> serving(const World& world) {
  std::set<std::string> out;
  const Json list = json(as_string(pick(world.get(api::ConfigMap::resource, "ims-sip-peers"), "data", "members.json")));
  for (const auto& member : as_array(at(list, "members"))) {
    if (as_string(at(member, "state")) == "Serving") out.emplace(as_string(at(member, "name")));
  }
  return out;
}

std::string uid(const World& world, const api::Resource& resource, const std::string& name) {
  return std::string(as_string(pick(world.get(resource, name), "metadata", "uid")));
}

}  // namespace

TEST_CASE("one by one, a member is made once those before it serve, and leaves once those after it are gone") {
  World world;
  std::size_t most_joining = 0, most_leaving = 0;
  world.after_step = [&] {
    if (!world.has(api::ConfigMap::resource, "ims-sip-peers")) return;
    std::size_t joining = 0, leaving = 0;
    for (int i = 0; i < 8; ++i) {
      const auto state = as_string(pick(listed(world, sprout(i)), "state"));
      joining += world.has(kMembers, sprout(i)) && state != "Serving" && state != "Leaving";
      leaving += state == "Leaving";
    }
    most_joining = std::max(most_joining, joining);
    most_leaving = std::max(most_leaving, leaving);
  };
  world.put(with_sprout(R"("order": "OneByOne")"));
  world.converge();
  CHECK(world.ready(kServices, "ims") == "True Serving");
  scale(world, 6);
  world.converge();
  CHECK(serving(world).size() == 1 + 6);
  CHECK(most_joining == 1);
  scale(world, 2);
  world.converge();
  CHECK(serving(world).size() == 1 + 2);
  CHECK(most_leaving == 1);
  CHECK(world.settled());
}

TEST_CASE("seeds are made one by one and before all others, and are known as such") {
  World world;
  std::set<std::size_t> served_when_made;
  std::size_t members = 0;
  world.after_write = [&] {
    const auto now = world.names(kMembers).size();
    if (now > members) served_when_made.insert(world.has(api::ConfigMap::resource, "ims-sip-peers") ? serving(world).size() : 0);
    members = now;
  };
  std::string text = with_sprout(R"("seeds": 2, "dependsOn": ["bono"])");
  text.replace(text.find(R"("initial": 3)"), 12, R"("initial": 5)");
  world.put(text);
  world.converge();
  REQUIRE(world.ready(kServices, "ims") == "True Serving");
  CHECK(served_when_made == std::set<std::size_t>{0, 1, 2, 3});  // Bono; each seed; the three others, together
  const auto is_seed = [&](const std::string& name) { return as_bool(pick(listed(world, name), "seed")); };
  CHECK((is_seed(sprout(0)) && is_seed(sprout(1))));
  CHECK_FALSE((is_seed(sprout(2)) || is_seed("ims-sip-bono-0")));
}

TEST_CASE("all at once, which is what happens where nothing is said") {
  World world(fakes::serving());
  world.agents = false;
  scale(world, 6);
  world.converge();
  CHECK(world.names(kMembers).size() == 1 + 6);
}

TEST_CASE("a role waits for those that it depends on, and says so") {
  World world;
  world.agents = false;  // nobody gets to serve
  world.put(with_sprout(R"("dependsOn": ["bono"])"));
  world.converge();
  CHECK(world.names(kMembers) == std::vector<std::string>{"ims-sip-bono-0"});
  CHECK(world.message(kSets, "ims-sip-sprout").starts_with("Waiting for role bono: Member ims-sip-bono-0: "));
  world.agents = true;
  world.converge();
  CHECK(world.ready(kServices, "ims") == "True Serving");
  SUBCASE("and when that serves no more, those that are there stay") {
    world.agents = false;
    world.remove(kPods, "ims-sip-bono-0");
    world.store.end_pod({"n", "ims-sip-bono-0"});
    world.converge();
    CHECK(serving(world) == std::set<std::string>{sprout(0), sprout(1), sprout(2)});
    scale(world, 5);
    world.converge();
    CHECK(world.names(kMembers).size() == 1 + 3);
  }
}

TEST_CASE("roles that wait for one another are told of") {
  World world;
  std::string text = with_sprout(R"("dependsOn": ["bono"])");
  const std::string bono = R"("name": "bono", )";
  text.replace(text.find(bono), bono.size(), bono + R"("dependsOn": ["sprout"], )");
  world.put(text);
  world.converge();
  CHECK(world.ready(kFunctions, "ims-sip") == "False DependencyCircle");
  CHECK(world.message(kFunctions, "ims-sip").starts_with("Roles bono, sprout wait for one another"));
  CHECK(world.names(kMembers).empty());
  world.put(ims());
  world.converge();
  CHECK(world.ready(kServices, "ims") == "True Serving");
}

TEST_CASE("a function that is stopped keeps its members and their addresses, and goes on as it was") {
  World world(fakes::serving());
  const Json before = listed(world, sprout(1));
  const auto member = uid(world, kMembers, sprout(1));
  world.put(with_state(ims(), "Stopped"));
  bool deleted_before_it_left = false;
  world.after_step = [&] {
    for (const auto* pod : world.store.list(kPods)) {
      const auto name = std::string(as_string(at(*pod, "metadata", "name")));
      if (!at(*pod, "metadata", "deletionTimestamp").is_string()) continue;
      const Json conditions = pick(world.get(kMembers, name), "status", "conditions");
      for (const auto& one : as_array(conditions)) {
        if (as_string(at(one, "type")) == "Left" && as_string(at(one, "status")) != "True") deleted_before_it_left = true;
      }
    }
  };
  world.converge();
  CHECK_FALSE(deleted_before_it_left);
  CHECK(world.names(kPods).empty());
  CHECK(world.names(kMembers).size() == 1 + 3);
  CHECK(world.ready(kServices, "ims") == "True Serving");
  CHECK(world.ready(kFunctions, "ims-sip") == "True Stopped");
  CHECK(world.ready(kMembers, sprout(1)) == "True Stopped");
  CHECK(world.settled());
  SUBCASE("also when it is scaled meanwhile") {
    scale(world, 2);
    world.converge();
    CHECK(world.names(kMembers).size() == 1 + 2);
    scale(world, 3);
    world.converge();
    CHECK(world.names(kPods).empty());
  }
  world.put(with_state(ims(), "Running"));
  world.converge();
  CHECK(serving(world).size() == 1 + 3);
  CHECK(uid(world, kMembers, sprout(1)) == member);
  CHECK(listed(world, sprout(1)) == before);
  CHECK(world.ready(kFunctions, "ims-sip") == "True Serving");
}

TEST_CASE("a function that was stopped starts in its order, and one by one stops so") {
  const std::string ordered = with_sprout(R"("dependsOn": ["bono"], "order": "OneByOne")");
  World world;
  world.put(ordered);
  world.converge();
  std::size_t most_stopping = 0;
  world.after_step = [&] {
    std::size_t stopping = 0;
    for (int i = 0; i < 3; ++i) {
      const bool stops = as_string(pick(world.get(kMembers, sprout(i)), "spec", "desired")) == "Stopped";
      stopping += stops && world.has(kPods, sprout(i));
    }
    most_stopping = std::max(most_stopping, stopping);
  };
  world.put(with_state(ordered, "Stopped"));
  world.converge();
  CHECK(world.names(kPods).empty());
  CHECK(most_stopping == 1);
  std::size_t most_joining = 0;
  bool told_of_bono = false;
  world.after_step = [&] {
    std::size_t joining = 0;
    for (int i = 0; i < 3; ++i)
      joining += world.has(kPods, sprout(i)) && as_string(pick(listed(world, sprout(i)), "state")) != "Serving";
    most_joining = std::max(most_joining, joining);
    const auto now = serving(world);
    if (!world.names(kPods).empty() && !now.contains("ims-sip-bono-0")) CHECK(world.names(kPods).size() == 1);
    told_of_bono = told_of_bono || world.message(kSets, "ims-sip-sprout").starts_with("Waiting for role bono");
  };
  world.put(with_state(ordered, "Running"));
  world.converge();
  CHECK(most_joining == 1);
  CHECK(told_of_bono);
  CHECK(serving(world).size() == 1 + 3);
}

TEST_CASE("a set that waits to be stopped makes nobody new") {
  const std::string ordered = with_sprout(R"("dependsOn": ["bono"])");
  World world;
  world.put(ordered);
  world.converge();
  world.agents = false;  // the Sprouts do not leave
  world.put(with_state(with(R"("exactly": 1)", R"("exactly": 3)"), "Stopped"));
  world.converge();
  CHECK(world.names(kPods).size() == 1 + 3);
}

TEST_CASE("roles stop in the other order") {
  World world;
  world.put(with_sprout(R"("dependsOn": ["bono"])"));
  world.converge();
  bool wrong = false;
  world.after_step = [&] {
    const Json bono = world.get(kPods, "ims-sip-bono-0");
    const bool ends = bono.is_null() || at(bono, "metadata", "deletionTimestamp").is_string();
    wrong = wrong || (ends && world.names(kPods).size() > (bono.is_null() ? 0u : 1u));
  };
  world.put(with_state(with_sprout(R"("dependsOn": ["bono"])"), "Stopped"));
  world.converge();
  CHECK_FALSE(wrong);
  CHECK(world.names(kPods).empty());
  CHECK(world.ready(kFunctions, "ims-sip") == "True Stopped");
}

namespace {

struct Hospital {
  Time time;
  net::Loop loop;
  World world;
  std::map<std::string, std::string> before;

  explicit Hospital(const std::string& healing) {
    world.now = boot_now();
    world.put(with_sprout(R"("healing": )" + healing));
    world.converge();
    for (int i = 0; i < 3; ++i) before[sprout(i)] = uid(world, kPods, sprout(i));
    world.agents = false;
  }
  // As kubelet says it; nobody makes it right.
  void fall_ill(int ordinal) {
    world.kubelet = false;
    world.patch(kPods, sprout(ordinal), R"({"status": {"conditions": [{"type": "Ready", "status": "False"}]}})", "status");
  }
  void pass(std::chrono::seconds duration) {
    time.pass(loop, duration);
    world.now = boot_now();
    world.converge();
  }
  int replaced() {
    int out = 0;
    for (auto& [name, uid_before] : before) {
      const Json pod = world.get(kPods, name);
      out += pod.is_null() || as_string(at(pod, "metadata", "uid")) != uid_before ||
             at(pod, "metadata", "deletionTimestamp").is_string();
    }
    return out;
  }
};

}  // namespace

TEST_CASE("a member that has not served for long gets another pod") {
  Hospital hospital(R"({"afterSeconds": 30, "budget": 1})");
  hospital.fall_ill(1);
  hospital.pass(std::chrono::seconds(29));
  CHECK(hospital.replaced() == 0);
  hospital.pass(std::chrono::seconds(1));
  CHECK(hospital.replaced() == 1);
  CHECK(as_string(pick(hospital.world.get(kPods, sprout(1)), "metadata", "deletionTimestamp")) != "");
}

TEST_CASE("what has not been started yet is not healed: another would fare no better") {
  Hospital hospital(R"({"afterSeconds": 30, "budget": 1})");
  hospital.world.kubelet = false;
  hospital.world.patch(kPods, sprout(1),
                       R"({"status": {"phase": "Pending", "conditions": [{"type": "Ready", "status": "False"}]}})", "status");
  hospital.pass(std::chrono::seconds(300));
  CHECK(hospital.replaced() == 0);
}

TEST_CASE("a member whose agent says that it does not serve is healed, whatever its containers do meanwhile") {
  Hospital hospital(R"({"afterSeconds": 30, "budget": 1})");
  hospital.world.kubelet = false;
  hospital.world.patch(kMembers, sprout(1),
                       R"({"status": {"conditions": [{"type": "Serving", "status": "False", "reason": "Joining",
    "message": "m", "lastTransitionTime": "2026-01-01T00:00:00Z"}]}})",
                       "status");
  for (int i = 0; i < 3; ++i) {
    const char* ready = i % 2 ? "True" : "False";
    hospital.world.patch(kPods, sprout(1),
                         std::string(R"({"status": {"conditions": [{"type": "Ready", "status": ")") + ready + R"("}]}})",
                         "status");
    CHECK(hospital.replaced() == 0);
    hospital.pass(std::chrono::seconds(10));
  }
  CHECK(hospital.replaced() == 1);
}

TEST_CASE("a storm is healed a few at a time, and goes on when those have had their time") {
  Hospital hospital(R"({"afterSeconds": 30, "budget": 2})");
  for (int i = 0; i < 3; ++i) hospital.fall_ill(i);
  hospital.pass(std::chrono::seconds(30));
  CHECK(hospital.replaced() == 2);
  hospital.pass(std::chrono::seconds(29));
  CHECK(hospital.replaced() == 2);
  hospital.pass(std::chrono::seconds(1));
  CHECK(hospital.replaced() == 3);
}

TEST_CASE("one that does not get well keeps nobody else from being healed") {
  Hospital hospital(R"({"afterSeconds": 30, "budget": 1})");
  for (int i = 0; i < 3; ++i) hospital.fall_ill(i);
  hospital.world.kubelet = true;  // ends pods and makes them ready; their agents never report
  for (int i = 0; i < 3; ++i) {
    hospital.pass(std::chrono::seconds(30));
    CHECK(hospital.replaced() == i + 1);
  }
}

TEST_CASE("without healing, a member that does not serve keeps its pod") {
  Hospital hospital("null");
  hospital.fall_ill(0);
  hospital.pass(std::chrono::seconds(3600));
  CHECK(hospital.replaced() == 0);
}

}  // namespace knfe::operators
