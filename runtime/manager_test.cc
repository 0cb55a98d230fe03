#include "runtime/manager.h"

#include <doctest/doctest.h>

#include "api/foreign.h"
#include "api/network_service.h"
#include "test/fakes/api_server_test.h"
#include "test/fakes/json_test.h"
#include "test/fakes/time_test.h"

namespace knfe::runtime {

using fakes::ApiServer;
using fakes::json;
using fakes::pick;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Verb = Action::Verb;

namespace {

const api::Key kKey{"n", "a"};
constexpr api::Resource kNetworks = api::Network::resource;

// A Manager with one controller, of Networks, whose plans are the test's.
struct Fixture {
  fakes::Time time;
  net::Loop loop;
  ApiServer server{loop};
  kube::ApiClient api{server, kube::Config{}};
  kube::Cache<api::Network> networks;
  kube::Cache<api::ConfigMap> maps;
  kube::Informer<api::Network> network_informer{loop, api, kube::Scope{}, networks, api::decode_object<api::Network>};
  kube::Informer<api::ConfigMap> map_informer{loop, api, kube::Scope{"", "ours=1", ""}, maps, api::decode_config_map};
  bool leading = true;
  std::function<Plan(const Moment&)> plan = [](const Moment&) { return Plan{}; };
  int plans = 0;
  std::optional<Manager> manager{std::in_place, loop, api, [this] { return leading; }};
  std::size_t controller = 0;

  Fixture() {
    manager->add_informer(network_informer);
    manager->add_informer(map_informer);
    controller = manager->add_controller("network", kNetworks, [this](const api::Key&, const Moment& moment) {
      ++plans;
      return plan(moment);
    });
    CHECK(server.store.create(kNetworks, json(R"({"metadata":{"name":"a","namespace":"n"},"spec":{"subnets":[]}})")));
  }
  void start() {
    manager->start();
    look();
  }
  void look() {
    manager->enqueue(controller, kKey);
    time.pass(loop, milliseconds(10));
  }
  std::string written() {
    std::string out;
    for (const auto& one : std::exchange(server.writes, {})) {
      if (one.find(" events/") == std::string::npos) out += one + ", ";
    }
    return out;
  }
  Action write(Verb verb, const api::Resource& resource, const std::string& name, const std::string& body = "{}") {
    Action action;
    action.verb = verb;
    action.resource = resource;
    action.key = {"n", name};
    JsonObject object = api::skeleton(resource, action.key);
    const Json more = json(body);
    for (const auto& [key, value] : more.get_object()) {
      if (key == "metadata") {
        for (const auto& [inner, what] : value.as_object()) object["metadata"].as_object()[inner] = what;
      } else {
        object[key] = value;
      }
    }
    action.body = std::move(object);
    return action;
  }
  Action status(const std::string& reason) {
    Action action = write(Verb::kApply, kNetworks, "a",
                          R"({"status":{"conditions":[{"type":"Ready","status":"True","reason":")" + reason +
                              R"(","message":"m","lastTransitionTime":"2026-01-01T00:00:00Z"}]}})");
    action.subresource = "status";
    return action;
  }
  // The plan once, and nothing afterwards.
  void once(std::vector<Action> actions, std::optional<Action> last = {}) {
    plan = [=, this, done = false](const Moment& moment) mutable {
      Plan out;
      if (moment.refusal) {
        out.status = status("Refused");
        return out;
      }
      if (std::exchange(done, true)) return out;
      out.actions = actions;
      out.status = last;
      return out;
    };
  }
  std::string reason() {
    const Json object = **server.store.get(kNetworks, kKey);
    const Json& conditions = at(object, "status", "conditions");
    return conditions.is_array() ? std::string(as_string(at(conditions.get_array().front(), "reason"))) : "";
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "writes are made in their order, the status last") {
  once({write(Verb::kCreate, api::ConfigMap::resource, "one"), write(Verb::kApply, kNetworks, "b", R"({"spec":{"subnets":[]}})"),
        write(Verb::kPatch, kNetworks, "a", R"({"spec":{"mtu":1400}})"), write(Verb::kDelete, api::ConfigMap::resource, "one")},
       status("Done"));
  start();
  CHECK(written() == "POST configmaps/one, PATCH networks/b, PATCH networks/a, DELETE configmaps/one, PATCH networks/a/status, ");
  CHECK(reason() == "Done");
}

TEST_CASE_FIXTURE(Fixture, "nothing is planned before all caches are filled") {
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

TEST_CASE_FIXTURE(Fixture, "nothing is planned or written by who does not lead") {
  leading = false;
  once({write(Verb::kCreate, api::ConfigMap::resource, "one")});
  start();
  CHECK(plans == 0);
  leading = true;
  manager->kick();
  time.pass(loop, milliseconds(10));
  CHECK(written() == "POST configmaps/one, ");
}

TEST_CASE_FIXTURE(Fixture, "whoever stops to lead in the midst of a plan writes nothing more of it") {
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

TEST_CASE_FIXTURE(Fixture, "the first write that fails ends the run, which is planned anew after a wait") {
  plan = [this](const Moment&) {
    Plan out;
    out.actions = {write(Verb::kPatch, kNetworks, "a", R"({"spec":{"mtu":1400}})"),
                   write(Verb::kCreate, api::ConfigMap::resource, "one")};
    out.status = status("Done");
    return out;
  };
  server.fate = [](const net::Request& request) {
    return request.method == "PATCH" ? ApiServer::Fate::kDropped : ApiServer::Fate::kAnswered;
  };
  start();
  CHECK(written().empty());
  CHECK(plans == 1);
  time.pass(loop, milliseconds(100));
  CHECK(plans == 2);
  time.pass(loop, seconds(300));
  CHECK(plans > 10);
  CHECK(plans < 25);
}

TEST_CASE_FIXTURE(Fixture, "what the server asks to wait is kept to") {
  plan = [this](const Moment&) {
    Plan out;
    out.actions = {write(Verb::kCreate, api::ConfigMap::resource, "one")};
    return out;
  };
  server.store.admit = [](const api::Resource&, const Json&) -> Result<void> {
    return std::unexpected(Error{Code::kTooMany, "slow down", {}, {}, 5});
  };
  start();
  time.pass(loop, milliseconds(4900));
  CHECK(plans == 1);
  time.pass(loop, milliseconds(200));
  CHECK(plans == 2);
}

TEST_CASE_FIXTURE(Fixture, "what is refused for good is said in the status, once, and tried again at leisure") {
  std::string told;
  plan = [&](const Moment& moment) {
    Plan out;
    out.actions = {write(Verb::kCreate, api::ConfigMap::resource, "one")};
    if (moment.refusal) {
      told = moment.refusal->text();
      if (reason() != "Refused") out.status = status("Refused");
    }
    return out;
  };
  server.store.admit = [](const api::Resource& resource, const Json&) -> Result<void> {
    if (resource == api::ConfigMap::resource) return fail(Code::kForbidden, "exceeded quota");
    return {};
  };
  start();
  CHECK(told == "create /api/v1/namespaces/n/configmaps: exceeded quota");
  CHECK(reason() == "Refused");
  CHECK(written() == "POST configmaps/one, PATCH networks/a/status, ");
  time.pass(loop, seconds(600));
  const int tries = plans / 2;  // each try plans twice: once more with the refusal
  CHECK(tries > 15);
  CHECK(tries < 40);
  CHECK(written().find("status") == std::string::npos);
  // Somebody acted: it is tried at the latest half a minute later.
  server.store.admit = nullptr;
  time.pass(loop, seconds(40));
  CHECK(server.store.get(api::ConfigMap::resource, {"n", "one"}));
}

TEST_CASE_FIXTURE(Fixture, "of an action that was refused nothing that comes later is done") {
  once({write(Verb::kCreate, kNetworks, "bad", R"({"spec":{"nonsense":1}})"),
        write(Verb::kCreate, api::ConfigMap::resource, "one")},
       status("Done"));
  start();
  CHECK(written() == "POST networks/bad, PATCH networks/a/status, ");
  CHECK(reason() == "Refused");
}

TEST_CASE_FIXTURE(Fixture, "a name that is taken is looked at, and the next plan sees what stands there") {
  // Made by somebody else a moment ago: the watch has yet to tell of it.
  start();
  server.held_watches = {"networks"};
  REQUIRE(server.store.create(kNetworks, json(R"({"metadata":{"name":"b","namespace":"n"},"spec":{"subnets":[]}})")));
  bool seen = false;
  plan = [&](const Moment&) {
    Plan out;
    seen = networks.get({"n", "b"}) != nullptr;
    if (!seen) out.actions = {write(Verb::kCreate, kNetworks, "b", R"({"spec":{"subnets":[]}})")};
    return out;
  };
  look();
  CHECK(seen);
  CHECK(written() == "POST networks/b, ");
}

TEST_CASE_FIXTURE(Fixture, "a name that is taken by something that the cache does not show is told of, and not asked for ever") {
  REQUIRE(server.store.create(api::ConfigMap::resource, json(R"({"metadata":{"name":"one","namespace":"n"}})")));
  plan = [&](const Moment& moment) {
    Plan out;
    out.actions = {write(Verb::kCreate, api::ConfigMap::resource, "one", R"({"metadata":{"labels":{"ours":"1"}}})")};
    if (moment.refusal) out.status = status(std::string(name(moment.refusal->code)));
    return out;
  };
  start();
  CHECK_FALSE(reason().empty());
  time.pass(loop, seconds(60));
  CHECK(plans < 40);
}

TEST_CASE_FIXTURE(Fixture, "a kind that is known by label only is read before the first apply, lest another's be taken over") {
  const char* body =
      R"({"metadata":{"labels":{"ours":"1"},"ownerReferences":[{"apiVersion":"v1","kind":"K","name":"k","uid":"ours","controller":true}]},"data":{"x":"new"}})";
  Action apply = write(Verb::kApply, api::ConfigMap::resource, "one", body);
  apply.fresh = true;
  const auto stands = [&](const char* uid) {
    REQUIRE(server.store.create(
        api::ConfigMap::resource,
        json(R"({"metadata":{"name":"one","namespace":"n","ownerReferences":[{"apiVersion":"v1","kind":"K","name":"k","uid":")" +
             std::string(uid) + R"("}]},"data":{"x":"old"}})")));
  };
  const auto data = [&] {
    return std::string(as_string(pick(**server.store.get(api::ConfigMap::resource, {"n", "one"}), "data", "x")));
  };
  SUBCASE("somebody else's stays") {
    stands("theirs");
    once({apply});
    start();
    CHECK(data() == "old");
    CHECK(reason() == "Refused");
  }
  SUBCASE("ours, whose label was taken off, is put right") {
    stands("ours");
    once({apply});
    start();
    CHECK(data() == "new");
  }
  SUBCASE("where nothing stands it is made") {
    once({apply});
    start();
    CHECK(data() == "new");
  }
}

TEST_CASE_FIXTURE(Fixture, "a key that has written rests until its cache has seen it") {
  plan = [&](const Moment&) {
    Plan out;
    if (plans == 1) out.actions = {write(Verb::kApply, kNetworks, "b", R"({"spec":{"subnets":[]}})")};
    return out;
  };
  manager->start();
  time.pass(loop, milliseconds(10));
  server.held_watches = {"networks"};
  look();
  CHECK(plans == 1);
  look();
  time.pass(loop, seconds(5));
  CHECK(plans == 1);
  server.release();
  time.pass(loop, milliseconds(20));
  CHECK(plans == 2);
}

TEST_CASE_FIXTURE(Fixture, "what a write did not find any more is not planned for again before the cache shows that it is gone") {
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

TEST_CASE_FIXTURE(Fixture, "what is refused for an object that is gone is not tried again before the cache shows that") {
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

TEST_CASE_FIXTURE(Fixture, "a key that has deleted rests until its cache has seen that") {
  REQUIRE(server.store.create(api::ConfigMap::resource,
                              json(R"({"metadata":{"name":"one","namespace":"n","labels":{"ours":"1"}}})")));
  plan = [&](const Moment&) {
    Plan out;
    if (plans > 1) return out;
    out.actions = {write(Verb::kDelete, api::ConfigMap::resource, "one")};
    out.actions[0].uid = maps.get({"n", "one"})->meta.uid;
    return out;
  };
  manager->start();
  time.pass(loop, milliseconds(10));
  server.held_watches = {"configmaps"};
  look();
  look();
  CHECK(plans == 1);
  server.release();
  time.pass(loop, milliseconds(20));
  CHECK(plans == 2);
}

TEST_CASE_FIXTURE(Fixture, "a watch that never tells of an own write is listed anew after ten seconds") {
  plan = [&](const Moment&) {
    Plan out;
    if (plans == 1) out.actions = {write(Verb::kApply, kNetworks, "b", R"({"spec":{"subnets":[]}})")};
    return out;
  };
  manager->start();
  time.pass(loop, milliseconds(10));
  server.held_watches = {"networks"};
  look();
  time.pass(loop, seconds(8));
  CHECK(network_informer.lists() == 1);
  time.pass(loop, seconds(8));
  CHECK(network_informer.lists() == 2);
  CHECK(map_informer.lists() == 1);
}

TEST_CASE_FIXTURE(Fixture, "a write whose answer was lost is found by the next plan, and not made twice") {
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

TEST_CASE_FIXTURE(Fixture, "what is gone already needs no deletion, no patch and no status") {
  Action gone = write(Verb::kDelete, kNetworks, "none");
  gone.uid = "u";
  Action patch = write(Verb::kPatch, kNetworks, "none", R"({"spec":{}})");
  Action told = status("Done");
  told.key.name = "none";
  told.body.at("metadata").as_object()["name"] = "none";
  once({gone, patch, write(Verb::kCreate, api::ConfigMap::resource, "one")}, told);
  start();
  CHECK(written() == "DELETE networks/none, PATCH networks/none, POST configmaps/one, PATCH networks/none/status, ");
  CHECK(plans == 1);
}

TEST_CASE_FIXTURE(Fixture, "a successor of the same name is not deleted in its predecessor's place") {
  Action wrong = write(Verb::kDelete, kNetworks, "a");
  wrong.uid = "earlier";
  once({wrong});
  start();
  time.pass(loop, seconds(1));
  CHECK(server.store.get(kNetworks, kKey));
}

TEST_CASE_FIXTURE(Fixture, "what follows a proof of absence is done only if nothing of that owner is there") {
  const auto proof = proof_of_absence(api::ConfigMap::resource, {"n", "one"}, "owner");
  once({proof, write(Verb::kPatch, kNetworks, "a", R"({"spec":{"mtu":1400}})")});
  const auto stands = [&](const char* uid) {
    // Without label: only a live read can tell.
    REQUIRE(server.store.create(
        api::ConfigMap::resource,
        json(R"({"metadata":{"name":"one","namespace":"n","ownerReferences":[{"apiVersion":"v1","kind":"K","name":"k","uid":")" +
             std::string(uid) + R"("}]}})")));
  };
  bool done = false;
  SUBCASE("nothing is there") { done = true; }
  SUBCASE("somebody else's is there") {
    stands("other");
    done = true;
  }
  SUBCASE("it is there") { stands("owner"); }
  SUBCASE("nobody can say") {
    server.fate = [](const net::Request& request) {
      return request.target.find("configmaps/one") != std::string::npos ? ApiServer::Fate::kDropped : ApiServer::Fate::kAnswered;
    };
  }
  start();
  CHECK((written() == "PATCH networks/a, ") == done);
}

TEST_CASE_FIXTURE(Fixture, "a plan may ask to be made again later") {
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

TEST_CASE_FIXTURE(Fixture, "transitions become Events once the status is written, and not so many that they harm") {
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

TEST_CASE_FIXTURE(Fixture, "draining ends what runs, and begins nothing") {
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

TEST_CASE_FIXTURE(Fixture, "draining does not wait for caches") {
  once({write(Verb::kApply, kNetworks, "b", R"({"spec":{"subnets":[]}})")});
  manager->start();
  time.pass(loop, milliseconds(10));
  server.held_watches = {"networks"};
  look();
  bool idle = false;
  manager->drain([&] { idle = true; });
  time.pass(loop, milliseconds(10));
  CHECK(idle);
}

TEST_CASE_FIXTURE(Fixture, "at most sixty-four runs are under way") {
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

TEST_CASE_FIXTURE(Fixture, "a manager that goes in the midst of everything leaves nothing behind") {
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

TEST_CASE_FIXTURE(Fixture, "metrics tell of runs, errors, caches and requests") {
  once({write(Verb::kPatch, kNetworks, "a", R"({"spec":{"mtu":1400}})")});
  start();
  const std::string text = manager->metrics();
  for (const char* line :
       {"controller_runtime_reconcile_total{controller=\"network\"} ",
        "controller_runtime_reconcile_errors_total{controller=\"network\"} 0\n", "knfe_cached_objects{resource=\"networks\"} 1\n",
        "knfe_lists_total{resource=\"configmaps\"} 1\n",
        "knfe_api_requests_total{verb=\"patch\",resource=\"networks\",code=\"200\"} 1\n", "workqueue_depth{name=\"knfe\"} 0\n"}) {
    INFO(text);
    CHECK(text.find(line) != std::string::npos);
  }
}

}  // namespace knfe::runtime
