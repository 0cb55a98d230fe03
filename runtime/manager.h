// Manager: brings caches, controllers and the executor together.
//
//   watch event -> Cache -> trigger -> Queue -> plan (pure) -> executor -> API server -> watch event
//
// A key is reconciled by one run at a time. After a run has written, its key rests until the caches have seen those writes, so
// that no plan is made from a view older than its own deeds; if that takes longer than ten seconds the cache in question lists
// again. Nothing is planned before all caches are filled, nothing is written unless `may_write` says so at that very moment.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "kube/informer.h"
#include "runtime/plan.h"
#include "runtime/queue.h"

namespace knfe::runtime {

// Plans for the object of a key, if it is there.
using Planner = std::function<Plan(const api::Key&, const Moment&)>;

class Manager {
 public:
  Manager(net::Loop& loop, kube::ApiClient& api, std::function<bool()> may_write);

  // Before start(). The informer must outlive this.
  void add_informer(kube::InformerBase& informer);
  // `resource` is what the keys name: Events tell of it. Returns the controller's number for enqueue().
  std::size_t add_controller(std::string name, const api::Resource& resource, Planner planner);
  // Plans for the objects of a cache, `plan(object, moment)`, whenever one of them changes. The cache must outlive this.
  template <class T, class PlanFor>
  std::size_t control(std::string name, kube::Cache<T>& cache, PlanFor plan) {
    const auto controller =
        add_controller(std::move(name), T::resource, [&cache, plan](const api::Key& key, const Moment& moment) {
          const T* object = cache.get(key);
          return object ? plan(*object, moment) : Plan{};
        });
    cache.on_change(
        [this, controller](const T* before, const T* after) { enqueue(controller, (after ? after : before)->meta.key); });
    return controller;
  }
  // Whenever an object of the cache changes, its owner is looked at by `controller`; so is one that it has lost.
  template <class T>
  void wake_owner(kube::Cache<T>& cache, std::size_t controller) {
    cache.on_change([this, controller](const T* before, const T* after) {
      for (const T* object : {before, after}) {
        const auto* owner = object ? object->meta.controller() : nullptr;
        if (owner && owner->kind == controllers_[controller].resource.kind)
          enqueue(controller, {object->meta.key.ns, owner->name});
      }
    });
  }

  // Called once, when all caches have been filled for the first time.
  void on_synced(std::function<void()> synced) { synced_ = std::move(synced); }

  void start();
  void enqueue(std::size_t controller, const api::Key& key, Duration delay = Duration(0));
  // Plans again everything that was held back, as when leadership has been won.
  void kick();
  // No new runs; calls `idle` once the running ones have ended.
  void drain(std::function<void()> idle);

  bool synced() const;
  std::size_t queued() const { return queue_.size(); }
  // Prometheus text format.
  std::string metrics() const;

 private:
  struct Controller {
    std::string name;
    api::Resource resource;
    Planner planner;
    std::uint64_t runs = 0, errors = 0;
    std::vector<Instant> recent_events = {};
  };
  struct Awaited {
    const kube::CacheBase* cache;
    api::Key key;
    std::string version;      // of a write
    std::string deleted_uid;  // of a delete
    std::string gone_uid;     // of what a write did not find any more
  };
  struct Run {
    Item item;
    Plan plan;
    std::size_t next = 0;
    bool only_status = false;  // an action was refused for good: what is left is to say so
    Error refusal;
    std::vector<Awaited> awaited;
    Instant parked_at{};
    net::Handle call;
  };

  void pump();
  void arm();
  void begin(const Item& item);
  void step(Run& run);
  void perform(Run& run, const Action& action);
  void look_first(Run& run, const Action& action);
  void send(Run& run, const Action& action, bool force);
  void read_live(Run& run, const Action& action, std::function<void(const Json& live)> then);
  void confirm(Run& run, const Action& action);
  void prove_absence(Run& run, const Action& action);
  Error still_there(const Action& action, const Json& live);
  void answered(Run& run, const Action& action, const Result<Json>& answer);
  void learn_taken(Run& run, const Action& action);
  void failed(Run& run, const Action& action, const Error& error);
  void tell(const Run& run);
  void settle(Run& run);
  void check_parked();
  void resync_doubtful();
  void finish(Run& run);
  bool arrived(const Awaited& awaited) const;
  kube::InformerBase* informer_of(const api::Resource& resource) const;
  bool sees_all_of(const api::Resource& resource) const;

  net::Loop& loop_;
  kube::ApiClient& api_;
  const std::function<bool()> may_write_;
  std::vector<kube::InformerBase*> informers_;
  std::vector<Controller> controllers_;
  Queue queue_;
  std::list<Run> runs_;
  std::size_t active_ = 0;  // those of them that do not rest for the caches
  std::list<net::Handle> events_in_flight_;
  bool pumping_ = false;
  bool draining_ = false;
  std::function<void()> idle_, synced_;
  bool check_posted_ = false;
  net::Handle timer_, park_timer_;
};

}  // namespace knfe::runtime
