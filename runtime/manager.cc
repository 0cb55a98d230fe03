#include "runtime/manager.h"

#include "base/log.h"

namespace knfe::runtime {

namespace {

constexpr std::size_t kMostRuns = 64;
constexpr Duration kLongestPark{10'000};

}  // namespace

Manager::Manager(net::Loop& loop, kube::ApiClient& api, std::function<bool()> may_write)
    : loop_(loop), api_(api), may_write_(std::move(may_write)), events_(loop, api) {}

void Manager::add_informer(kube::InformerBase& informer) {
  watched_.add(informer);
  informer.cache().on_advance([this] {
    if (std::exchange(check_posted_, true)) return;
    loop_.post([this] {
      check_posted_ = false;
      check_parked();
    });
  });
}

std::size_t Manager::add_controller(std::string name, const api::Resource& resource, Planner planner) {
  controllers_.push_back({std::move(name), resource, std::move(planner)});
  return controllers_.size() - 1;
}

void Manager::start() {
  for (auto* informer : watched_.all()) informer->start();
}

void Manager::enqueue(std::size_t controller, const api::Key& key, Duration delay) {
  queue_.add({controller, key}, boot_now() + delay);
  arm();
}

void Manager::kick() { arm(); }

void Manager::drain(std::function<void()> idle) {
  draining_ = true;
  idle_ = std::move(idle);
  // What rests for the caches has nothing in flight: it may end here.
  for (auto run = runs_.begin(); run != runs_.end();) {
    run = run->parked_at != Instant{} ? runs_.erase(run) : std::next(run);
  }
  if (runs_.empty()) std::exchange(idle_, nullptr)();
}

// One wake-up of the loop works off whatever has become due, so that a burst of events costs one.
void Manager::arm() {
  if (pumping_) return;
  const auto due = queue_.next_due();
  if (!due) return;
  const auto now = boot_now();
  timer_ = loop_.after(*due > now ? *due - now : Duration(0), [this] { pump(); });
}

void Manager::pump() {
  if (draining_ || !synced() || !may_write_()) return;
  pumping_ = true;
  while (active_ < kMostRuns) {
    const auto item = queue_.take(boot_now());
    if (!item) break;
    begin(*item);
  }
  pumping_ = false;
  if (active_ < kMostRuns) arm();
}

void Manager::begin(const Item& item) {
  auto& controller = controllers_[item.controller];
  ++controller.runs;
  Run& run = runs_.emplace_back(static_cast<RunHost&>(*this), api_, watched_, item);
  ++active_;
  run.begin(controller.planner(item.key, {wall_seconds(), boot_now(), nullptr}));
}

Plan Manager::plan_refused(const Run& run, const Error& refusal) {
  return controllers_[run.item.controller].planner(run.item.key, {wall_seconds(), boot_now(), &refusal});
}

void Manager::write_failed(const Run& run, const Action& action, const Error& why) {
  auto& controller = controllers_[run.item.controller];
  ++controller.errors;
  log(for_good(why) ? Level::kWarning : Level::kInfo, "a write failed",
      {{"controller", controller.name},
       {"object", run.item.key.text()},
       {"write", action.text()},
       {"code", std::string(name(why.code))},
       {"error", why.text()}});
}

void Manager::told(const Run& run) {
  const auto& controller = controllers_[run.item.controller];
  const auto* informer = watched_.of(controller.resource);
  if (const auto* meta = informer ? informer->cache().meta(run.item.key) : nullptr) {
    events_.tell(controller.name, controller.resource, *meta, run.plan.notes);
  }
}

void Manager::ended(Run& run, End end) {
  switch (end) {
    case End::kDone:
      return settle(run);
    case End::kRefused:
      if (run.met_ghost()) return settle(run);
      queue_.failed(run.item, boot_now(), Duration(1'000));
      return finish(run);
    case End::kFailed:
      queue_.failed(run.item, boot_now(), kube::retry_after(run.error));
      return finish(run);
    case End::kTaken:
      queue_.add(run.item, boot_now());
      queue_.done(run.item);
      return finish(run);
  }
}

void Manager::settle(Run& run) {
  run.call.reset();
  if (run.plan.look_again) queue_.add(run.item, boot_now() + *run.plan.look_again);
  if (run.arrived()) {
    queue_.done(run.item);
    return finish(run);
  }
  run.parked_at = boot_now();
  --active_;
  if (draining_) return finish(run);
  if (!park_timer_) park_timer_ = loop_.after(kLongestPark, [this] { resync_doubtful(); });
  arm();  // another may run in its place
}

void Manager::check_parked() {
  if (synced_ && synced()) std::exchange(synced_, nullptr)();
  for (auto run = runs_.begin(); run != runs_.end();) {
    auto current = run++;
    if (current->parked_at == Instant{} || !current->arrived()) continue;
    queue_.done(current->item);
    runs_.erase(current);
  }
  arm();
}

void Manager::resync_doubtful() {
  const auto now = boot_now();
  bool parked = false;
  for (auto& run : runs_) {
    if (run.parked_at == Instant{}) continue;
    parked = true;
    if (now - run.parked_at < kLongestPark) continue;
    run.parked_at = now;
    for (const auto& awaited : run.awaited) {
      log(Level::kWarning, "the watch does not tell of an own write; listing again",
          {{"resource", std::string(awaited.cache->resource().plural)}, {"object", awaited.key.text()}});
      watched_.of(awaited.cache->resource())->resync();
    }
  }
  park_timer_ = parked ? loop_.after(kLongestPark / 2, [this] { resync_doubtful(); }) : net::Handle();
}

void Manager::finish(Run& run) {
  if (run.parked_at == Instant{}) --active_;
  // Runs end from callbacks of their own call: the handle must outlive the callback.
  loop_.post([handle = std::make_shared<net::Handle>(std::move(run.call))] {});
  runs_.remove_if([&](const Run& other) { return &other == &run; });
  if (draining_ && runs_.empty() && idle_) return loop_.post(std::exchange(idle_, nullptr));
  arm();
}

std::string Manager::metrics() const {
  std::string out;
  const auto line = [&](const std::string& name, const std::string& labels, std::uint64_t value) {
    out += name + (labels.empty() ? "" : "{" + labels + "}") + " " + std::to_string(value) + "\n";
  };
  out += "# TYPE controller_runtime_reconcile_total counter\n";
  for (const auto& controller : controllers_) {
    line("controller_runtime_reconcile_total", "controller=\"" + controller.name + "\"", controller.runs);
  }
  out += "# TYPE controller_runtime_reconcile_errors_total counter\n";
  for (const auto& controller : controllers_) {
    line("controller_runtime_reconcile_errors_total", "controller=\"" + controller.name + "\"", controller.errors);
  }
  out += "# TYPE workqueue_depth gauge\n";
  line("workqueue_depth", "name=\"knfe\"", queue_.size());
  out += "# TYPE knfe_cached_objects gauge\n";
  for (const auto* informer : watched_.all()) {
    line("knfe_cached_objects", "resource=\"" + std::string(informer->cache().resource().plural) + "\"",
         informer->cache().size());
  }
  out += "# TYPE knfe_lists_total counter\n";
  for (const auto* informer : watched_.all()) {
    line("knfe_lists_total", "resource=\"" + std::string(informer->cache().resource().plural) + "\"", informer->lists());
  }
  out += "# TYPE knfe_api_requests_total counter\n";
  for (const auto& [count, value] : api_.counts()) {
    line("knfe_api_requests_total",
         "verb=\"" + count.verb + "\",resource=\"" + count.resource + "\",code=\"" + std::to_string(count.status) + "\"", value);
  }
  return out;
}

}  // namespace knfe::runtime
