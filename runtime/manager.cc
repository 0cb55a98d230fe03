#include "runtime/manager.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "base/log.h"
#include "base/memory.h"

namespace knfe::runtime {

namespace {

constexpr Duration kLongestPark{10'000};
constexpr Duration kAfterThrow{30'000};
constexpr Duration kStuck{300'000};
constexpr std::size_t kAtOnce = 64;  // plans, before the loop gets to its sockets: less than a millisecond

}  // namespace

Manager::Manager(net::Loop& loop, kube::ApiClient& api, std::function<bool()> may_write)
    : loop_(loop), api_(api), may_write_(std::move(may_write)), events_(loop, api), seed_(api::hash64(wall_micros())) {}

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

bool is_edit(const api::Meta* before, const api::Meta& after) {
  if (after.controller()) return false;
  return !before || before->generation != after.generation || before->deleting != after.deleting ||
         before->labels != after.labels || before->annotations != after.annotations;
}

void Manager::enqueue(std::size_t controller, const api::Key& key, Duration delay, Priority priority) {
  if (controllers_[controller].each) {
    // Who does not lead works off nothing: the names that it hears of until it does would be without end.
    if (!may_write_()) all_begun_ = false;
    // While the first lists come, a hundred thousand keys would wait here, and leave holes between the objects afterwards.
    if (!all_begun_) return;
  }
  ++controllers_[controller].adds;
  queue_.add({controller, key}, boot_now() + delay, all_begun_ || synced() ? priority : Priority::kList);
  arm();
}

void Manager::kick() {
  if (!all_begun_ && synced()) begin_all();
  arm();
}

void Manager::hold(Instant until) {
  held_until_ = std::max(held_until_, until);
  arm();
}

void Manager::drain(std::function<void()> idle) {
  draining_ = true;
  idle_ = std::move(idle);
  resting_.clear();  // nothing of it is in flight
  if (runs_.empty()) std::exchange(idle_, nullptr)();
}

// A burst of events costs one wake-up of the loop. A timer is set only if it has to ring earlier than the one that is: each
// costs a system call, and one that rings for nothing does not hurt.
void Manager::arm() {
  if (pumping_ || pump_posted_) return;
  const auto due = queue_.next_due();
  if (!due) return;
  const auto now = boot_now();
  const auto when = std::max(*due, held_until_);
  if (when <= now) {
    pump_posted_ = true;
    return loop_.post([this] { pump(); });
  }
  if (when >= rings_) return;
  rings_ = when;
  timer_ = loop_.after(when - now, [this] {
    rings_ = Instant::max();
    arm();
  });
}

void Manager::pump() {
  pump_posted_ = false;
  if (draining_ || !synced() || !may_write_()) return;
  if (boot_now() < held_until_) return arm();
  pumping_ = true;
  std::size_t begun = 0;
  for (; begun < kAtOnce && runs_.size() < most_runs; ++begun) {
    const auto taken = queue_.take(boot_now());
    if (!taken) break;
    begin(*taken);
  }
  pumping_ = false;
  if (queue_.size() == 0 && all_begun_ && std::exchange(first_look_, false)) {
    queue_.shrink();
    return_free_memory();
  }
  if (begun == kAtOnce) {
    pump_posted_ = true;
    return loop_.post_later([this] { pump(); });
  }
  if (runs_.size() < most_runs) arm();
}

void Manager::begin(const Queue::Taken& taken) {
  controllers_[taken.item.controller].waited.observe(static_cast<double>(taken.waited.count()) / 1000);
  const std::string id = api::hex64(api::hash64(std::to_string(++begun_), seed_));
  Run& run = runs_.emplace_back(static_cast<RunHost&>(*this), api_, watched_, taken, id);
  if (is_unserved(run.item)) {
    not_planned_.insert(run.item);
    run.decide({});
    return run.begin();
  }
  run.decide(plan_for(run, nullptr));
  if (run.where != 0) {
    const auto earliest = pace_.earliest(run.where, [&] { return run.content(); });
    if (earliest > boot_now()) return hold(run, earliest);
  }
  run.begin();
}

// What a plan throws (memory at its end, a library's complaint) ends that run, not the process.
Plan Manager::plan_for(const Run& run, const Error* refusal) {
  auto& controller = controllers_[run.item.controller];
  try {
    return controller.planner(run.item.key, {wall_seconds(), boot_now(), refusal});
  } catch (const std::exception& thrown) {
    ++controller.panics;
    log(Level::kError, "a plan has thrown",
        {{"controller", controller.name}, {"object", run.item.key.text()}, {"reconcile", run.id}, {"error", thrown.what()}});
  }
  Plan later;
  later.look_again = kAfterThrow;
  return later;
}

Plan Manager::plan_refused(const Run& run, const Error& refusal) { return plan_for(run, &refusal); }

void Manager::wrote(const Action& action, const char* verb, const char* effect) {
  ++effects_[{std::string(action.resource.plural) + (action.subresource.empty() ? "" : "/" + action.subresource), verb, effect}];
}

void Manager::write_failed(const Run& run, const Action& action, const Error& why) {
  auto& controller = controllers_[run.item.controller];
  ++controller.errors;
  controller.terminal += for_good(why);
  controller.timeouts += why.code == Code::kTimeout;
  log(for_good(why) ? Level::kWarning : Level::kInfo, "a write failed",
      {{"controller", controller.name},
       {"object", run.item.key.text()},
       {"reconcile", run.id},
       {"write", action.text()},
       {"code", std::string(name(why.code))},
       {"error", why.text()}});
}

void Manager::told(const Run& run) {
  const auto& controller = controllers_[run.item.controller];
  for (const auto& note : run.plan.notes) {
    log(note.warning ? Level::kWarning : Level::kInfo, note.message,
        {{"controller", controller.name}, {"object", run.item.key.text()}, {"reconcile", run.id}, {"reason", note.reason}});
  }
  const auto* informer = watched_.of(controller.resource);
  if (const auto* meta = informer ? informer->cache().meta(run.item.key) : nullptr) {
    events_.tell(controller.name, controller.resource, *meta, run.plan.notes, run.id);
  }
}

void Manager::count(const Run& run, End end, const std::string& outcome) {
  auto& controller = controllers_[run.item.controller];
  controller.worked.observe(boot_seconds() - run.started);
  if (end == End::kDone) controller.succeeded_at = boot_now();
  ++(end == End::kDone ? controller.succeeded : end == End::kTaken ? controller.requeued : controller.failed);
  static constexpr std::array kWhy{"edit", "change", "list"};
  std::string why = kWhy[static_cast<std::size_t>(run.taken.priority)];
  if (run.taken.failures) why += ", after failures: " + std::to_string(run.taken.failures);
  history_.add(run.item, {wall_seconds(), run.id, std::move(why), run.decision, outcome});
}

void Manager::hold(Run& run, Instant until) {
  count(run, End::kTaken, "held back: what it writes was undone each time of late");
  if (run.plan.look_again) until = std::min(until, boot_now() + *run.plan.look_again);
  run.look_again = until;
  run.look_as = run.taken.priority;
  settle(run);
}

void Manager::ended(Run& run, End end) {
  switch (end) {
    case End::kRefused:
    case End::kFailed:
      count(run, end, (end == End::kRefused ? "refused for good: " : "failed: ") + run.error.text());
      if (end == End::kRefused && run.met_ghost()) break;
      ++controllers_[run.item.controller].retries;
      run.backs_off = end == End::kRefused ? Duration(1'000) : kube::retry_after(run.error);
      return settle(run);
    case End::kTaken:
      count(run, end, "a name was taken: planned anew");
      queue_.add(run.item, boot_now());
      return settle(run);
    case End::kDone:
      if (run.where != 0) pace_.carried_out(run.where, run.content(), boot_now());
      count(run, end, "done");
      break;
  }
  if (run.plan.look_again) run.look_again = boot_now() + *run.plan.look_again;
  settle(run);
}

// However a run has ended: what it has written before is seen first.
void Manager::settle(Run& run) {
  run.call.reset();
  if (run.arrived()) {
    release(run);
    return finish(run);
  }
  ++controllers_[run.item.controller].parked;
  if (draining_) return finish(run);
  run.parked_at = run.doubted_at = boot_now();
  resting_.splice(resting_.end(), runs_, place_of(run));
  if (!park_timer_) park_timer_ = loop_.after(kLongestPark, [this] { resync_doubtful(); });
  arm();  // another may run in its place
}

void Manager::release(const Run& run) {
  if (run.backs_off) {
    queue_.failed(run.item, boot_now(), *run.backs_off);
  } else {
    queue_.done(run.item);
  }
  // After that: what a plan wants to look at again is no consequence of what set the run off, and has not its priority.
  if (run.look_again) queue_.add(run.item, *run.look_again, run.look_as);
}

// What is known of a kind that is not served may be the past, and nothing could be written of it.
bool Manager::is_unserved(const Item& item) const {
  const auto* informer = watched_.of(controllers_[item.controller].resource);
  return informer && !informer->served() && informer->cache().meta(item.key);
}

// What was refused because a kind was not there, or was not planned for, is tried again when it is.
void Manager::check_served() {
  bool comes = false;
  unserved_.resize(watched_.all().size());
  for (std::size_t i = 0; i < unserved_.size(); ++i) {
    const bool served = watched_.all()[i]->served();
    comes = comes || (served && unserved_[i]);
    unserved_[i] = !served;
  }
  if (!comes) return;
  queue_.hurry(boot_now());
  for (auto& run : resting_) {
    if (run.backs_off) run.look_again = boot_now();
    run.backs_off.reset();
  }
  for (const auto& item : std::exchange(not_planned_, {})) enqueue(item.controller, item.key);
}

void Manager::begin_all() {
  all_begun_ = true;
  const auto now = boot_now();
  for (std::size_t i = 0; i < controllers_.size(); ++i) {
    if (!controllers_[i].each) continue;
    controllers_[i].each([&](const api::Key& key) {
      ++controllers_[i].adds;
      queue_.add({i, key}, now, Priority::kList);
    });
  }
}

void Manager::check_parked() {
  check_served();
  if (!all_begun_ && synced() && may_write_()) begin_all();
  if (synced_ && synced()) std::exchange(synced_, nullptr)();
  for (auto run = resting_.begin(); run != resting_.end();) {
    auto current = run++;
    if (!current->arrived()) continue;
    watch_lag_.observe(static_cast<double>((boot_now() - current->parked_at).count()) / 1000);
    release(*current);
    resting_.erase(current);
  }
  arm();
}

void Manager::resync_doubtful() {
  const auto now = boot_now();
  for (auto& run : resting_) {
    if (now - run.doubted_at < kLongestPark) continue;
    run.doubted_at = now;
    for (const auto& awaited : run.awaited) {
      log(Level::kWarning, "the watch does not tell of an own write; listing again",
          {{"resource", std::string(awaited.informer->cache().resource().plural)}, {"object", awaited.key.text()}});
      awaited.informer->resync();
    }
  }
  park_timer_ = !resting_.empty() ? loop_.after(kLongestPark / 2, [this] { resync_doubtful(); }) : net::Handle();
}

std::list<Run>::iterator Manager::place_of(const Run& run) {
  return std::find_if(runs_.begin(), runs_.end(), [&](const Run& other) { return &other == &run; });
}

void Manager::finish(Run& run) {
  runs_.erase(place_of(run));
  if (draining_ && runs_.empty() && idle_) return loop_.post(std::exchange(idle_, nullptr));
  arm();
}

std::string Manager::stuck() const {
  for (const auto& run : runs_) {
    const auto still = boot_now() - run.progressed;
    if (still < kStuck) continue;
    return "a run of " + controllers_[run.item.controller].name + " " + run.item.key.text() + " stands still since " +
           std::to_string(still.count() / 1000) + " s";
  }
  return {};
}

std::string Manager::not_served() const {
  std::string out;
  for (const auto* informer : watched_.all()) {
    if (!informer->served()) out.append(out.empty() ? "" : ", ").append(informer->cache().resource().plural);
  }
  return out;
}

namespace {

bool same_word(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return std::tolower(x) == std::tolower(y); });
}

}  // namespace

Result<Json> Manager::explain(std::string_view kind, const api::Key& key) const {
  std::string kinds;
  for (std::size_t i = 0; i < controllers_.size(); ++i) {
    const auto& resource = controllers_[i].resource;
    kinds.append(kinds.empty() ? "" : ", ").append(resource.kind);
    if (!same_word(kind, resource.kind) && !same_word(kind, resource.plural)) continue;
    const auto* decisions = history_.of({i, key});
    if (!decisions) {
      return fail(Code::kNotFound, "nothing was decided about " + std::string(resource.kind) + " " + key.text() + " of late", {},
                  "is it there? has this replica led?");
    }
    return Json(
        JsonObject{{"kind", resource.kind}, {"namespace", key.ns}, {"name", key.name}, {"decisions", to_json(*decisions)}});
  }
  return fail(Code::kInvalid, "must be one of " + kinds, "kind " + std::string(kind));
}

}  // namespace knfe::runtime
