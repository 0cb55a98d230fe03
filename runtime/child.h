// Children: objects that an operator makes for another object, named after it, owned by it, gone with it.
#pragma once

#include "kube/cache.h"
#include "runtime/plan.h"

namespace knfe::runtime {

// The object to apply: identity, labels, owner. The caller adds what it is about.
template <class Parent>
JsonObject child_of(const Parent& parent, const api::Resource& resource, const std::string& name, JsonObject labels) {
  JsonObject child = api::skeleton(resource, {parent.meta.key.ns, name});
  auto& metadata = child["metadata"].as_object();
  metadata["labels"] = std::move(labels);
  metadata["ownerReferences"] = JsonArray{api::owner_reference(Parent::resource, parent.meta)};
  return child;
}

// The children of one parent in a plan. One whose name is taken by somebody else's object is not touched, and told of.
class Children {
 public:
  Children(Plan& plan, const api::Uid& parent_uid) : plan_(plan), parent_uid_(parent_uid) {}

  void apply(const api::Resource& resource, JsonObject desired, const api::Meta* live) {
    if (live && !live->owned_by(parent_uid_)) {
      const std::string what = std::string(resource.kind) + " " + live->key.name;
      ending_ = live->deleting;
      taken_ = ending_ ? what + " of somebody else, or of an earlier life, is still ending: this goes on when it is gone"
                       : what + " exists and belongs to somebody else: rename one of the two";
      plan_.look_again = Duration(1'000);  // its end triggers whoever owns it, not this parent
    } else if (!live || !live->deleting) {
      apply_if_different(plan_, resource, std::move(desired), live);
    }
  }
  // `as_read`: only if nothing of it has changed since.
  void remove(const api::Resource& resource, const api::Meta& live, bool as_read = false) {
    if (live.deleting) return;
    auto& action = plan_.actions.emplace_back(delete_of(resource, live));
    if (as_read) action.resource_version = live.resource_version;
  }
  // Why a child cannot be made; empty if all can.
  const std::string& taken() const { return taken_; }
  // Says so. Nobody has to act where what has the name is about to go.
  void tell_taken(ConditionWriter& write) const {
    write.set_ready(false, !ending_, ending_ ? "PredecessorEnding" : "NameTaken", taken_);
  }

 private:
  Plan& plan_;
  const api::Uid parent_uid_;
  std::string taken_;
  bool ending_ = false;
};

// Takes the finalizer off a child that is being deleted once its owner is proven gone; while that is there, it decides.
template <class Child, class Owner>
Plan plan_release(const Child& child, const kube::Cache<Owner>& owners, std::string_view finalizer) {
  Plan plan;
  const auto& meta = child.meta;
  if (!meta.deleting || !meta.has_finalizer(finalizer)) return plan;
  if (const auto* owner = meta.controller()) {
    const api::Key key{meta.key.ns, owner->name};
    const auto* live = owners.meta(key);
    if (live && live->uid == owner->uid) return plan;
    plan.actions.push_back(proof_of_absence(Owner::resource, key, owner->uid));
  }
  plan.actions.push_back(finalizer_removal(Child::resource, meta, finalizer));
  return plan;
}

}  // namespace knfe::runtime
