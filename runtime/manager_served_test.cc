// What a manager does while the API server does not serve a kind, and when it does again.
#include <doctest/doctest.h>

#include "runtime/manager_fixture_test.h"

namespace knfe::runtime {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Verb = Action::Verb;

namespace {

struct Fixture : ManagerFixture {
  void stop_serving(const std::string& plural) {
    server.unserved.insert(plural);
    server.cut_streams();
    time.pass(loop, seconds(1));
  }
  void serve_again() {
    server.unserved.clear();
    server.other_version.clear();
    time.pass(loop, seconds(31));
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a kind that vanishes takes its objects with it, and comes back with those that there are then") {
  start();
  REQUIRE(networks.size() == 1);
  stop_serving("networks");
  CHECK(networks.size() == 0);
  CHECK(manager->not_served() == "networks");
  CHECK(manager->metrics().find("knfe_resource_served{resource=\"networks\"} 0") != std::string::npos);
  serve_again();
  CHECK(networks.size() == 1);
  CHECK(manager->not_served() == "");
}

TEST_CASE_FIXTURE(Fixture, "what is served as another version only is left alone until it is served again") {
  start();
  server.other_version = "v2";
  stop_serving("networks");
  CHECK(networks.size() == 1);
  CHECK(manager->not_served() == "networks");
  const int before = plans;
  look();
  time.pass(loop, seconds(60));
  CHECK(plans == before);
  serve_again();
  CHECK(plans > before);
  CHECK(written() == "");
}

TEST_CASE_FIXTURE(Fixture, "that a kind is not served proves of nothing that it is absent, unless the kind has vanished") {
  controller = manager->add_controller("map", api::ConfigMap::resource,
                                       [this](const api::Key&, const Moment& moment) { return plan(moment); });
  start();
  once({proof_of_absence(kNetworks, {"n", "a"}, "another"), write(Verb::kCreate, api::ConfigMap::resource, "one")});
  SUBCASE("served as another version") {
    server.other_version = "v2";
    stop_serving("networks");
    look();
    CHECK(written() == "");
  }
  SUBCASE("vanished") {
    stop_serving("networks");
    look();
    CHECK(written() == "POST configmaps/one, ");
  }
}

TEST_CASE_FIXTURE(Fixture, "who has written to a kind that is not served any more does not rest until it is") {
  controller = manager->add_controller("map", api::ConfigMap::resource, [this](const api::Key&, const Moment&) {
    Plan out;
    if (++plans == 1) out.actions = {write(Verb::kApply, kNetworks, "b", R"({"spec":{"subnets":[]}})")};
    return out;
  });
  start_deaf_to("networks");
  look();
  look();
  CHECK(plans == 1);
  server.other_version = "v2";
  stop_serving("networks");
  CHECK(plans == 2);
}

TEST_CASE_FIXTURE(Fixture, "who has failed, and rests, is tried at once when the kind that it needs is served again") {
  controller = manager->add_controller("map", api::ConfigMap::resource, [this](const api::Key&, const Moment&) {
    Plan out;
    ++plans;
    if (server.store.look(kNetworks, {"n", "b"})) return out;
    const std::string map = R"({"metadata":{"labels":{"ours":"1"}},"data":{"plan":")" + std::to_string(plans) + "\"}}";
    out.actions = {write(Verb::kApply, api::ConfigMap::resource, "one", map),
                   write(Verb::kCreate, kNetworks, "b", R"({"spec":{"subnets":[]}})")};
    return out;
  });
  start();
  stop_serving("networks");
  server.store.remove(kNetworks, {"n", "b"});
  look();
  time.pass(loop, seconds(300));  // by now it waits for half a minute each time
  server.held_watches = {"configmaps"};
  for (int tries = plans; plans == tries;) time.pass(loop, milliseconds(100));
  server.unserved.clear();
  while (!manager->not_served().empty()) time.pass(loop, milliseconds(100));
  const int tries = plans;
  server.release();
  time.pass(loop, milliseconds(200));
  CHECK(plans > tries);
}

TEST_CASE_FIXTURE(Fixture,
                  "what was refused as its kind was not there is tried at once when it is, not at the end of a long wait") {
  controller = manager->add_controller("map", api::ConfigMap::resource, [this](const api::Key&, const Moment&) {
    Plan out;
    if (server.store.look(kNetworks, {"n", "b"})) return out;
    ++plans;
    out.actions = {write(Verb::kCreate, kNetworks, "b", R"({"spec":{"subnets":[]}})")};
    return out;
  });
  start();
  stop_serving("networks");
  server.store.remove(kNetworks, {"n", "b"});
  look();
  time.pass(loop, seconds(300));  // by now both wait for half a minute: the watch, and this
  const int tries = plans;
  server.unserved.clear();
  bool listed = false;
  for (int i = 0; i < 320 && !listed; ++i) {
    time.pass(loop, milliseconds(100));
    listed = manager->not_served().empty();
  }
  REQUIRE(listed);
  time.pass(loop, milliseconds(200));
  CHECK(server.store.look(kNetworks, {"n", "b"}));
  CHECK(plans <= tries + 1);
}

}  // namespace knfe::runtime
