#include "runtime/manager.h"

#include <doctest/doctest.h>

#include "runtime/manager_fixture_test.h"

namespace knfe::runtime {

using fakes::ApiServer;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Verb = Action::Verb;

TEST_CASE_FIXTURE(ManagerFixture, "writes are made in their order, the status last") {
  once({write(Verb::kCreate, api::ConfigMap::resource, "one"), write(Verb::kApply, kNetworks, "b", R"({"spec":{"subnets":[]}})"),
        write(Verb::kPatch, kNetworks, "a", R"({"spec":{"mtu":1400}})"), write(Verb::kDelete, api::ConfigMap::resource, "one")},
       status("Done"));
  start();
  CHECK(written() == "POST configmaps/one, PATCH networks/b, PATCH networks/a, DELETE configmaps/one, PATCH networks/a/status, ");
  CHECK(reason() == "Done");
}

TEST_CASE_FIXTURE(ManagerFixture, "nothing is planned before all caches are filled") {
  server.held_watches = {"configmaps"};
  start();
  CHECK(plans == 0);
  CHECK_FALSE(manager->synced());
  server.release();
  time.pass(loop, milliseconds(10));
  CHECK(manager->synced());
  look();
  CHECK(plans > 0);
}

TEST_CASE_FIXTURE(ManagerFixture, "nothing is planned or written by who does not lead") {
  leading = false;
  once({write(Verb::kCreate, api::ConfigMap::resource, "one")});
  start();
  CHECK(plans == 0);
  leading = true;
  manager->kick();
  time.pass(loop, milliseconds(10));
  CHECK(written() == "POST configmaps/one, ");
}

TEST_CASE_FIXTURE(ManagerFixture, "whoever stops to lead in the midst of a plan writes nothing more of it") {
  once({write(Verb::kCreate, api::ConfigMap::resource, "one"), write(Verb::kCreate, api::ConfigMap::resource, "two")},
       status("Done"));
  server.fate = [this](const net::Request& request) {
    if (request.method == "POST") leading = false;
    return ApiServer::Fate::kAnswered;
  };
  start();
  time.pass(loop, seconds(1));
  CHECK(written() == "POST configmaps/one, ");
}

TEST_CASE_FIXTURE(ManagerFixture, "whoever stops to lead while it looks whose name that is writes nothing any more") {
  auto apply = write(Verb::kApply, api::ConfigMap::resource, "one");
  apply.fresh = true;
  once({apply});
  server.fate = [this](const net::Request& request) {
    if (request.method == "GET") leading = false;
    return ApiServer::Fate::kAnswered;
  };
  start();
  time.pass(loop, seconds(1));
  CHECK(written().empty());
}

TEST_CASE_FIXTURE(ManagerFixture, "transitions become Events once the status is written, and not so many that they harm") {
  std::vector<Note> notes(50, {true, "Broken", "it is broken"});
  plan = [&](const Moment&) {
    Plan out;
    if (plans == 1) {
      out.status = status("Done");
      out.notes = notes;
    }
    return out;
  };
  start();
  const auto events = server.store.list({"events.k8s.io", "v1", "Event", "events"});
  CHECK(events.size() >= 1);
  CHECK(events.size() <= 20);
  CHECK(canonical(at(*events.front(), "regarding")) ==
        R"({"apiVersion":"knfe.io/v1alpha1","kind":"Network","name":"a","namespace":"n","uid":"networks.a#1"})");
  CHECK(as_string(at(*events.front(), "type")) == "Warning");
}

TEST_CASE_FIXTURE(ManagerFixture, "draining ends what runs, and begins nothing") {
  once({write(Verb::kCreate, api::ConfigMap::resource, "one"), write(Verb::kCreate, api::ConfigMap::resource, "two")});
  server.fate = [](const net::Request& request) {
    return request.method == "POST" ? ApiServer::Fate::kHeld : ApiServer::Fate::kAnswered;
  };
  start();
  bool idle = false;
  manager->drain([&] { idle = true; });
  time.pass(loop, seconds(1));
  CHECK_FALSE(idle);
  server.fate = nullptr;
  server.release();
  time.pass(loop, milliseconds(10));
  CHECK(idle);
  CHECK(written() == "POST configmaps/one, POST configmaps/two, ");
  look();
  CHECK(plans == 1);
}

TEST_CASE_FIXTURE(ManagerFixture, "at most sixty-four runs are under way") {
  int held = 0;
  plan = [this](const Moment&) {
    Plan out;
    out.actions = {write(Verb::kCreate, api::ConfigMap::resource, "m" + std::to_string(plans))};
    return out;
  };
  server.fate = [&](const net::Request& request) {
    held += request.method == "POST";
    return request.method == "POST" ? ApiServer::Fate::kHeld : ApiServer::Fate::kAnswered;
  };
  manager->start();
  for (int i = 0; i < 100; ++i) manager->enqueue(controller, {"n", "key" + std::to_string(i)});
  time.pass(loop, milliseconds(50));
  CHECK(held == 64);
  server.fate = nullptr;
  server.release();
  time.pass(loop, milliseconds(50));
  CHECK(plans >= 100);
}

TEST_CASE_FIXTURE(ManagerFixture, "a manager that goes in the midst of everything leaves nothing behind") {
  once({write(Verb::kCreate, api::ConfigMap::resource, "one"), write(Verb::kCreate, api::ConfigMap::resource, "two")});
  server.fate = [](const net::Request& request) {
    return request.method == "POST" ? ApiServer::Fate::kHeld : ApiServer::Fate::kAnswered;
  };
  start();
  manager.reset();
  server.release();
  time.pass(loop, seconds(1));
  CHECK(server.store.list(api::ConfigMap::resource).empty());
}

TEST_CASE_FIXTURE(ManagerFixture, "metrics tell of runs, errors, caches and requests") {
  once({write(Verb::kPatch, kNetworks, "a", R"({"spec":{"mtu":1400}})")});
  start();
  const std::string text = manager->metrics();
  for (const char* line :
       {"controller_runtime_reconcile_total{controller=\"network\",result=\"success\"} ",
        "controller_runtime_reconcile_errors_total{controller=\"network\"} 0\n", "knfe_cached_objects{resource=\"networks\"} 1\n",
        "knfe_lists_total{resource=\"configmaps\"} 1\n",
        "knfe_api_requests_total{verb=\"patch\",resource=\"networks\",code=\"200\"} 1\n",
        "workqueue_depth{name=\"network\",controller=\"network\",priority=\"change\"} 0\n",
        "knfe_writes_total{resource=\"networks\",verb=\"patch\",effect=\"changed\"} 1\n",
        "controller_runtime_reconcile_time_seconds_count{controller=\"network\"} ",
        "stale_sync_skips_total{controller=\"network\"} 1\n", "workqueue_adds_total{name=\"network\",controller=\"network\"} 1\n",
        "knfe_resource_served{resource=\"networks\"} 1\n", "knfe_watch_lag_seconds_count 1\n",
        "knfe_last_success_timestamp_seconds{controller=\"network\"} "}) {
    INFO(text);
    CHECK(text.find(line) != std::string::npos);
  }
}

TEST_CASE_FIXTURE(ManagerFixture, "an owner is looked at when what it owns comes, changes, goes or is taken from it") {
  manager->wake_owner(maps, controller);
  manager->start();
  time.pass(loop, milliseconds(10));
  const auto looks = [&](const std::function<void()>& happen) {
    plans = 0;
    happen();
    time.pass(loop, milliseconds(10));
    return plans;
  };
  const auto patch = [&](const char* text) {
    return [&, text] {
      REQUIRE(server.store.merge_patch(api::ConfigMap::resource, {"n", "one"}, fakes::json(text), "", "somebody"));
    };
  };
  const char* kOwned =
      R"({"metadata":{"ownerReferences":[{"apiVersion":"knfe.io/v1alpha1","kind":"Network","name":"a","uid":"u","controller":true}]}})";
  CHECK(looks([&] {
          REQUIRE(server.store.create(api::ConfigMap::resource,
                                      fakes::json(R"({"metadata":{"name":"one","namespace":"n","labels":{"ours":"1"}}})")));
        }) == 0);
  CHECK(looks(patch(kOwned)) == 1);
  CHECK(looks(patch(R"({"data":{"x":"y"}})")) == 1);
  CHECK(looks(patch(R"({"metadata":{"ownerReferences":null}})")) == 1);
  CHECK(
      looks(patch(
          R"({"metadata":{"ownerReferences":[{"apiVersion":"v1","kind":"Another","name":"a","uid":"u","controller":true}]}})")) ==
      0);
  patch(kOwned)();
  CHECK(looks([&] { REQUIRE(server.store.remove(api::ConfigMap::resource, {"n", "one"})); }) == 1);
}

TEST_CASE_FIXTURE(ManagerFixture,
                  "somebody who deletes a child each time that it is made is answered at once, and then ever later") {
  const api::Key one{"n", "one"};
  plan = [&](const Moment&) {
    Plan out;
    // What is missing shows in the status, with the time of it.
    const std::string said = maps.get(one) ? "There" : "Missing since " + std::to_string(boot_now().time_since_epoch().count());
    if (reason() != said) out.status = status(said);
    if (!maps.get(one)) {
      out.actions = {write(Verb::kApply, api::ConfigMap::resource, "one", R"({"metadata":{"labels":{"ours":"1"}}})")};
      out.actions[0].fresh = true;
    }
    return out;
  };
  const auto made = [&] { return std::count(server.writes.begin(), server.writes.end(), "PATCH configmaps/one"); };
  start();
  std::ptrdiff_t soon = 0;
  for (int i = 0; i < 10'000; ++i) {  // 100 s
    (void)server.store.remove(api::ConfigMap::resource, one);
    look();
    if (i == 1) soon = made();
  }
  CHECK(soon == 2);
  CHECK(made() > 10);
  CHECK(made() < 16);
}

}  // namespace knfe::runtime
