#include "runtime/manager.h"

#include <algorithm>

#include "base/log.h"
#include "base/text.h"

namespace knfe::runtime {

namespace {

constexpr std::size_t kMostRuns = 64;
constexpr Duration kLongestPark{10'000};
constexpr api::Resource kEvents{"events.k8s.io", "v1", "Event", "events"};

std::string counted_as(const Action& action) {
  return std::string(action.resource.plural) + (action.subresource.empty() ? "" : "/" + action.subresource);
}

// Retrying the same cannot help: somebody has to act. (Not found, after a write: the kind itself is not there.)
bool for_good(const Error& error) {
  return error.code == Code::kInvalid || error.code == Code::kForbidden || error.code == Code::kNotFound ||
         error.code == Code::kAlreadyExists;
}

const Json kNothing;

// Whether what is there is the child that was to be made, of the same parent.
bool is_same_child(const Json& live, const Json& wanted) {
  const Json& ours = at(wanted, "metadata", "ownerReferences");
  for (const auto& owner : as_array(at(live, "metadata", "ownerReferences"))) {
    for (const auto& parent : as_array(ours)) {
      if (at(owner, "uid") == at(parent, "uid")) return true;
    }
  }
  return false;
}

std::string what(const Action& action) { return std::string(action.resource.kind) + " " + action.key.name; }

Error name_taken(const Action& action) {
  return {Code::kAlreadyExists, what(action) + " exists and belongs to somebody else", {}, "rename one of the two", 0};
}

}  // namespace

Manager::Manager(net::Loop& loop, kube::ApiClient& api, std::function<bool()> may_write)
    : loop_(loop), api_(api), may_write_(std::move(may_write)) {}

void Manager::add_informer(kube::InformerBase& informer) {
  informers_.push_back(&informer);
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
  for (auto* informer : informers_) informer->start();
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

bool Manager::synced() const {
  return std::all_of(informers_.begin(), informers_.end(), [](const auto* informer) { return informer->cache().synced(); });
}

kube::InformerBase* Manager::informer_of(const api::Resource& resource) const {
  const auto found = std::find_if(informers_.begin(), informers_.end(),
                                  [&](const auto* informer) { return informer->cache().resource() == resource; });
  return found == informers_.end() ? nullptr : *found;
}

bool Manager::sees_all_of(const api::Resource& resource) const {
  const auto* informer = informer_of(resource);
  return informer && informer->scope().label_selector.empty();
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
  Run& run = runs_.emplace_back();
  ++active_;
  run.item = item;
  run.plan = controller.planner(item.key, {wall_seconds(), boot_now(), nullptr});
  step(run);
}

void Manager::step(Run& run) {
  if (!run.only_status && run.next < run.plan.actions.size()) return perform(run, run.plan.actions[run.next]);
  if (run.plan.status) return perform(run, *run.plan.status);
  settle(run);
}

void Manager::perform(Run& run, const Action& action) {
  // The lease may have been lost since the plan was made.
  if (!may_write_()) return failed(run, action, {Code::kCanceled, "not the leader any more", {}, {}, 0});
  if (action.verb == Action::Verb::kConfirm) return confirm(run, action);
  if (action.verb == Action::Verb::kProve) return prove_absence(run, action);
  const bool may_meet_anothers = action.verb == Action::Verb::kApply && action.fresh && !sees_all_of(action.resource);
  // What the cache does not know may have been made by somebody a moment ago: that is not taken over.
  return may_meet_anothers ? look_first(run, action) : send(run, action, !action.fresh);
}

// Null where nothing has the name. That nobody could say is a failure.
void Manager::read_live(Run& run, const Action& action, std::function<void(const Json& live)> then) {
  run.call = api_.call(action.resource.plural, "get", kube::get_request(action.resource, action.key),
                       [this, &run, &action, then = std::move(then)](const Result<Json>& live) {
                         if (live) return then(*live);
                         if (live.error().code == Code::kNotFound) return then(kNothing);
                         failed(run, action, live.error());
                       });
}

void Manager::confirm(Run& run, const Action& action) {
  read_live(run, action, [this, &run, &action](const Json& live) {
    const Json& metadata = at(live, "metadata");
    if (as_string(at(metadata, "uid")) != action.uid || !at(metadata, "deletionTimestamp").is_null()) {
      return failed(run, action, {Code::kConflict, what(action) + " is not there any more, or about to go", {}, {}, 0});
    }
    ++run.next;
    step(run);
  });
}

void Manager::prove_absence(Run& run, const Action& action) {
  read_live(run, action, [this, &run, &action](const Json& live) {
    const auto& owners = as_array(at(live, "metadata", "ownerReferences"));
    const bool there =
        as_string(at(live, "metadata", "uid")) == action.uid ||
        std::any_of(owners.begin(), owners.end(), [&](const Json& owner) { return as_string(at(owner, "uid")) == action.uid; });
    if (there) return failed(run, action, still_there(action, live));
    ++run.next;
    step(run);
  });
}

// What was read live is shown to the cache, for the next plan. If that has already seen it go, its label was taken off, say:
// somebody has to act.
Error Manager::still_there(const Action& action, const Json& live) {
  auto* informer = informer_of(action.resource);
  if (informer) informer->ingest(live);
  if (informer && informer->cache().meta(action.key)) return {Code::kConflict, what(action) + " is still there", {}, {}, 0};
  return {Code::kAlreadyExists,
          what(action) + " is there, but the watch does not show it",
          {},
          "restore its labels, or delete it",
          0};
}

// An apply would take over what stands there, and a cache of labelled objects cannot tell.
void Manager::look_first(Run& run, const Action& action) {
  read_live(run, action, [this, &run, &action](const Json& live) {
    if (!live.is_null() && !is_same_child(live, action.body)) return failed(run, action, name_taken(action));
    send(run, action, true);
  });
}

void Manager::send(Run& run, const Action& action, bool force) {
  const std::string& manager = action.manager.empty() ? api_.name() : action.manager;
  net::Request request;
  const char* verb = "apply";
  switch (action.verb) {
    case Action::Verb::kApply:
      request = kube::apply_request(action.resource, action.body, action.subresource, manager, force);
      break;
    case Action::Verb::kCreate:
      verb = "create";
      request = kube::create_request(action.resource, action.body);
      break;
    case Action::Verb::kPatch:
      verb = "patch";
      request = kube::merge_patch_request(action.resource, action.key, action.body, action.subresource, manager);
      break;
    case Action::Verb::kDelete:
      verb = "delete";
      request = kube::delete_request(action.resource, action.key, {action.uid, action.resource_version});
      break;
    case Action::Verb::kConfirm:
    case Action::Verb::kProve:
      KNFE_CHECK(false && "a proof is read, not sent");
  }
  run.call = api_.call(counted_as(action), verb, std::move(request),
                       [this, &run, &action](const Result<Json>& answer) { answered(run, action, answer); });
}

void Manager::answered(Run& run, const Action& action, const Result<Json>& answer) {
  const bool is_delete = action.verb == Action::Verb::kDelete;
  if (!answer) {
    const Code code = answer.error().code;
    if (action.verb == Action::Verb::kCreate && code == Code::kAlreadyExists) return learn_taken(run, action);
    // What was to be changed is gone: nothing of it is left to change. (A kind that is not there is another matter.)
    const bool changes = is_delete || action.verb == Action::Verb::kPatch || !action.subresource.empty();
    if (code != Code::kNotFound || !changes) return failed(run, action, answer.error());
  }
  const bool gone = !answer;
  if (auto* informer = informer_of(action.resource)) {
    const auto version = gone ? std::string() : std::string(as_string(at(*answer, "metadata", "resourceVersion")));
    const auto* meta = informer->cache().meta(action.key);
    if (is_delete) {
      run.awaited.push_back({&informer->cache(), action.key, {}, action.uid, {}});
    } else if (gone && meta) {
      // Until the cache knows, too, each plan would be one for a ghost.
      run.awaited.push_back({&informer->cache(), action.key, {}, {}, meta->uid});
    } else if (!version.empty()) {
      run.awaited.push_back({&informer->cache(), action.key, version, {}, {}});
    }
  }
  const bool was_status = run.plan.status && &action == &*run.plan.status;
  if (was_status) {
    if (!gone) tell(run);
    run.plan.status.reset();
  } else {
    ++run.next;
  }
  step(run);
}

// A create met its name. What stands there decides, read live: the next plan sees it.
void Manager::learn_taken(Run& run, const Action& action) {
  read_live(run, action, [this, &run, &action](const Json& live) {
    if (!live.is_null()) {
      if (!sees_all_of(action.resource) && !is_same_child(live, action.body)) return failed(run, action, name_taken(action));
      if (const auto why = still_there(action, live); why.code == Code::kAlreadyExists) return failed(run, action, why);
    }
    queue_.add(run.item, boot_now());
    queue_.done(run.item);
    finish(run);
  });
}

void Manager::failed(Run& run, const Action& action, const Error& error) {
  auto& controller = controllers_[run.item.controller];
  ++controller.errors;
  log(for_good(error) ? Level::kWarning : Level::kInfo, "a write failed",
      {{"controller", controller.name},
       {"object", run.item.key.text()},
       {"write", action.text()},
       {"code", std::string(name(error.code))},
       {"error", error.text()}});
  run.call.reset();
  if (for_good(error) && !run.only_status) {
    run.only_status = true;
    run.refusal = error;
    Plan said = controller.planner(run.item.key, {wall_seconds(), boot_now(), &run.refusal});
    run.plan.status = std::move(said.status);
    run.plan.notes = std::move(said.notes);
    if (run.plan.status) return step(run);
  }
  queue_.failed(run.item, boot_now(), kube::retry_after(error));
  finish(run);
}

// Events are for people and may be lost: no retry, and of each controller at most twenty in ten seconds.
void Manager::tell(const Run& run) {
  const auto now = boot_now();
  auto& controller = controllers_[run.item.controller];
  std::erase_if(controller.recent_events, [&](Instant at) { return now - at > std::chrono::seconds(10); });
  const auto& resource = controller.resource;
  const auto* informer = informer_of(resource);
  const auto* meta = informer ? informer->cache().meta(run.item.key) : nullptr;
  if (!meta) return;
  for (const auto& note : run.plan.notes) {
    if (controller.recent_events.size() >= 20) return;
    controller.recent_events.push_back(now);
    const std::string stamp = wall_micros();
    const std::string name = run.item.key.name + "." + api::hex64(api::hash64(note.reason + note.message + stamp));
    JsonObject event = api::skeleton(kEvents, {run.item.key.ns, name});
    event["eventTime"] = stamp;
    event["type"] = note.warning ? "Warning" : "Normal";
    event["reason"] = note.reason;
    event["note"] = cut(note.message, 1000);
    event["action"] = "Reconcile";
    event["reportingController"] = api_.name() + "/" + controller.name;
    event["reportingInstance"] = api_.name();
    event["regarding"] = JsonObject{{"apiVersion", resource.api_version()},
                                    {"kind", resource.kind},
                                    {"namespace", meta->key.ns},
                                    {"name", meta->key.name},
                                    {"uid", meta->uid}};
    const auto slot = events_in_flight_.emplace(events_in_flight_.end());
    *slot = api_.call(kEvents.plural, "create", kube::create_request(kEvents, event),
                      [this, slot](const Result<Json>&) { loop_.post([this, slot] { events_in_flight_.erase(slot); }); });
  }
}

void Manager::settle(Run& run) {
  run.call.reset();
  const bool ghost =
      std::any_of(run.awaited.begin(), run.awaited.end(), [](const Awaited& awaited) { return !awaited.gone_uid.empty(); });
  if (run.only_status && !ghost) {
    queue_.failed(run.item, boot_now(), Duration(1'000));
    return finish(run);
  }
  if (run.plan.look_again) queue_.add(run.item, boot_now() + *run.plan.look_again);
  std::erase_if(run.awaited, [this](const Awaited& awaited) { return arrived(awaited); });
  if (run.awaited.empty()) {
    queue_.done(run.item);
    return finish(run);
  }
  run.parked_at = boot_now();
  --active_;
  if (draining_) return finish(run);
  if (!park_timer_) park_timer_ = loop_.after(kLongestPark, [this] { resync_doubtful(); });
  arm();  // another may run in its place
}

bool Manager::arrived(const Awaited& awaited) const {
  const auto* meta = awaited.cache->meta(awaited.key);
  if (!awaited.gone_uid.empty()) return !meta || meta->uid != awaited.gone_uid;
  if (awaited.deleted_uid.empty()) return awaited.cache->reached(awaited.version);
  return !meta || meta->uid != awaited.deleted_uid || meta->deleting;
}

void Manager::check_parked() {
  if (synced_ && synced()) std::exchange(synced_, nullptr)();
  for (auto run = runs_.begin(); run != runs_.end();) {
    auto current = run++;
    if (current->parked_at == Instant{}) continue;
    std::erase_if(current->awaited, [this](const Awaited& awaited) { return arrived(awaited); });
    if (!current->awaited.empty()) continue;
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
      informer_of(awaited.cache->resource())->resync();
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
  for (const auto* informer : informers_) {
    line("knfe_cached_objects", "resource=\"" + std::string(informer->cache().resource().plural) + "\"",
         informer->cache().size());
  }
  out += "# TYPE knfe_lists_total counter\n";
  for (const auto* informer : informers_) {
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
