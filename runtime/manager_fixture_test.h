// A Manager with one controller, of Networks, whose plans are the test's, before a fake API server.
#pragma once

#include <doctest/doctest.h>

#include "api/foreign.h"
#include "api/network_service.h"
#include "runtime/manager.h"
#include "test/fakes/api_server_test.h"
#include "test/fakes/json_test.h"
#include "test/fakes/time_test.h"

namespace knfe::runtime {

inline const api::Key kKey{"n", "a"};
inline constexpr api::Resource kNetworks = api::Network::resource;

// "why | decision | outcome" of the last decision, or of an older one.
inline std::string decision_of(const Json& explained, std::size_t back = 0) {
  const auto& decisions = as_array(at(explained, "decisions"));
  REQUIRE(decisions.size() > back);
  const Json& one = decisions[decisions.size() - 1 - back];
  return std::string(as_string(at(one, "why"))) + " | " + std::string(as_string(at(one, "decision"))) + " | " +
         std::string(as_string(at(one, "outcome")));
}

struct ManagerFixture {
  fakes::Time time;
  net::Loop loop;
  fakes::ApiServer server{loop};
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

  ManagerFixture() {
    manager->add_informer(network_informer);
    manager->add_informer(map_informer);
    controller = manager->add_controller("network", kNetworks, [this](const api::Key&, const Moment& moment) {
      ++plans;
      return plan(moment);
    });
    CHECK(server.store.create(kNetworks, fakes::json(R"({"metadata":{"name":"a","namespace":"n"},"spec":{"subnets":[]}})")));
  }
  void start() {
    manager->start();
    look();
  }
  // From then on the watch of that kind tells nothing, until the server releases it. Nothing is looked at yet.
  void start_deaf_to(const std::string& plural) {
    manager->start();
    time.pass(loop, std::chrono::milliseconds(10));
    server.held_watches = {plural};
  }
  void look() {
    manager->enqueue(controller, kKey);
    time.pass(loop, std::chrono::milliseconds(10));
  }
  std::string written() {
    std::string out;
    for (const auto& one : std::exchange(server.writes, {})) {
      if (one.find(" events/") == std::string::npos) out += one + ", ";
    }
    return out;
  }
  Action write(Action::Verb verb, const api::Resource& resource, const std::string& name, const std::string& body = "{}") {
    Action action;
    action.verb = verb;
    action.resource = resource;
    action.key = {"n", name};
    JsonObject object = api::skeleton(resource, action.key);
    const Json more = fakes::json(body);
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
    Action action = write(Action::Verb::kApply, kNetworks, "a",
                          R"({"status":{"conditions":[{"type":"Ready","status":"True","reason":")" + reason +
                              R"(","message":"m","lastTransitionTime":"2026-01-01T00:00:00Z"}]}})");
    action.subresource = "status";
    if (const auto* live = networks.get(kKey)) action.body.as_object()["metadata"].as_object()["uid"] = live->meta.uid.text();
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

}  // namespace knfe::runtime
