#include "runtime/plan.h"

#include <algorithm>

#include "base/text.h"

namespace knfe::runtime {

namespace {

// A refusal repeats what was refused, and passing it up adds a name at each step: the API server takes 32 KiB.
constexpr std::size_t kLongestMessage = 1'500;

// Of the very object with this UID.
Action about(Action::Verb verb, const api::Resource& resource, const api::Key& key, const api::Uid& uid) {
  Action action;
  action.verb = verb;
  action.resource = resource;
  action.key = key;
  action.uid = uid;
  return action;
}

Action finalizers_action(const api::Resource& resource, const api::Meta& meta, const std::vector<Word>& finalizers) {
  JsonArray names;
  for (const auto& name : finalizers) names.push_back(Json(name.text()));
  // Somebody else may have added one meanwhile.
  return metadata_patch(resource, meta, "finalizers", std::move(names));
}

}  // namespace

const char* name_of(Action::Verb verb) {
  switch (verb) {
    case Action::Verb::kApply:
      return "apply";
    case Action::Verb::kCreate:
      return "create";
    case Action::Verb::kPatch:
      return "patch";
    case Action::Verb::kDelete:
      return "delete";
    case Action::Verb::kConfirm:
      return "confirm";
    case Action::Verb::kProve:
    case Action::Verb::kProveNone:
      return "prove the absence of";
  }
  KNFE_CHECK(false && "known verb");
}

std::string Action::text() const {
  std::string out = name_of(verb);
  out += " " + std::string(resource.plural) + (subresource.empty() ? "" : "/" + subresource) + " " + key.text();
  return out;
}

void apply_if_different(Plan& plan, const api::Resource& resource, Json desired, const api::Meta* live) {
  if (live && live->spec_digest == api::digest_of_desired(desired)) return;
  Action action;
  action.resource = resource;
  action.key = api::key_of(desired);
  action.body = std::move(desired);
  action.fresh = !live;
  plan.actions.push_back(std::move(action));
}

Action delete_of(const api::Resource& resource, const api::Meta& meta) {
  return about(Action::Verb::kDelete, resource, meta.key, meta.uid);
}

Action proof_of_absence(const api::Resource& resource, const api::Key& key, const api::Uid& uid) {
  return about(Action::Verb::kProve, resource, key, uid);
}

Action proof_of_none(const api::Resource& resource, const std::string& ns, const std::string& selector) {
  auto proof = about(Action::Verb::kProveNone, resource, {ns, ""}, "");
  proof.selector = selector;
  return proof;
}

bool is_disproof(const Action& proof, const Json& live) {
  if (live.is_null() || proof.uid.empty()) return !live.is_null();
  const auto& owners = as_array(at(live, "metadata", "ownerReferences"));
  const bool orphan =
      std::none_of(owners.begin(), owners.end(), [](const Json& owner) { return as_bool(at(owner, "controller")); });
  return as_string(at(live, "metadata", "uid")) == proof.uid || (proof.orphans && orphan) ||
         std::any_of(owners.begin(), owners.end(), [&](const Json& owner) { return as_string(at(owner, "uid")) == proof.uid; });
}

bool is_same_child(const Json& live, const Json& wanted) {
  const auto& parents = as_array(at(wanted, "metadata", "ownerReferences"));
  if (parents.empty()) {
    const auto& labels = as_object(at(wanted, "metadata", "labels"));
    return !labels.empty() && std::all_of(labels.begin(), labels.end(), [&](const auto& label) {
      return at(live, "metadata", "labels", label.key()) == label.value();
    });
  }
  for (const auto& owner : as_array(at(live, "metadata", "ownerReferences"))) {
    for (const auto& parent : parents) {
      if (at(owner, "uid") == at(parent, "uid")) return true;
    }
  }
  return false;
}

Action metadata_patch(const api::Resource& resource, const api::Meta& meta, std::string_view member, Json value) {
  Action action;
  action.verb = Action::Verb::kPatch;
  action.resource = resource;
  action.key = meta.key;
  action.body = JsonObject{
      {"metadata", {{"uid", meta.uid.text()}, {"resourceVersion", meta.resource_version.text()}, {member, std::move(value)}}}};
  return action;
}

Action confirmation(const api::Resource& resource, const api::Meta& meta) {
  return about(Action::Verb::kConfirm, resource, meta.key, meta.uid);
}

Action finalizer_addition(const api::Resource& resource, const api::Meta& meta, std::string_view finalizer) {
  auto all = *meta.finalizers;
  all.emplace_back(finalizer);
  return finalizers_action(resource, meta, all);
}

Action finalizer_removal(const api::Resource& resource, const api::Meta& meta, std::string_view finalizer) {
  auto rest = *meta.finalizers;
  std::erase(rest, finalizer);
  return finalizers_action(resource, meta, rest);
}

void ConditionWriter::set(std::string_view type, bool status, std::string_view reason, std::string_view message) {
  set_text(type, status ? "True" : "False", reason, message);
}

void ConditionWriter::set_text(std::string_view type, std::string_view status, std::string_view reason,
                               std::string_view message) {
  const auto* before = api::find(live_, type);
  const bool moved = !before || before->status != status;
  conditions.push_back({type, status, reason, cut(message, kLongestMessage),
                        moved ? Word(moment_.wall) : before->last_transition_time, meta_.generation});
  // That something is under way is no warning; that somebody has to act is.
  const bool bad = status == "True" && (type == "Stalled" || type == "DeletionBlocked");
  const bool worth_telling = type != "Reconciling" && (before ? moved || (bad && before->reason != reason) : status == "True");
  if (worth_telling) notes.push_back({bad, std::string(reason), std::string(type) + ": " + std::string(message)});
}

void ConditionWriter::set_ready(bool ready, bool stalled, std::string_view reason, std::string_view message) {
  std::string why(message);
  if (moment_.refusal) {
    ready = false;
    stalled = true;
    reason = "Refused";
    why = "the API server refuses what this object asks for: " + moment_.refusal->text();
    if (moment_.refusal->code == Code::kAlreadyExists) {
      reason = "NameTaken";
      why = moment_.refusal->text();
    }
  }
  set("Ready", ready, reason, why);
  set("Reconciling", !ready && !stalled, ready || stalled ? "Settled" : reason, ready || stalled ? "Nothing to do." : why);
  set("Stalled", stalled,
      stalled ? reason
      : ready ? "Settled"
              : "Moving",
      stalled ? why
      : ready ? "Nothing to do."
              : "It goes on by itself.");
}

}  // namespace knfe::runtime
