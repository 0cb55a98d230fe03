// Cache<T>: what is known of one resource, kept by an Informer, read by plans.
//
// Belongs to the loop's thread. Pointers are valid until the next event, so a plan may use them and must not keep them.
#pragma once

#include <algorithm>
#include <boost/unordered/unordered_flat_set.hpp>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "api/object.h"
#include "kube/listed.h"
#include "kube/request.h"

namespace knfe::kube {

// What the runtime asks of any cache.
class CacheBase {
 public:
  explicit CacheBase(api::Resource resource) : resource_(resource) {}
  virtual ~CacheBase() = default;

  const api::Resource& resource() const { return resource_; }
  virtual const api::Meta* meta(const api::Key& key) const = 0;
  virtual std::size_t size() const = 0;
  // How many say that they are ready, how many that they are not (Ready: False or Unknown), of those that say it at all.
  virtual std::pair<std::size_t, std::size_t> readiness() const { return {0, 0}; }
  api::Version latest() const { return latest_; }
  bool synced() const { return synced_; }
  // Every change up to `version` is in here.
  bool reached(api::Version version) const { return version <= latest_; }

  void set_synced() {
    synced_ = true;
    rewinds_ += std::exchange(rewound_, false);
  }
  // There is no such kind, for now: nobody need wait for its list.
  void set_unserved() {
    synced_ = true;
    if (advanced_) advanced_();
  }
  // The API server counts from a lower version on: what a list tells next is newer than what is known, whatever its version.
  void rewind() {
    rewound_ = true;
    latest_ = {};
  }
  // How often that was, and a list has followed. Nobody need wait any more for what was written in a life before this.
  std::uint64_t rewinds() const { return rewinds_; }
  // The life that what is written now belongs to: of a rewind under way the next, whose list may be older than the write.
  std::uint64_t life() const { return rewinds_ + rewound_; }
  void advance(api::Version version) {
    latest_ = std::max(latest_, version);
    if (advanced_) advanced_();
  }
  void on_advance(std::function<void()> advanced) { advanced_ = std::move(advanced); }

 protected:
  bool rewound() const { return rewound_; }
  bool is_older(api::Version a, api::Version b) const { return !rewound_ && a < b; }

 private:
  const api::Resource resource_;
  bool synced_ = false;
  bool rewound_ = false;
  std::uint64_t rewinds_ = 0;
  api::Version latest_;
  std::function<void()> advanced_;
};

template <class T>
class Cache : public CacheBase {
 public:
  using IndexOf = std::function<std::string(const T&)>;
  using Changed = std::function<void(const T* before, const T* after)>;

  // `index_of` gives the value under which by_index() finds an object; objects are found by owner in any case.
  explicit Cache(IndexOf index_of = nullptr) : Cache(T::resource, std::move(index_of)) {}
  // Of one of several resources that are kept as the same T.
  explicit Cache(const api::Resource& resource, IndexOf index_of = nullptr)
      : CacheBase(resource), index_of_(std::move(index_of)) {}

  const T* get(const api::Key& key) const {
    const auto found = objects_.find(key);
    return found == objects_.end() ? nullptr : found->get();
  }
  const api::Meta* meta(const api::Key& key) const override {
    const T* object = get(key);
    return object ? &object->meta : nullptr;
  }
  std::size_t size() const override { return objects_.size(); }
  std::pair<std::size_t, std::size_t> readiness() const override {
    std::pair<std::size_t, std::size_t> counts{0, 0};
    if constexpr (requires(const T& object) { api::find(object.status.conditions, "Ready"); }) {
      for (const auto& object : objects_) {
        if (const auto* ready = api::find(object->status.conditions, "Ready"))
          ++(ready->status == "True" ? counts.first : counts.second);
      }
    }
    return counts;
  }
  // By name.
  std::vector<const T*> all() const {
    std::vector<const T*> out;
    out.reserve(objects_.size());
    for (const auto& object : objects_) out.push_back(object.get());
    return by_name(std::move(out));
  }

  // Those whose controller has this UID, by name.
  std::vector<const T*> owned_by(const api::Uid& uid) const {
    const auto found = by_owner_.find(uid);
    return found == by_owner_.end() ? std::vector<const T*>() : by_name(found->all());
  }
  std::vector<const T*> by_index(const std::string& value) const {
    const auto found = by_index_.find(value);
    return found == by_index_.end() ? std::vector<const T*>() : by_name({found->second.begin(), found->second.end()});
  }

  void on_change(Changed changed) { listeners_.push_back(std::move(changed)); }

  // For what was read live, which may be ahead of the watch or behind it: what the watch has already seen the end of stays gone.
  void put_live(T object) {
    if (get(object.meta.key) || !reached(object.meta.resource_version)) put(std::move(object));
  }
  // An older version than the one known is ignored; of the same, which a list tells again, nobody is told.
  void put(T object) {
    const auto found = objects_.find(object.meta.key);
    if (found != objects_.end()) {
      T& stored = **found;
      if (is_older(object.meta.resource_version, stored.meta.resource_version)) return;
      forget(stored);
      if constexpr (requires { object.inherit(stored); }) object.inherit(stored);
      const T before = std::exchange(stored, std::move(object));
      remember(stored);
      if (!rewound() && !before.meta.resource_version.empty() && before.meta.resource_version == stored.meta.resource_version)
        return;
      for (const auto& changed : listeners_) changed(&before, &stored);
    } else {
      const T& stored = **objects_.insert(std::make_unique<T>(std::move(object))).first;
      remember(stored);
      for (const auto& changed : listeners_) changed(nullptr, &stored);
    }
  }
  // `version` is that of the deletion: a successor that is known already stays.
  void erase(const api::Key& key, api::Version version) {
    const auto found = objects_.find(key);
    if (found == objects_.end() || is_older(version, (*found)->meta.resource_version)) return;
    forget(**found);
    const auto before = std::move(const_cast<Object&>(*found));  // it goes at once, and is not looked for before
    objects_.erase(found);
    for (const auto& changed : listeners_) changed(before.get(), nullptr);
  }
  // What a complete list of this version does not name is gone.
  void keep_only(const Listed& known, api::Version version) {
    std::vector<api::Key> gone;
    for (const auto& object : objects_) {
      if (!known.contains(object->meta.key)) gone.push_back(object->meta.key);
    }
    std::sort(gone.begin(), gone.end());
    for (const auto& key : gone) erase(key, version);
  }

 private:
  using Object = std::unique_ptr<T>;  // stays where it is: the indexes point to it, and it has its key inside
  using Group = boost::unordered_flat_set<const T*>;

  struct HashOfKey {
    using is_transparent = void;  // NOLINT(readability-identifier-naming): so the standard calls it
    std::size_t operator()(const api::Key& key) const { return key.hash(); }
    std::size_t operator()(const Object& object) const { return object->meta.key.hash(); }
  };
  struct SameKey {
    using is_transparent = void;  // NOLINT(readability-identifier-naming): so the standard calls it
    bool operator()(const Object& a, const Object& b) const { return a->meta.key == b->meta.key; }
    bool operator()(const api::Key& a, const Object& b) const { return a == b->meta.key; }
    bool operator()(const Object& a, const api::Key& b) const { return a->meta.key == b; }
  };

  // The objects of one owner: nearly always one, which takes a pointer's room.
  class Owned {
   public:
    explicit Owned(const T& first) : first_(&first) {}
    const api::Uid& owner() const { return first_->meta.controller()->uid; }
    std::vector<const T*> all() const {
      std::vector<const T*> out{first_};
      if (more_) out.insert(out.end(), more_->begin(), more_->end());
      return out;
    }
    void add(const T& object) const {
      if (!more_) more_ = std::make_unique<Group>();
      more_->insert(&object);
    }
    // False if there is none left.
    bool remove(const T& object) const {
      if (first_ != &object) return more_->erase(&object), true;
      if (!more_ || more_->empty()) return false;
      first_ = *more_->begin();
      more_->erase(more_->begin());
      return true;
    }

   private:
    mutable const T* first_;  // whose owner it is: that stays the same
    mutable std::unique_ptr<Group> more_;
  };
  struct HashOfOwner {
    using is_transparent = void;  // NOLINT(readability-identifier-naming): so the standard calls it
    std::size_t operator()(const api::Uid& uid) const { return uid.hash(); }
    std::size_t operator()(const Owned& owned) const { return owned.owner().hash(); }
  };
  struct SameOwner {
    using is_transparent = void;  // NOLINT(readability-identifier-naming): so the standard calls it
    bool operator()(const Owned& a, const Owned& b) const { return a.owner() == b.owner(); }
    bool operator()(const api::Uid& a, const Owned& b) const { return a == b.owner(); }
    bool operator()(const Owned& a, const api::Uid& b) const { return a.owner() == b; }
  };

  static std::vector<const T*> by_name(std::vector<const T*> objects) {
    std::sort(objects.begin(), objects.end(), [](const T* a, const T* b) { return a->meta.key < b->meta.key; });
    return objects;
  }

  void remember(const T& object) {
    if (const auto* owner = object.meta.controller()) {
      const auto found = by_owner_.find(owner->uid);
      if (found == by_owner_.end()) {
        by_owner_.emplace(object);
      } else {
        found->add(object);
      }
    }
    if (index_of_) by_index_[index_of_(object)].insert(&object);
  }
  // Before the object changes: it is found by what it says.
  void forget(const T& object) {
    if (const auto* owner = object.meta.controller()) {
      const auto found = by_owner_.find(owner->uid);
      if (!found->remove(object)) by_owner_.erase(found);
    }
    if (!index_of_) return;
    const auto found = by_index_.find(index_of_(object));
    found->second.erase(&object);
    if (found->second.empty()) by_index_.erase(found);
  }

  IndexOf index_of_;
  boost::unordered_flat_set<Object, HashOfKey, SameKey> objects_;
  boost::unordered_flat_set<Owned, HashOfOwner, SameOwner> by_owner_;
  std::unordered_map<std::string, Group> by_index_;
  std::vector<Changed> listeners_;
};

}  // namespace knfe::kube
