// Manager: brings caches, controllers and runs together.
//
//   watch event -> Cache -> trigger -> Queue -> plan (pure) -> Run -> API server -> watch event
//
// A key is reconciled by one run at a time. After a run has written, its key rests until the caches have seen those writes, so
// that no plan is made from a view older than its own deeds; if that takes longer than ten seconds the cache in question lists
// again. Nothing is planned before all caches are filled, nothing is written unless `may_write` says so at that very moment.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/metrics.h"
#include "runtime/events.h"
#include "runtime/history.h"
#include "runtime/pace.h"
#include "runtime/run.h"

namespace knfe::runtime {

// Whether somebody has changed what is wanted of an object that is nobody's child: spec, labels, annotations, its end.
bool is_edit(const api::Meta* before, const api::Meta& after);

// Plans for the object of a key, if it is there.
using Planner = std::function<Plan(const api::Key&, const Moment&)>;

class Manager : private RunHost {
 public:
  static constexpr std::size_t most_runs = 64;

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
    controllers_[controller].each = [&cache](const std::function<void(const api::Key&)>& tell) {
      for (const T* object : cache.all()) tell(object->meta.key);
    };
    cache.on_change([this, controller](const T* before, const T* after) {
      const bool edited = after && is_edit(before ? &before->meta : nullptr, after->meta);
      enqueue(controller, (after ? after : before)->meta.key, Duration(0), edited ? Priority::kEdit : Priority::kChange);
    });
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
  // Until the caches have been filled, all have the lowest priority; then each object is looked at in any case.
  void enqueue(std::size_t controller, const api::Key& key, Duration delay = Duration(0), Priority priority = Priority::kChange);
  // No new runs before: the API server has asked to wait.
  void hold(Instant until);
  // Leadership has been won: everything is looked at that has changed in the meantime, or all.
  void kick();
  // No new runs; calls `idle` once the running ones have ended.
  void drain(std::function<void()> idle);

  bool synced() const { return watched_.synced(); }
  std::size_t queued() const { return queue_.size(); }
  // What has not gone on for five minutes though every request has an end; empty if all is well.
  std::string stuck() const;
  // What the API server does not serve, of what is watched; empty if it serves all.
  std::string not_served() const;
  // The last decisions about an object, the latest last. `kind` is its kind or plural, in whatever case.
  Result<Json> explain(std::string_view kind, const api::Key& key) const;
  // Prometheus text format.
  void metrics(MetricsText& out) const;
  std::string metrics() const;

 private:
  struct Controller {
    std::string name;
    api::Resource resource;
    Planner planner;
    std::function<void(const std::function<void(const api::Key&)>& tell)> each = {};  // of its objects
    std::uint64_t succeeded = 0, failed = 0, requeued = 0;                            // runs
    std::uint64_t errors = 0, terminal = 0, panics = 0, timeouts = 0, adds = 0, retries = 0, parked = 0;
    Histogram waited = {}, worked = {};
    std::optional<Instant> succeeded_at = {};  // a run, last
  };
  struct Effect {
    std::string resource, verb, effect;
    auto operator<=>(const Effect&) const = default;
  };

  void pump();
  void arm();
  void begin(const Queue::Taken& taken);
  bool may_write() const override { return may_write_(); }
  void wrote(const Action& action, const char* verb, const char* effect) override;
  Plan plan_for(const Run& run, const Error* refusal);
  void write_failed(const Run& run, const Action& action, const Error& why) override;
  Plan plan_refused(const Run& run, const Error& refusal) override;
  void told(const Run& run) override;
  void ended(Run& run, End end) override;
  void settle(Run& run);
  void release(const Run& run);
  void hold(Run& run, Instant until);
  void count(const Run& run, End end, const std::string& outcome);
  void run_metrics(MetricsText& out) const;
  void queue_metrics(MetricsText& out) const;
  void check_parked();
  void begin_all();
  void check_served();
  bool is_unserved(const Item& item) const;
  void resync_doubtful();
  std::list<Run>::iterator place_of(const Run& run);
  void finish(Run& run);

  net::Loop& loop_;
  kube::ApiClient& api_;
  const std::function<bool()> may_write_;
  Watched watched_;
  std::vector<Controller> controllers_;
  Queue queue_;
  std::list<Run> runs_;     // under way
  std::list<Run> resting_;  // done, until the caches have seen it
  EventTeller events_;
  History history_;
  Pace pace_;
  std::map<Effect, std::uint64_t> effects_;
  Histogram watch_lag_;
  const std::uint64_t seed_;
  std::uint64_t begun_ = 0;
  Instant held_until_{};
  std::vector<bool> unserved_;  // by informer, when looked at last
  std::set<Item> not_planned_;  // as their kind was not served
  bool pumping_ = false, pump_posted_ = false;
  bool all_begun_ = false, first_look_ = true;
  Instant rings_ = Instant::max();  // `timer_`
  bool draining_ = false;
  std::function<void()> idle_, synced_;
  bool check_posted_ = false;
  net::Handle timer_, park_timer_;
};

}  // namespace knfe::runtime
