// Informer<T>: keeps a Cache<T> by a Watch.
#pragma once

#include "base/log.h"
#include "kube/cache.h"
#include "kube/watch.h"

namespace knfe::kube {

class InformerBase {
 public:
  virtual ~InformerBase() = default;
  virtual void start() = 0;
  virtual void resync() = 0;
  // Takes an object that was read live, so that nobody has to wait for the watch to tell of it - unless the watch would not: of
  // what is outside of the scope nobody would hear the end.
  virtual void ingest(const Json& object) = 0;
  virtual CacheBase& cache() const = 0;
  virtual const Scope& scope() const = 0;
  virtual std::uint64_t lists() const = 0;
  virtual bool served() const { return true; }
};

template <class T>
class Informer : public InformerBase {
 public:
  using Decode = Result<T> (*)(const Json&);

  // An object that cannot be decoded is left out and logged: the schema of its CRD keeps such from being there.
  Informer(net::Loop& loop, ApiClient& api, Scope scope, Cache<T>& cache, Decode decode)
      : scope_(scope),
        cache_(cache),
        decode_(decode),
        manager_(api.name()),
        watch_(loop, api, cache.resource(), std::move(scope),
               {[this](const Json& object) {
                  if (auto decoded = read(object)) cache_.put(std::move(*decoded));
                },
                [this](const Json& object) {
                  const Json& metadata = at(object, "metadata");
                  cache_.erase({as_string(at(metadata, "namespace")), as_string(at(metadata, "name"))},
                               as_string(at(metadata, "resourceVersion")));
                },
                [this](const Listed& known, const std::string& version) {
                  cache_.keep_only(known, version);
                  cache_.set_synced();
                },
                [this](const std::string& version) { cache_.advance(version); }, [this] { cache_.rewind(); },
                [this] { cache_.set_unserved(); }}) {}

  void start() override { watch_.start(); }
  void resync() override { watch_.resync(); }
  void ingest(const Json& object) override {
    if (!scope_.selects(object)) return;
    if (auto decoded = read(object)) cache_.put_live(std::move(*decoded));
  }
  CacheBase& cache() const override { return cache_; }
  const Scope& scope() const override { return scope_; }
  std::uint64_t lists() const override { return watch_.restarts(); }
  bool served() const override { return watch_.served(); }

 private:
  Result<T> read(const Json& object) const {
    auto decoded = decode_(object);
    if (decoded) api::take_digests(decoded->meta, object, manager_);
    if (!decoded) {
      log(Level::kError, "an object cannot be read",
          {{"resource", std::string(cache_.resource().plural)},
           {"name", std::string(as_string(at(object, "metadata", "name")))},
           {"error", decoded.error().text()}});
    }
    return decoded;
  }

  const Scope scope_;
  Cache<T>& cache_;
  const Decode decode_;
  const std::string manager_;
  Watch watch_;
};

}  // namespace knfe::kube
