// Plan: what a reconcile has decided. A value: the Manager carries it out, tests look at it.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "api/object.h"
#include "api/value_digest.h"
#include "base/clock.h"

namespace knfe::runtime {

// One write to the API server.
struct Action {
  enum class Verb {
    kApply,      // server-side apply of `body`
    kCreate,     // create `body`; that the name is taken is learned, not an error
    kPatch,      // merge patch `body`
    kDelete,     // if uid (and resource_version, where given) still hold
    kConfirm,    // read live: goes on only if what has this name is `uid` and is not being deleted
    kProve,      // read live: goes on only if no is_disproof() stands under this name
    kProveNone,  // list live: goes on only if nothing in this namespace has the labels of `selector`
  };
  Verb verb = Verb::kApply;
  api::Resource resource;
  api::Key key;
  std::string subresource;
  Json body;  // of what is there: with its metadata.uid, so that a later life under the same name is not meant
  api::Uid uid;
  api::Version resource_version;
  std::string selector;
  std::string manager;   // field manager; empty: the operator's own
  bool orphans = false;  // kProve: what belongs to nobody counts, too
  bool fresh = false;    // kApply: the cache has nothing of this name

  std::string text() const;  // "apply networkfunctions ns/name"
};

const char* name_of(Action::Verb verb);  // "apply"

// For people: becomes an Event (events.k8s.io) about the object that was reconciled.
struct Note {
  bool warning = false;
  std::string reason;
  std::string message;
};

struct Plan {
  std::vector<Action> actions;   // in this order; the first that fails ends the run
  std::optional<Action> status;  // last; also written when an action was refused for good
  std::vector<Note> notes;       // told once `status` is written
  std::optional<Duration> look_again;

  // Then, or sooner.
  void look_within(Duration wait) { look_again = look_again ? std::min(*look_again, wait) : wait; }
  bool settled() const { return actions.empty() && !status; }
};

// What a plan may know beside the caches.
struct Moment {
  std::string wall;  // RFC 3339, for transition times
  Instant now{};
  const Error* refusal = nullptr;  // why the API server refused for good what this object wanted last; not stored anywhere
};

// Adds an apply of `desired` unless `live` (null: absent) holds it already.
void apply_if_different(Plan& plan, const api::Resource& resource, Json desired, const api::Meta* live);
Action delete_of(const api::Resource& resource, const api::Meta& meta);
// What follows in the plan happens only if no object of this name has this UID or is controlled by its owner.
Action proof_of_absence(const api::Resource& resource, const api::Key& key, const api::Uid& uid);
// What follows in the plan happens only if nothing in this namespace has these labels ("a=b").
Action proof_of_none(const api::Resource& resource, const std::string& ns, const std::string& selector);
// Whether `live` (null: nothing) is what a proof of absence says is not there: what is the UID or belongs to it; without UID
// anything.
bool is_disproof(const Action& proof, const Json& live);
// Whether what is there is the child that was to be made, of the same parent; what nobody is to own is known by its labels.
bool is_same_child(const Json& live, const Json& wanted);
// What follows in the plan happens only if this very object is there, and is to stay.
Action confirmation(const api::Resource& resource, const api::Meta& meta);
// The merge patch that makes one member of the metadata `value`, if nobody has changed the object since it was read.
Action metadata_patch(const api::Resource& resource, const api::Meta& meta, std::string_view member, Json value);
// Those that put one finalizer on and take it off.
Action finalizer_addition(const api::Resource& resource, const api::Meta& meta, std::string_view finalizer);
Action finalizer_removal(const api::Resource& resource, const api::Meta& meta, std::string_view finalizer);

// Builds conditions upon those that are there: a transition time moves only with its status, and each transition becomes a Note.
class ConditionWriter {
 public:
  ConditionWriter(const api::Conditions& live, const api::Meta& meta, const Moment& moment)
      : live_(live), meta_(meta), moment_(moment) {}

  void set(std::string_view type, bool status, std::string_view reason, std::string_view message);
  // Ready with the kstatus pair: ready; or under way (`stalled` false); or stuck until somebody acts. A refusal by the
  // API server overrides all of that.
  void set_ready(bool ready, bool stalled, std::string_view reason, std::string_view message);

  api::Conditions conditions;
  std::vector<Note> notes;

 private:
  void set_text(std::string_view type, std::string_view status, std::string_view reason, std::string_view message);

  const api::Conditions& live_;
  const api::Meta& meta_;
  const Moment& moment_;
};

// The status write that makes `live` say `wanted`, if it does not yet.
template <class T>
void write_status(Plan& plan, const T& live, const decltype(T::status)& wanted, std::vector<Note> notes) {
  if (api::digest_of_status(wanted) == live.meta.status_digest) return;
  JsonObject object = api::skeleton(T::resource, live.meta.key);
  object["metadata"].as_object()["uid"] = live.meta.uid.text();
  object["status"] = api::encode(wanted);
  Action action;
  action.resource = T::resource;
  action.key = live.meta.key;
  action.subresource = "status";
  action.body = std::move(object);
  plan.status = std::move(action);
  plan.notes = std::move(notes);
}

// What an object says that is being deleted and still there, because what hangs on it goes first (foreground deletion, a
// finalizer).
template <class T>
Plan plan_end(const T& live, const Moment& moment) {
  Plan plan;
  ConditionWriter write(live.status.conditions, live.meta, moment);
  write.set_ready(false, false, "Deleting", "It is being deleted: what it is made of goes first.");
  auto status = live.status;
  status.observed_generation = live.meta.generation;
  status.conditions = std::move(write.conditions);
  write_status(plan, live, status, std::move(write.notes));
  return plan;
}

}  // namespace knfe::runtime
