#include <doctest/doctest.h>

#include "runtime/manager_fixture_test.h"

namespace knfe::runtime {

using fakes::ApiServer;
using fakes::json;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Verb = Action::Verb;

namespace {

// Its first plan writes, all others find nothing to do.
struct WritesOnce : ManagerFixture {
  WritesOnce() {
    plan = [this](const Moment&) {
      Plan out;
      if (plans == 1) out.actions = {write(Verb::kApply, kNetworks, "b", R"({"spec":{"subnets":[]}})")};
      return out;
    };
  }
};

}  // namespace

TEST_CASE_FIXTURE(WritesOnce, "a key that has written rests until its cache has seen it") {
  start_deaf_to("networks");
  look();
  CHECK(plans == 1);
  look();
  time.pass(loop, seconds(5));
  CHECK(plans == 1);
  server.release();
  time.pass(loop, milliseconds(20));
  CHECK(plans == 2);
}

TEST_CASE_FIXTURE(ManagerFixture, "a key that has deleted rests until its cache has seen that") {
  REQUIRE(server.store.create(api::ConfigMap::resource,
                              json(R"({"metadata":{"name":"one","namespace":"n","labels":{"ours":"1"}}})")));
  plan = [&](const Moment&) {
    Plan out;
    if (plans > 1) return out;
    out.actions = {write(Verb::kDelete, api::ConfigMap::resource, "one")};
    out.actions[0].uid = maps.get({"n", "one"})->meta.uid;
    return out;
  };
  start_deaf_to("configmaps");
  look();
  look();
  CHECK(plans == 1);
  server.release();
  time.pass(loop, milliseconds(20));
  CHECK(plans == 2);
}

TEST_CASE_FIXTURE(WritesOnce, "a watch that never tells of an own write is listed anew after ten seconds") {
  start_deaf_to("networks");
  look();
  time.pass(loop, seconds(8));
  CHECK(network_informer.lists() == 1);
  time.pass(loop, seconds(8));
  CHECK(network_informer.lists() == 2);
  CHECK(map_informer.lists() == 1);
}

TEST_CASE_FIXTURE(WritesOnce, "nobody waits for a write that a restore from a backup has taken back") {
  start_deaf_to("networks");
  look();
  look();
  CHECK(plans == 1);
  networks.rewind();
  networks.set_synced();
  networks.advance("1");
  time.pass(loop, milliseconds(10));
  CHECK(plans == 2);
}

TEST_CASE_FIXTURE(WritesOnce, "a write in the midst of a restore is waited for: the list that follows may be older") {
  start_deaf_to("networks");
  networks.rewind();
  look();
  look();
  CHECK(plans == 1);
  networks.set_synced();
  networks.advance("1");
  time.pass(loop, milliseconds(10));
  CHECK(plans == 1);
  server.release();
  time.pass(loop, milliseconds(20));
  CHECK(plans == 2);
}

TEST_CASE_FIXTURE(ManagerFixture,
                  "a key whose second write fails rests until its cache has seen the first, and then as long as it was told") {
  plan = [this](const Moment&) {
    Plan out;
    if (plans == 1) {
      out.actions = {write(Verb::kApply, kNetworks, "b", R"({"spec":{"subnets":[]}})"),
                     write(Verb::kCreate, api::ConfigMap::resource, "one")};
    }
    return out;
  };
  server.store.admit = [](const api::Resource& resource, const Json&) -> Result<void> {
    if (resource == api::ConfigMap::resource) return std::unexpected(Error{Code::kTooMany, "slow down", {}, {}, 3});
    return {};
  };
  start_deaf_to("networks");
  look();
  time.pass(loop, seconds(5));
  CHECK(plans == 1);
  server.release();
  time.pass(loop, milliseconds(2900));
  CHECK(plans == 1);
  time.pass(loop, milliseconds(200));
  CHECK(plans == 2);
}

TEST_CASE_FIXTURE(ManagerFixture, "a write whose answer was lost is found by the next plan, and not made twice") {
  plan = [&](const Moment&) {
    Plan out;
    if (!networks.get({"n", "b"})) out.actions = {write(Verb::kCreate, kNetworks, "b", R"({"spec":{"subnets":[]}})")};
    return out;
  };
  server.fate = [](const net::Request& request) {
    return request.method == "POST" ? ApiServer::Fate::kLost : ApiServer::Fate::kAnswered;
  };
  start();
  time.pass(loop, seconds(5));
  CHECK(written() == "POST networks/b, ");
}

TEST_CASE_FIXTURE(ManagerFixture, "a plan may ask to be made again later") {
  plan = [&](const Moment&) {
    Plan out;
    if (plans == 1) out.look_again = seconds(3);
    return out;
  };
  start();
  time.pass(loop, milliseconds(2900));
  CHECK(plans == 1);
  time.pass(loop, milliseconds(200));
  CHECK(plans == 2);
}

TEST_CASE_FIXTURE(ManagerFixture, "what a plan asks to look at again later is looked at as any change is, even after an edit") {
  plan = [&](const Moment&) {
    Plan out;
    out.look_again = seconds(3);
    return out;
  };
  manager->start();
  time.pass(loop, seconds(1));
  manager->enqueue(controller, kKey, {}, Priority::kEdit);
  const auto why = [&] {
    const auto explained = manager->explain("network", kKey);
    REQUIRE(explained);
    return decision_of(*explained);
  };
  time.pass(loop, milliseconds(10));
  CHECK(why().starts_with("edit |"));
  time.pass(loop, seconds(3));
  CHECK(why().starts_with("change |"));
}

TEST_CASE_FIXTURE(ManagerFixture, "draining does not wait for caches") {
  once({write(Verb::kApply, kNetworks, "b", R"({"spec":{"subnets":[]}})")});
  start_deaf_to("networks");
  look();
  bool idle = false;
  manager->drain([&] { idle = true; });
  time.pass(loop, milliseconds(10));
  CHECK(idle);
}

TEST_CASE_FIXTURE(ManagerFixture,
                  "what a write did not find any more is not planned for again before the cache shows that it is gone") {
  start();
  server.held_watches = {"networks"};
  REQUIRE(server.store.remove(kNetworks, kKey));
  plan = [&](const Moment&) {
    Plan out;
    if (!networks.get(kKey)) return out;
    out.status = status("Done");
    out.notes = {{true, "Done", "of what is not there"}};
    return out;
  };
  plans = 0;
  for (int i = 0; i < 10; ++i) look();
  CHECK(plans == 1);
  CHECK(server.writes == std::vector<std::string>{"PATCH networks/a/status"});  // and no Event
  server.release();
  time.pass(loop, seconds(1));
  CHECK_FALSE(networks.get(kKey));
  CHECK(plans == 2);
}

TEST_CASE_FIXTURE(ManagerFixture,
                  "whoever learns late that what it wrote to was gone does not wait for the end of the next life") {
  plan = [&](const Moment&) {
    Plan out;
    if (plans > 1) return out;
    out.status = status("Done");
    return out;
  };
  start_deaf_to("networks");
  server.fate = [&](const net::Request& request) {
    if (request.method == "PATCH") {
      REQUIRE(server.store.remove(kNetworks, kKey));
      loop.post([&] {  // the cache hears of the next life before the answer is there
        networks.put(*api::decode_object<api::Network>(
            json(R"({"metadata":{"name":"a","namespace":"n","uid":"next","resourceVersion":"9999"},"spec":{"subnets":[]}})")));
      });
    }
    return ApiServer::Fate::kAnswered;
  };
  look();
  CHECK(server.writes == std::vector<std::string>{"PATCH networks/a/status"});
  look();
  CHECK(plans > 1);
}

TEST_CASE_FIXTURE(ManagerFixture, "what is refused for an object that is gone is not tried again before the cache shows that") {
  start();
  server.held_watches = {"networks"};
  REQUIRE(server.store.remove(kNetworks, kKey));
  plan = [&](const Moment& moment) {
    Plan out;
    if (!networks.get(kKey)) return out;
    out.actions = {write(Verb::kCreate, kNetworks, "bad", R"({"spec":{"nonsense":1}})")};
    if (moment.refusal) out.status = status("Refused");
    return out;
  };
  look();
  server.writes.clear();
  time.pass(loop, seconds(9));
  CHECK(server.writes.empty());
  server.release();
  time.pass(loop, seconds(1));
  CHECK_FALSE(networks.get(kKey));
  CHECK(server.writes.empty());
}

}  // namespace knfe::runtime
