// Cache<T>: what is known of one resource, kept by an Informer, read by plans.
//
// Belongs to the loop's thread. Pointers are valid until the next event, so a plan may use them and must not keep them.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "api/object.h"
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
  const std::string& latest() const { return latest_; }
  bool synced() const { return synced_; }
  // Every change up to `version` is in here.
  bool reached(const std::string& version) const { return !version_less(latest_, version); }

  void set_synced() { synced_ = true; }
  void advance(const std::string& version) {
    if (version_less(latest_, version)) latest_ = version;
    if (advanced_) advanced_();
  }
  void on_advance(std::function<void()> advanced) { advanced_ = std::move(advanced); }

 private:
  const api::Resource resource_;
  bool synced_ = false;
  std::string latest_;
  std::function<void()> advanced_;
};

template <class T>
class Cache : public CacheBase {
 public:
  using IndexOf = std::function<std::string(const T&)>;
  using Changed = std::function<void(const T* before, const T* after)>;

  // `index_of` gives the value under which by_index() finds an object; objects are found by owner in any case.
  explicit Cache(IndexOf index_of = nullptr) : CacheBase(T::resource), index_of_(std::move(index_of)) {}

  const T* get(const api::Key& key) const {
    const auto found = objects_.find(key);
    return found == objects_.end() ? nullptr : &found->second;
  }
  const api::Meta* meta(const api::Key& key) const override {
    const T* object = get(key);
    return object ? &object->meta : nullptr;
  }
  std::size_t size() const override { return objects_.size(); }
  std::pair<std::size_t, std::size_t> readiness() const override {
    std::pair<std::size_t, std::size_t> counts{0, 0};
    if constexpr (requires(const T& object) { api::find(object.status.conditions, "Ready"); }) {
      for (const auto& [key, object] : objects_) {
        if (const auto* ready = api::find(object.status.conditions, "Ready"))
          ++(ready->status == "True" ? counts.first : counts.second);
      }
    }
    return counts;
  }
  const std::map<api::Key, T>& all() const { return objects_; }

  // Those whose controller has this UID, by name.
  std::vector<const T*> owned_by(const std::string& uid) const { return found_in(by_owner_, uid); }
  std::vector<const T*> by_index(const std::string& value) const { return found_in(by_index_, value); }

  void on_change(Changed changed) { listeners_.push_back(std::move(changed)); }

  // For what was read live, which may be ahead of the watch or behind it: what the watch has already seen the end of stays gone.
  void put_live(T object) {
    if (get(object.meta.key) || !reached(object.meta.resource_version)) put(std::move(object));
  }
  // An older version than the one known is ignored; of the same, which a list tells again, nobody is told.
  void put(T object) {
    const auto found = objects_.find(object.meta.key);
    if (found != objects_.end()) {
      if (version_less(object.meta.resource_version, found->second.meta.resource_version)) return;
      forget(found->second);
      if constexpr (requires { object.inherit(found->second); }) object.inherit(found->second);
      T before = std::exchange(found->second, std::move(object));
      remember(found->second);
      const auto& version = before.meta.resource_version;
      if (!version.empty() && version == found->second.meta.resource_version) return;
      for (const auto& changed : listeners_) changed(&before, &found->second);
    } else {
      const auto& stored = objects_.emplace(object.meta.key, std::move(object)).first->second;
      remember(stored);
      for (const auto& changed : listeners_) changed(nullptr, &stored);
    }
  }
  // `version` is that of the deletion: a successor that is known already stays.
  void erase(const api::Key& key, const std::string& version) {
    const auto found = objects_.find(key);
    if (found == objects_.end() || version_less(version, found->second.meta.resource_version)) return;
    forget(found->second);
    const T before = std::move(found->second);
    objects_.erase(found);
    for (const auto& changed : listeners_) changed(&before, nullptr);
  }
  // What a complete list of this version does not name is gone.
  void keep_only(const std::set<api::Key>& known, const std::string& version) {
    std::vector<api::Key> gone;
    for (const auto& [key, object] : objects_) {
      if (!known.contains(key)) gone.push_back(key);
    }
    for (const auto& key : gone) erase(key, version);
  }

 private:
  using Index = std::unordered_map<std::string, std::set<api::Key>>;

  std::vector<const T*> found_in(const Index& index, const std::string& value) const {
    std::vector<const T*> out;
    if (const auto found = index.find(value); found != index.end()) {
      for (const auto& key : found->second) out.push_back(&objects_.at(key));
    }
    return out;
  }
  void remember(const T& object) {
    if (const auto* owner = object.meta.controller()) by_owner_[owner->uid].insert(object.meta.key);
    if (index_of_) by_index_[index_of_(object)].insert(object.meta.key);
  }
  void forget(const T& object) {
    if (const auto* owner = object.meta.controller()) drop(by_owner_, owner->uid, object.meta.key);
    if (index_of_) drop(by_index_, index_of_(object), object.meta.key);
  }
  static void drop(Index& index, const std::string& value, const api::Key& key) {
    const auto found = index.find(value);
    found->second.erase(key);
    if (found->second.empty()) index.erase(found);
  }

  IndexOf index_of_;
  std::map<api::Key, T> objects_;
  Index by_owner_, by_index_;
  std::vector<Changed> listeners_;
};

}  // namespace knfe::kube
