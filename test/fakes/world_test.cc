#include "test/fakes/world_test.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "operators/action/plan.h"
#include "operators/function/plan.h"
#include "operators/function/workload.h"
#include "operators/network/plan.h"
#include "operators/policy/plan.h"
#include "operators/service/plan.h"
#include "test/fakes/actors_test.h"
#include "test/fakes/json_test.h"
#include "test/fakes/live_test.h"

namespace knfe::fakes {

using api::key_of;

using runtime::Action;
using runtime::Moment;
using runtime::Plan;
using Verb = Action::Verb;

World::World(Store begin) : store(std::move(begin)) {
  store.on_event = [this](const Store::Event& event) {
    for (auto& feed : feeds_) {
      if (feed.cache->resource() != event.resource) continue;
      feed.pending.push_back(event);
      if (!random) see(feed, feed.pending.size());
    }
  };
  open_view();
}

template <class T>
void World::follow(kube::Cache<T>& cache, const std::string& selector, Result<T> (*decode)(const Json&)) {
  const auto read = [decode](const Json& object) {
    auto out = decode(object);
    api::take_digests(out->meta, object, "knfe");
    return std::move(*out);
  };
  Feed feed;
  feed.cache = &cache;
  feed.partial = !selector.empty();
  feed.selects = [scope = kube::Scope{{}, selector, {}}](const Json& object) { return scope.selects(object); };
  feed.take = [&cache, read, selects = feed.selects](const Store::Event& event) {
    // To a watch by label, what loses it is gone.
    if (event.type == "DELETED" || !selects(*event.object)) {
      cache.erase(key_of(*event.object), std::string(as_string(at(*event.object, "metadata", "resourceVersion"))));
    } else {
      cache.put(read(*event.object));
    }
    cache.advance(event.version);
  };
  feed.ingest = [&cache, read](const Json& object) { cache.put_live(read(object)); };
  for (const auto* object : store.list(cache.resource())) {
    if (feed.selects(*object)) cache.put(read(*object));
  }
  cache.advance(store.version());
  feeds_.push_back(std::move(feed));
}

template <class T, class Decide>
void World::control(kube::Cache<T>& cache, Decide decide) {
  controllers_.push_back({T::resource, &cache,
                          [&cache] {
                            std::vector<api::Key> keys;
                            for (const auto* object : cache.all()) keys.push_back(object->meta.key);
                            return keys;
                          },
                          [&cache, decide](const api::Key& key, const Moment& moment) {
                            const T* object = cache.get(key);
                            return object ? decide(*object, moment) : Plan{};
                          }});
}

void World::open_view() {
  feeds_.clear();
  controllers_.clear();
  unseen_.clear();
  view = std::make_unique<operators::View>();
  auto& v = *view;
  operators::fill(v, [this](auto& cache, const char* selector, auto decode) { follow(cache, selector, decode); });
  control(v.services, [&v](const auto& object, const Moment& moment) { return operators::plan_service(object, v, moment); });
  control(v.networks,
          [&v, this](const auto& object, const Moment& moment) { return operators::plan_network(object, v, multus_, moment); });
  control(v.functions, [&v](const auto& object, const Moment& moment) { return operators::plan_function(object, v, moment); });
  control(v.member_sets,
          [&v](const auto& object, const Moment& moment) { return operators::plan_member_set(object, v, moment); });
  control(v.pods, [](const auto& object, const Moment&) { return operators::plan_pod(object); });
  control(v.actions, [&v](const auto& object, const Moment& moment) { return operators::plan_action(object, v, moment); });
  control(v.policies, [&v](const auto& object, const Moment& moment) { return operators::plan_policy(object, v, moment); });
  control(v.members, [&v, this](const auto& object, const Moment& moment) {
    const bool machine = operators::kind_of(object.spec) == operators::WorkloadKind::kVirtualMachine;
    const operators::WorkloadProvider& workloads =
        machine ? static_cast<const operators::WorkloadProvider&>(virtual_machines_) : pods_;
    return operators::plan_member(object, v, multus_, workloads, moment);
  });
  control(v.attachments, [&v](const auto& object, const Moment&) { return operators::plan_attachment(object, v); });
  control(v.allocations, [&v](const auto& object, const Moment&) { return operators::plan_allocation(object, v); });
  control(v.connection_points,
          [&v](const auto& object, const Moment& moment) { return operators::plan_connection_point(object, v, moment); });
}

World::Feed& World::feed_of(const api::Resource& resource) {
  const auto found =
      std::find_if(feeds_.begin(), feeds_.end(), [&](const Feed& feed) { return feed.cache->resource() == resource; });
  KNFE_CHECK(found != feeds_.end());
  return *found;
}

void World::see(Feed& feed, std::size_t how_many) {
  for (; how_many > 0 && !feed.pending.empty(); --how_many) {
    const Store::Event event = std::move(feed.pending.front());
    feed.pending.pop_front();
    if (feed.selects(*event.object) || feed.cache->meta(key_of(*event.object))) feed.take(event);
  }
}

void World::see_all() {
  for (auto& feed : feeds_) see(feed, feed.pending.size());
}

Plan World::plan(const api::Resource& resource, const api::Key& key) {
  see_all();
  for (const auto& controller : controllers_) {
    if (controller.resource == resource) return controller.plan(key, {"2026-02-01T00:00:00Z", now, nullptr});
  }
  return {};
}

bool World::settled() {
  see_all();
  for (const auto& controller : controllers_) {
    for (const auto& key : controller.keys()) {
      const Plan wanted = plan(controller.resource, key);
      if (wanted.settled()) continue;
      for (const auto& action : wanted.actions) MESSAGE("not settled: ", action.text());
      if (wanted.status) MESSAGE("not settled: ", wanted.status->text());
      return false;
    }
  }
  return true;
}

// What the Manager does with a plan. Whatever it wrote it has seen before it plans for this object again.
void World::work(const Controller& controller, const api::Key& key) {
  const std::string id = std::string(controller.resource.plural) + "/" + key.text();
  for (const auto& plural : std::exchange(unseen_[id], {})) {
    for (auto& feed : feeds_) {
      if (feed.cache->resource().plural == plural) see(feed, feed.pending.size());
    }
  }
  if (random) {
    for (auto& feed : feeds_) {
      if ((*random)() % 2) see(feed, (*random)() % (feed.pending.size() + 1));
    }
  }
  char wall[32];
  std::snprintf(wall, sizeof wall, "2026-02-01T%02d:%02d:%02dZ", seconds_ / 3600, seconds_ / 60 % 60, seconds_ % 60);
  ++seconds_;
  Plan wanted = controller.plan(key, {wall, now, nullptr});
  std::optional<Error> refusal;
  for (const auto& action : wanted.actions) {
    unseen_[id].insert(std::string(action.resource.plural));
    if (carry_out(action, refusal)) continue;
    if (!refusal) return;
    // Refused for good: what is left is to say so.
    wanted.status = controller.plan(key, {wall, now, &*refusal}).status;
    break;
  }
  if (!wanted.status) return;
  unseen_[id].insert(std::string(wanted.status->resource.plural));
  carry_out(*wanted.status, refusal);
}

// False if the run ends here; a refusal for good is told.
bool World::carry_out(const Action& action, std::optional<Error>& refusal) {
  auto& feed = feed_of(action.resource);
  Store::Answer answer = nullptr;
  const std::string manager = action.manager.empty() ? "knfe" : action.manager;
  switch (action.verb) {
    case Verb::kConfirm: {
      const Json* live = store.look(action.resource, action.key);
      return live && uid_of(*live) == action.uid && !deleting(*live);
    }
    case Verb::kProve: {
      const Json* live = store.look(action.resource, action.key);
      if (!live || !runtime::is_disproof(action, *live)) return true;
      if (!feed.cache->meta(action.key)) {
        refusal = Error{Code::kAlreadyExists,
                        std::string(action.resource.kind) + " " + action.key.name + " is there, but the watch does not show it",
                        {},
                        "restore its labels, or delete it",
                        0};
      }
      return false;
    }
    case Verb::kProveNone: {
      const auto equals = action.selector.find('=');
      const std::string label = action.selector.substr(0, equals), value = action.selector.substr(equals + 1);
      const auto all = store.list(action.resource);
      return std::none_of(all.begin(), all.end(), [&](const Json* one) {
        return key_of(*one).ns == action.key.ns && as_string(at(*one, "metadata", "labels", label)) == value;
      });
    }
    case Verb::kApply: {
      const Json* live = store.look(action.resource, action.key);
      if (action.fresh && feed.partial && live && !runtime::is_same_child(*live, action.body)) {
        refusal = Error{Code::kAlreadyExists,
                        std::string(action.resource.kind) + " " + action.key.name + " exists and belongs to somebody else",
                        {},
                        {},
                        0};
        return false;
      }
      answer = store.apply(action.resource, action.body, action.subresource, manager, !action.fresh || feed.partial);
      break;
    }
    case Verb::kCreate:
      answer = store.create(action.resource, action.body, "knfe");
      break;
    case Verb::kPatch:
      answer = store.merge_patch(action.resource, action.key, action.body, action.subresource, manager);
      break;
    case Verb::kDelete:
      answer = store.remove(action.resource, action.key, action.uid, action.resource_version);
      break;
  }
  writes.push_back(action.text());
  if (after_write) after_write();
  if (after_step) after_step();
  if (answer) return true;
  const Code code = answer.error().code;
  if (code == Code::kAlreadyExists && action.verb == Verb::kCreate) {
    if (const Json* live = store.look(action.resource, action.key); live && feed.selects(*live)) feed.ingest(*live);
    return false;
  }
  const bool changes = action.verb == Verb::kDelete || action.verb == Verb::kPatch || !action.subresource.empty();
  if (code == Code::kNotFound && changes) return true;
  if (code != Code::kConflict) refusal = answer.error();
  return false;
}

void World::pass() {
  std::vector<std::function<void()>> steps;
  for (const auto& controller : controllers_) {
    for (const auto& key : controller.keys()) {
      steps.push_back([this, &controller, key] { work(controller, key); });
    }
  }
  for (const auto* pod : store.list(api::Pod::resource)) {
    const auto key = key_of(*pod);
    if (kubelet) steps.push_back([this, key] { act_as_kubelet(store, key, agents); });
    if (agents) steps.push_back([this, key] { act_as_agent(store, key); });
  }
  // An instance may outlive its machine.
  std::set<api::Key> machines;
  for (const auto& resource : {api::VirtualMachine::resource, api::VirtualMachineInstance::resource}) {
    for (const auto* one : store.list(resource)) machines.insert(key_of(*one));
  }
  for (const auto& key : machines) {
    if (kubelet) steps.push_back([this, key] { act_as_kubevirt(store, key, agents); });
    if (agents) steps.push_back([this, key] { act_as_agent(store, key); });
  }
  if (collector) {
    steps.push_back([this] {
      while (store.collect_garbage()) {
      }
    });
  }
  if (random) std::shuffle(steps.begin(), steps.end(), *random);
  for (const auto& step : steps) {
    step();
    if (after_step) after_step();
  }
}

void World::advance(unsigned passes) {
  while (passes-- > 0) pass();
}

void World::converge() {
  for (int i = 0; i < 200; ++i) {
    const std::string before = store.version();
    const auto written = writes.size();
    pass();
    if (before != store.version() || written != writes.size()) continue;
    see_all();  // whoever lags sees the rest, and has nothing to do either
    if (random) {
      const auto order = std::exchange(random, {});
      pass();
      random = order;
    }
    if (before == store.version() && written == writes.size()) return;
  }
  FAIL_CHECK("this never comes to rest; written last: ", writes.back());
}

void World::put(const std::string& text) {
  Json object = json(text);
  auto& metadata = object.at("metadata").as_object();
  if (!metadata.contains("namespace")) metadata["namespace"] = "n";
  for (const auto& feed : feeds_) {
    if (feed.cache->resource().kind != as_string(at(object, "kind"))) continue;
    const auto applied = store.apply(feed.cache->resource(), object, "", "kubectl");
    KNFE_CHECK(applied);
    return;
  }
  KNFE_CHECK(false && "known kind");
}

Json World::get(const api::Resource& resource, const std::string& name) const {
  const Json* found = store.look(resource, {"n", name});
  return found ? *found : Json();
}

void World::patch(const api::Resource& resource, const std::string& name, const std::string& text,
                  const std::string& subresource) {
  KNFE_CHECK(store.merge_patch(resource, {"n", name}, json(text), subresource, "somebody"));
}

void World::remove(const api::Resource& resource, const std::string& name) { KNFE_CHECK(store.remove(resource, {"n", name})); }

std::vector<std::string> World::names(const api::Resource& resource) const {
  std::vector<std::string> out;
  for (const auto* object : store.list(resource)) out.push_back(key_of(*object).name);
  return out;
}

std::string World::ready(const api::Resource& resource, const std::string& name) const {
  const Json object = get(resource, name);
  const Json& ready = condition_of(object, "Ready");
  return std::string(as_string(at(ready, "status"))) + " " + std::string(as_string(at(ready, "reason")));
}

std::string World::reason(const api::Resource& resource, const std::string& name, std::string_view type) const {
  const Json object = get(resource, name);
  return std::string(as_string(at(condition_of(object, type), "reason")));
}

std::string World::message(const api::Resource& resource, const std::string& name) const {
  const Json object = get(resource, name);
  return std::string(as_string(at(condition_of(object, "Ready"), "message")));
}

}  // namespace knfe::fakes
