// What the manager does first, what it does not do yet, and what it tells of it.
#include <doctest/doctest.h>

#include <algorithm>
#include <stdexcept>

#include "runtime/manager_fixture_test.h"

namespace knfe::runtime {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using Verb = Action::Verb;

TEST_CASE("an edit is a change of what is wanted, by somebody who is not its owner") {
  api::Meta before;
  before.generation = 1;
  api::Meta after = before;
  CHECK_FALSE(is_edit(&before, after));
  CHECK(is_edit(nullptr, after));
  after.generation = 2;
  CHECK(is_edit(&before, after));
  after = before;
  after.annotations.edit()["knfe.io/pause"] = "true";
  CHECK(is_edit(&before, after));
  after = before;
  after.deleting = true;
  CHECK(is_edit(&before, after));
  after.owners.push_back({"knfe.io/v1alpha1", "Network", "a", "u", true});
  CHECK_FALSE(is_edit(&before, after));
}

namespace {

// Before a manager of the test's own.
struct Networks {
  fakes::Time time;
  net::Loop loop;
  fakes::ApiServer server{loop};
  kube::ApiClient api{server, kube::Config{}};
  kube::Cache<api::Network> networks;
  kube::Informer<api::Network> informer{loop, api, kube::Scope{}, networks, api::decode_object<api::Network>};
};

}  // namespace

TEST_CASE_FIXTURE(Networks, "a user's edit is planned for before ten thousand objects that a list has told of") {
  std::vector<std::string> planned;
  Manager manager(loop, api, [] { return true; });
  manager.add_informer(informer);
  manager.hold(boot_now() + seconds(1));
  manager.control("network", networks, [&](const api::Network& network, const Moment&) {
    planned.push_back(network.meta.key.name);
    return Plan{};
  });
  for (int i = 0; i < 10'000; ++i) {
    const Json object =
        JsonObject{{"metadata", {{"name", "n" + std::to_string(i)}, {"namespace", "n"}}}, {"spec", {{"subnets", JsonArray()}}}};
    REQUIRE(server.store.create(kNetworks, object));
  }
  manager.start();
  time.pass(loop, milliseconds(10));
  REQUIRE(server.store.merge_patch(kNetworks, {"n", "n5000"}, fakes::json(R"({"spec":{"mtu":1400}})"), "", "user"));
  time.pass(loop, milliseconds(10));
  CHECK(planned.empty());
  time.pass(loop, seconds(1));
  CHECK(planned.size() == 10'000);
  CHECK(planned.front() == "n5000");
}

TEST_CASE_FIXTURE(Networks, "who does not lead remembers no names, and looks at all that there is when it does") {
  bool leading = false;
  std::vector<std::string> planned;
  Manager manager(loop, api, [&] { return leading; });
  manager.add_informer(informer);
  manager.control("network", networks, [&](const api::Network& network, const Moment&) {
    planned.push_back(network.meta.key.name);
    return Plan{};
  });
  const auto come = [&](const std::string& name) {
    REQUIRE(server.store.create(kNetworks,
                                fakes::json(R"({"metadata":{"name":")" + name + R"(","namespace":"n"},"spec":{"subnets":[]}})")));
    time.pass(loop, milliseconds(10));
  };
  const auto go = [&](const std::string& name) {
    REQUIRE(server.store.remove(kNetworks, {"n", name}));
    time.pass(loop, milliseconds(10));
  };
  const auto lead = [&] {
    leading = true;
    manager.kick();
    time.pass(loop, milliseconds(10));
    std::sort(planned.begin(), planned.end());
    return std::exchange(planned, {});
  };
  manager.start();
  for (const std::string name : {"a", "b", "c"}) come(name);
  go("b");
  CHECK(manager.queued() == 0);
  CHECK(planned.empty());
  CHECK(lead() == std::vector<std::string>{"a", "c"});
  // Who leads still hears nothing twice.
  CHECK(lead().empty());
  leading = false;
  come("d");
  CHECK(manager.queued() == 0);
  CHECK(lead() == std::vector<std::string>{"a", "c", "d"});
}

TEST_CASE_FIXTURE(ManagerFixture, "while the API server has asked to wait nothing is planned, and then everything is") {
  start();
  plans = 0;
  manager->hold(boot_now() + seconds(5));
  look();
  time.pass(loop, milliseconds(4900));
  CHECK(plans == 0);
  time.pass(loop, milliseconds(200));
  CHECK(plans == 1);
}

TEST_CASE_FIXTURE(ManagerFixture, "what a plan throws ends that run, and not the process") {
  plan = [&](const Moment&) -> Plan {
    if (plans == 1) throw std::out_of_range("map::at");
    return {};
  };
  start();
  CHECK(plans == 1);
  CHECK(manager->metrics().find("controller_runtime_reconcile_panics_total{controller=\"network\"} 1\n") != std::string::npos);
  time.pass(loop, seconds(31));
  CHECK(plans == 2);
}

TEST_CASE_FIXTURE(ManagerFixture, "decisions can be asked for: what made it look, what was planned, what came of it") {
  plan = [&](const Moment& moment) {
    Plan out;
    if (moment.refusal) out.status = status("Refused");
    if (plans == 1) out.actions = {write(Verb::kPatch, kNetworks, "a", R"({"spec":{"mtu":1400}})")};
    if (plans == 2) out.actions = {write(Verb::kCreate, kNetworks, "bad", R"({"spec":{"nonsense":1}})")};
    return out;
  };
  start();
  look();
  const auto explained = manager->explain("NETWORK", kKey);
  REQUIRE(explained);
  CHECK(decision_of(*explained, 1) == "list | patch networks n/a | done");
  CHECK(decision_of(*explained).starts_with("change | create networks n/bad | refused for good: "));
  CHECK(manager->explain("networks", kKey));
  CHECK(manager->explain("network", {"n", "other"}).error().code == Code::kNotFound);
  CHECK(manager->explain("pod", kKey).error().text() == "kind pod: must be one of Network");
}

TEST_CASE_FIXTURE(ManagerFixture, "Events carry the id of the run that history and log have") {
  Plan told;
  told.status = status("Done");
  told.notes = {{false, "Done", "so"}};
  plan = [=, this](const Moment&) { return plans == 1 ? told : Plan{}; };
  std::string id;
  server.fate = [&](const net::Request& request) {
    if (request.target.find("/events") != std::string::npos) {
      const Json event = fakes::json(request.body);
      id = as_string(at(event, "metadata", "annotations", "knfe.io/reconcile"));
    }
    return fakes::ApiServer::Fate::kAnswered;
  };
  start();
  const auto explained = manager->explain("network", kKey);
  REQUIRE(explained);
  CHECK(id.size() == 16);
  CHECK(as_string(at(as_array(at(*explained, "decisions")).front(), "reconcile")) == id);
}

TEST_CASE_FIXTURE(ManagerFixture, "a run that does not go on for five minutes is told of by whoever asks after our life") {
  once({write(Verb::kPatch, kNetworks, "a", R"({"spec":{"mtu":1400}})")});
  server.fate = [](const net::Request& request) {
    return request.method == "PATCH" ? fakes::ApiServer::Fate::kHeld : fakes::ApiServer::Fate::kAnswered;
  };
  start();
  time.pass(loop, minutes(4));
  CHECK(manager->stuck() == "");
  CHECK(manager->metrics().find("workqueue_longest_running_processor_seconds{name=\"network\",controller=\"network\"} 240") !=
        std::string::npos);
  time.pass(loop, minutes(2));
  CHECK(manager->stuck().starts_with("a run of network n/a stands still since "));
  server.release();
  time.pass(loop, seconds(1));
  CHECK(manager->stuck() == "");
}

TEST_CASE_FIXTURE(ManagerFixture, "writes are counted by what they changed") {
  once({write(Verb::kPatch, kNetworks, "a", R"({"spec":{"mtu":1400}})")});
  start();
  once({write(Verb::kPatch, kNetworks, "a", R"({"spec":{"mtu":1400}})")});
  look();
  const auto text = manager->metrics();
  CHECK(text.find("knfe_writes_total{resource=\"networks\",verb=\"patch\",effect=\"changed\"} 1\n") != std::string::npos);
  CHECK(text.find("knfe_writes_total{resource=\"networks\",verb=\"patch\",effect=\"noop\"} 1\n") != std::string::npos);
}

}  // namespace knfe::runtime
