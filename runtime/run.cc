#include "runtime/run.h"

#include <algorithm>

#include "kube/discovery.h"
#include "runtime/history.h"
#include "runtime/pace.h"

namespace knfe::runtime {

namespace {

std::string counted_as(const Action& action) {
  return std::string(action.resource.plural) + (action.subresource.empty() ? "" : "/" + action.subresource);
}

const Json kNothing;

bool is_proof(Action::Verb verb) {
  return verb == Action::Verb::kConfirm || verb == Action::Verb::kProve || verb == Action::Verb::kProveNone;
}

std::string what(const Action& action) { return std::string(action.resource.kind) + " " + action.key.name; }

Error name_taken(const Action& action) {
  return {Code::kAlreadyExists, what(action) + " exists and belongs to somebody else", {}, "rename one of the two", 0};
}

}  // namespace

bool for_good(const Error& error) {
  return error.code == Code::kInvalid || error.code == Code::kForbidden || error.code == Code::kNotFound ||
         error.code == Code::kUnserved || error.code == Code::kAlreadyExists;
}

bool Awaited::arrived() const {
  // Nobody waits for a kind that is not served: it is listed anew when it is, before anybody believes what is known of it.
  if (!informer->served()) return true;
  const auto& cache = informer->cache();
  if (cache.rewinds() > life) return true;  // lost, or in the list
  const auto* meta = cache.meta(key);
  if (!gone_uid.empty()) return !meta || meta->uid != gone_uid;
  if (deleted_uid.empty()) return cache.reached(version);
  return !meta || meta->uid != deleted_uid || meta->deleting;
}

Run::Run(RunHost& host, kube::ApiClient& api, const Watched& watched, Queue::Taken what_is_due, std::string its_id)
    : taken(std::move(what_is_due)), id(std::move(its_id)), host_(host), api_(api), watched_(watched) {}

void Run::decide(Plan decided) {
  plan = std::move(decided);
  decision = text_of(plan);
  where = Pace::where(item, plan);
}

void Run::begin() { step(); }

bool Run::arrived() {
  std::erase_if(awaited, [](const Awaited& one) { return one.arrived(); });
  return awaited.empty();
}

bool Run::met_ghost() const {
  return std::any_of(awaited.begin(), awaited.end(), [](const Awaited& one) { return !one.gone_uid.empty(); });
}

void Run::step() {
  if (!only_status_ && next_ < plan.actions.size()) return perform(plan.actions[next_]);
  if (plan.status) return perform(*plan.status);
  host_.ended(*this, only_status_ ? RunHost::End::kRefused : RunHost::End::kDone);
}

void Run::perform(const Action& action) {
  progressed = boot_now();
  if (action.verb == Action::Verb::kConfirm) return confirm(action);
  if (action.verb == Action::Verb::kProve) return prove_absence(action);
  if (action.verb == Action::Verb::kProveNone) return prove_none(action);
  const bool may_meet_anothers = action.verb == Action::Verb::kApply && action.fresh && !watched_.sees_all_of(action.resource);
  // What the cache does not know may have been made by somebody a moment ago: that is not taken over.
  return may_meet_anothers ? look_first(action) : send(action, !action.fresh);
}

// Null where nothing has the name. That nobody could say is a failure.
void Run::read_live(const Action& action, std::function<void(const Json& live)> then) {
  call = api_.call(action.resource.plural, "get", kube::get_request(action.resource, action.key),
                   [this, &action, then = std::move(then)](const Result<Json>& live) {
                     if (live) return then(*live);
                     if (live.error().code == Code::kNotFound) return then(kNothing);
                     // Who knows no such kind has not said that nothing of it is there.
                     if (live.error().code == Code::kUnserved && action.verb == Action::Verb::kProve)
                       return prove_vanished(action);
                     failed(action, live.error());
                   });
}

void Run::prove_vanished(const Action& action) {
  call = kube::ask_whether_vanished(api_, action.resource, [this, &action](const Result<void>& vanished) {
    if (!vanished) return failed(action, vanished.error());
    ++next_;
    step();
  });
}

void Run::confirm(const Action& action) {
  read_live(action, [this, &action](const Json& live) {
    const Json& metadata = at(live, "metadata");
    if (as_string(at(metadata, "uid")) != action.uid || !at(metadata, "deletionTimestamp").is_null()) {
      return failed(action, {Code::kConflict, what(action) + " is not there any more, or about to go", {}, {}, 0});
    }
    ++next_;
    step();
  });
}

void Run::prove_absence(const Action& action) {
  read_live(action, [this, &action](const Json& live) {
    if (is_disproof(action, live)) return failed(action, still_there(action, live));
    ++next_;
    step();
  });
}

void Run::prove_none(const Action& action) {
  call =
      api_.call(action.resource.plural, "list", kube::list_request(action.resource, {action.key.ns, action.selector, {}}, 1, {}),
                [this, &action](const Result<Json>& page) {
                  if (!page) return failed(action, page.error());
                  if (!at(*page, "items").is_array() || !as_array(at(*page, "items")).empty()) {
                    const std::string one = std::string(action.resource.kind) + " with " + action.selector;
                    return failed(action, {Code::kConflict, "there still is a " + one, {}, {}, 0});
                  }
                  ++next_;
                  step();
                });
}

// What was read live is shown to the cache, for the next plan. If that has already seen it go, its label was taken off, say:
// somebody has to act.
Error Run::still_there(const Action& action, const Json& live) {
  auto* informer = watched_.of(action.resource);
  if (informer) informer->ingest(live);
  if (informer && informer->cache().meta(action.key)) return {Code::kConflict, what(action) + " is still there", {}, {}, 0};
  Action only_own = action;
  only_own.orphans = false;
  if (action.orphans && !is_disproof(only_own, live)) {
    return {Code::kAlreadyExists,
            what(action) + " exists and belongs to nobody",
            {},
            "delete it, or make it under another name: whatever it is, it stands in the way",
            0};
  }
  return {Code::kAlreadyExists,
          what(action) + " is there, but the watch does not show it",
          {},
          "restore its labels, or delete it",
          0};
}

// An apply would take over what stands there, and a cache of labelled objects cannot tell.
void Run::look_first(const Action& action) {
  read_live(action, [this, &action](const Json& live) {
    if (!live.is_null() && !is_same_child(live, action.body)) return failed(action, name_taken(action));
    send(action, true);
  });
}

net::Request Run::request_of(const Action& action, bool force) const {
  const std::string& manager = action.manager.empty() ? api_.name() : action.manager;
  switch (action.verb) {
    case Action::Verb::kApply:
      return kube::apply_request(action.resource, action.body, action.subresource, manager, force);
    case Action::Verb::kCreate:
      return kube::create_request(action.resource, action.body);
    case Action::Verb::kPatch:
      return kube::merge_patch_request(action.resource, action.key, action.body, action.subresource, manager);
    case Action::Verb::kDelete:
      return kube::delete_request(action.resource, action.key, {action.uid, action.resource_version});
    case Action::Verb::kConfirm:
    case Action::Verb::kProve:
    case Action::Verb::kProveNone:
      break;
  }
  KNFE_CHECK(false && "a proof is read, not sent");
}

std::uint64_t Run::content() const {
  std::uint64_t out = content_;
  for (auto i = next_; i < plan.actions.size(); ++i) {
    const auto& action = plan.actions[i];
    if (!is_proof(action.verb) && action.subresource.empty()) out = api::hash64(request_of(action, true).body, out);
  }
  return out;
}

void Run::send(const Action& action, bool force) {
  // The lease may have been lost since the plan was made, or while something was read for it.
  if (!host_.may_write())
    return failed(action, {Code::kCanceled, "not written: this one does not lead any more, or is about to end", {}, {}, 0});
  auto request = request_of(action, force);
  if (action.subresource.empty()) content_ = api::hash64(request.body, content_);
  const char* verb = name_of(action.verb);
  call = api_.call(counted_as(action), verb, std::move(request), [this, &action, verb](const Result<Json>& answer) {
    if (answer || answer.error().code == Code::kConflict) host_.wrote(action, verb, effect_of(action, answer));
    answered(action, answer);
  });
}

const char* Run::effect_of(const Action& action, const Result<Json>& answer) const {
  if (!answer) return "conflict";
  const auto* informer = watched_.of(action.resource);
  const auto* known = informer ? informer->cache().meta(action.key) : nullptr;
  return known && known->resource_version == as_string(at(*answer, "metadata", "resourceVersion")) ? "noop" : "changed";
}

void Run::answered(const Action& action, const Result<Json>& answer) {
  if (!answer) {
    const Code code = answer.error().code;
    if (action.verb == Action::Verb::kCreate && code == Code::kAlreadyExists) return learn_taken(action);
    // What was to be changed is gone: nothing of it is left to change. (A kind that is not there is another matter.)
    const bool changes =
        action.verb == Action::Verb::kDelete || action.verb == Action::Verb::kPatch || !action.subresource.empty();
    if (code != Code::kNotFound || !changes) return failed(action, answer.error());
  }
  await(action, answer ? *answer : kNothing);
  const bool was_status = plan.status && &action == &*plan.status;
  if (was_status) {
    if (answer) host_.told(*this);
    plan.status.reset();
  } else {
    ++next_;
  }
  step();
}

void Run::await(const Action& action, const Json& answer) {
  auto* informer = watched_.of(action.resource);
  if (!informer) return;
  const api::Version version = as_string(at(answer, "metadata", "resourceVersion"));
  if (action.verb == Action::Verb::kDelete) {
    awaited.push_back({informer, action.key, {}, action.uid, {}});
  } else if (answer.is_null()) {
    // Until the cache knows, too, each plan would be one for a ghost. (It may know already, and of a next life.)
    if (const auto uid = as_string(at(action.body, "metadata", "uid")); !uid.empty())
      awaited.push_back({informer, action.key, {}, {}, uid});
  } else if (!version.empty()) {
    awaited.push_back({informer, action.key, version, {}, {}});
  }
}

// A create met its name. What stands there decides, read live: the next plan sees it.
void Run::learn_taken(const Action& action) {
  read_live(action, [this, &action](const Json& live) {
    if (!live.is_null()) {
      if (!watched_.sees_all_of(action.resource) && !is_same_child(live, action.body)) return failed(action, name_taken(action));
      if (const auto why = still_there(action, live); why.code == Code::kAlreadyExists) return failed(action, why);
    }
    host_.ended(*this, RunHost::End::kTaken);
  });
}

void Run::failed(const Action& action, const Error& why) {
  host_.write_failed(*this, action, why);
  call.reset();
  error = why;
  if (for_good(why) && !only_status_) {
    only_status_ = true;
    Plan said = host_.plan_refused(*this, error);
    plan.status = std::move(said.status);
    plan.notes = std::move(said.notes);
    if (plan.status) return step();
  }
  host_.ended(*this, RunHost::End::kFailed);
}

}  // namespace knfe::runtime
