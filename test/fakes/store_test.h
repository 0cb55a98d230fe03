// Store: the objects of an API server, as far as KNFE relies on them - versions, generations, server-side apply with its owners,
// preconditions, finalizers, garbage collection. What it does is what Kubernetes does, but in order and at once.
#pragma once

#include <functional>
#include <map>
#include <memory>

#include "api/object.h"
#include "test/fakes/ownership_test.h"

namespace knfe::fakes {

// Memory that is given back as a whole.
struct Room {
  boost::json::monotonic_resource memory{8192};
};

// An object at one version, and its text, which is made when it is first asked for.
struct Kept : private Room, Json {
  explicit Kept(const Json& json) : Json(json, &memory) {}
  const std::string& text() const;

 private:
  mutable std::string text_;
};

// What a manager owns, and how managedFields says it.
struct Claim : Paths {
  explicit Claim(Paths&& paths);
  const JsonObject& fields() const { return fields_; }

 private:
  JsonObject fields_;
};

class Store {
 public:
  struct Event {
    api::Resource resource;
    std::string type;  // ADDED, MODIFIED, DELETED
    std::shared_ptr<const Kept> object;
    std::string version;
  };

  // An object as it is now; valid until the next write.
  using Answer = Result<const Kept*>;

  Answer get(const api::Resource& resource, const api::Key& key) const;
  // The same, but null if there is none.
  const Kept* look(const api::Resource& resource, const api::Key& key) const;
  std::vector<const Kept*> list(const api::Resource& resource) const;
  std::vector<const Kept*> all() const;
  static const api::Resource* resource_of(std::string_view group, std::string_view plural);
  std::string version() const { return std::to_string(version_); }

  Answer create(const api::Resource& resource, const Json& object, const std::string& manager = "somebody");
  Answer apply(const api::Resource& resource, const Json& object, const std::string& subresource, const std::string& manager,
               bool force = true);
  Answer merge_patch(const api::Resource& resource, const api::Key& key, const Json& patch, const std::string& subresource,
                     const std::string& manager);
  Answer replace(const api::Resource& resource, const Json& object, const std::string& manager = "somebody");
  // Pods stay until end_pod(), as they do until kubelet has ended them; where a finalizer holds them, until
  // that is off, too.
  Answer remove(const api::Resource& resource, const api::Key& key, const std::string& uid = {}, const std::string& version = {});
  // The object stays until the garbage collector has removed what it owns.
  void remove_in_foreground(const api::Resource& resource, const api::Key& key);
  void end_pod(const api::Key& key);
  // Deletes what has lost all its owners; false if there is nothing of that kind.
  bool collect_garbage();

  // Told of each change, in order.
  std::function<void(const Event&)> on_event;
  // Stands for what a webhook, a policy or a quota may refuse.
  std::function<Result<void>(const api::Resource&, const Json& object)> admit;

 private:
  struct Manager {
    std::string name, operation, subresource;
    auto operator<=>(const Manager&) const = default;
  };
  using Owned = std::map<Manager, std::shared_ptr<const Claim>>;  // none of them empty
  struct Record {
    std::shared_ptr<const Kept> object;
    std::shared_ptr<const Owned> owned;
  };
  using Id = std::pair<std::string_view, api::Key>;  // plural of a known resource

  Record* find_record(const api::Resource& resource, const api::Key& key);
  Result<void> check(const api::Resource& resource, const Json& before, const Json& after, bool same_spec) const;
  void bear(const api::Resource& resource, Json& object);
  Answer keep(const api::Resource& resource, const std::shared_ptr<Kept>& draft, Owned owned);
  Answer update(const api::Resource& resource, const Record& record, const std::shared_ptr<Kept>& draft, const Manager& manager);
  const Kept* forget(const api::Resource& resource, const api::Key& key);
  void tell(const api::Resource& resource, const char* type, const std::shared_ptr<const Kept>& object);

  std::map<Id, Record> records_;
  std::map<Id, int> lives_;
  std::shared_ptr<const Kept> last_;  // what was removed last
  std::uint64_t version_ = 100;
};

// The status that an API server answers with, and its body.
std::pair<int, std::string> http_status(const Error& error);

}  // namespace knfe::fakes
