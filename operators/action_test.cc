// An Action on the Sprouts of the IMS: who is asked, and what becomes of it.
#include <doctest/doctest.h>

#include "test/fakes/ims_test.h"
#include "test/fakes/json_test.h"

namespace knfe::operators {

using namespace fakes;  // the IMS and its world

namespace {

constexpr api::Resource kActions = api::Action::resource;

std::string action(const std::string& more = {}, const std::string& name = "save") {
  return R"({"apiVersion": "knfe.io/v1alpha1", "kind": "Action", "metadata": {"name": ")" + name +
         R"("}, "spec": {"memberSetRef": {"name": "ims-sip-sprout"}, "action": "backup", "deadlineSeconds": 86400)" + more + "}}";
}

World& begin(World& world) {
  world.put(with(R"("name": "sprout", )", R"("name": "sprout", "actions": [{"name": "backup", "command": ["/opt/backup"]}], )"));
  world.converge();
  REQUIRE(world.ready(kServices, "ims") == "True Serving");
  return world;
}

std::string uid(const World& world, const std::string& name = "save") {
  return std::string(as_string(pick(world.get(kActions, name), "metadata", "uid")));
}

std::string asked(const World& world) {
  return std::string(as_string(pick(world.get(api::ConfigMap::resource, "ims-sip-peers"), "data", "actions.json")));
}

// Who is asked by the first action: "0 2".
std::string asked_members(const World& world) {
  std::string out;
  const Json all = json(asked(world));
  for (const auto& uid : as_array(at(as_array(all)[0], "members"))) {
    for (int i = 0; i < 8; ++i) {
      if (as_string(pick(world.get(kMembers, sprout(i)), "metadata", "uid")) == as_string(uid))
        out += (out.empty() ? "" : " ") + std::to_string(i);
    }
  }
  return out;
}

// "0 Succeeded, 1 Pending"
std::string results(const World& world, const std::string& name = "save") {
  std::string out;
  const Json live = world.get(kActions, name);
  for (const auto& one : as_array(at(live, "status", "members"))) {
    const std::string member(as_string(at(one, "name")));
    out += (out.empty() ? "" : ", ") + member.substr(member.size() - 1) + " " + std::string(as_string(at(one, "state")));
  }
  return out;
}

void report(World& world, int ordinal, const std::string& what, const std::string& name = "save") {
  world.patch(kMembers, sprout(ordinal),
              R"({"status": {"agent": {"actions": [{"uid": ")" + uid(world, name) + R"(", "started": "2026-02-02T00:00:00Z")" +
                  what + "}]}}}",
              "status");
  world.converge();
}
const std::string kDone = R"(, "finished": "2026-02-02T00:00:01Z", "exitCode": 0, "output": "saved")";
const std::string kFailed = R"(, "finished": "2026-02-02T00:00:01Z", "exitCode": 3, "output": "no room")";

}  // namespace

TEST_CASE("all that are there are asked, until all have done it") {
  World world;
  begin(world).put(action(R"(, "parameters": {"KEYSPACE": "calls"})"));
  world.converge();
  CHECK(results(world) == "0 Pending, 1 Pending, 2 Pending");
  const Json all = json(asked(world)), &entry = as_array(all)[0];
  CHECK(as_string(at(entry, "uid")) == uid(world));
  CHECK(as_string(at(entry, "action")) == "backup");
  CHECK(canonical(at(entry, "parameters")) == R"({"KEYSPACE":"calls"})");
  CHECK(asked_members(world) == "0 1 2");
  report(world, 0, "");
  report(world, 1, kDone);
  CHECK(results(world) == "0 Running, 1 Succeeded, 2 Pending");
  CHECK(world.message(kActions, "save") == "1 of 3 members have done it.");
  CHECK(asked_members(world) == "0 2");  // who has told it need not tell it any more
  report(world, 0, kDone);
  report(world, 2, kDone);
  CHECK(world.ready(kActions, "save") == "True Succeeded");
  CHECK(asked(world) == "");
  SUBCASE("and it stays as it is, whatever becomes of them") {
    const Json before = world.get(kActions, "save");
    report(world, 1, kFailed);
    world.remove(kServices, "ims");
    world.converge();
    CHECK(world.get(kActions, "save") == before);
  }
}

TEST_CASE("one that has failed makes it fail, once the others are done") {
  World world;
  begin(world).put(action(R"(, "members": ["ims-sip-sprout-0", "ims-sip-sprout-2"])"));
  world.converge();
  report(world, 2, kFailed);
  CHECK(world.ready(kActions, "save") == "False Running");
  report(world, 0, kDone);
  CHECK(world.ready(kActions, "save") == "False Failed");
  CHECK(world.message(kActions, "save") == "Member ims-sip-sprout-2: exit code 3: no room");
  CHECK(results(world) == "0 Succeeded, 2 Failed");
}

TEST_CASE("what a member has done that is gone is still known, and who had not done it has failed") {
  World world;
  begin(world).put(action());
  world.converge();
  report(world, 2, kDone);
  scale(world, 1);
  world.converge();
  CHECK(results(world) == "0 Pending, 1 Failed, 2 Succeeded");
  SUBCASE("and one that is made anew under its name is not asked") {
    scale(world, 3);
    world.converge();
    CHECK(results(world) == "0 Pending, 1 Failed, 2 Succeeded");
    CHECK(asked_members(world) == "0");
  }
}

TEST_CASE("members of other roles are not asked") {
  World world;
  begin(world).put(action(R"(, "members": ["ims-sip-bono-0", "ims-sip-sprout-1"])"));
  world.converge();
  CHECK(asked_members(world) == "1");
}

TEST_CASE("whoever has begun goes on, whatever the role says since") {
  World world;
  begin(world).put(action());
  world.converge();
  report(world, 1, "");
  world.put(ims());
  world.converge();
  CHECK(world.ready(kActions, "save") == "False NoSuchAction");
  CHECK(asked_members(world) == "1");
}

TEST_CASE("who has not done it by the deadline has failed, and is asked no more") {
  World world;
  std::string text = action();
  begin(world).put(text.replace(text.find("86400"), 5, "2000"));
  world.converge();
  report(world, 0, kDone);
  for (int i = 0; i < 60; ++i) world.converge();  // some seconds each
  CHECK(results(world) == "0 Succeeded, 1 Failed, 2 Failed");
  CHECK(world.ready(kActions, "save") == "False Failed");
  CHECK(world.message(kActions, "save") == "Member ims-sip-sprout-1: it was not known to have begun before its deadline");
  CHECK(asked(world) == "");
}

TEST_CASE("an action that is deleted asks nobody") {
  World world;
  begin(world).put(action());
  world.converge();
  world.remove(kActions, "save");
  world.converge();
  CHECK(asked(world) == "");
}

TEST_CASE("why nobody is asked is told") {
  World world;
  world.put(action(R"(, "members": ["ims-sip-sprout-0"])"));
  world.converge();
  CHECK(world.ready(kActions, "save") == "False NoMemberSet");
  world.put(ims());
  world.converge();
  CHECK(world.ready(kActions, "save") == "False NoSuchAction");
  CHECK(asked(world) == "");
  begin(world);
  CHECK(asked(world) != "");
}

}  // namespace knfe::operators
