#include "test/fakes/store_test.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <unordered_map>
#include <unordered_set>

#include "api/action.h"
#include "api/allocation.h"
#include "api/foreign.h"
#include "api/kinds.h"
#include "api/network_service.h"
#include "api/policy.h"
#include "test/fakes/json_test.h"

namespace knfe::fakes {

using api::key_of;

namespace {

constexpr api::Resource kKnown[] = {api::NetworkService::resource,
                                    api::NetworkFunction::resource,
                                    api::MemberSet::resource,
                                    api::Member::resource,
                                    api::Policy::resource,
                                    api::Action::resource,
                                    api::Network::resource,
                                    api::ConnectionPoint::resource,
                                    api::Allocation::resource,
                                    api::Pod::resource,
                                    api::VirtualMachine::resource,
                                    api::VirtualMachineInstance::resource,
                                    api::Attachments::resource,
                                    api::ConfigMap::resource,
                                    api::ServiceAccount::resource,
                                    api::RbacRole::resource,
                                    api::RoleBinding::resource,
                                    api::PersistentVolumeClaim::resource,
                                    {"coordination.k8s.io", "v1", "Lease", "leases"},
                                    {"events.k8s.io", "v1", "Event", "events"}};

const char* kMetadataSchema = R"({"properties": {"labels": {"type": "object"}, "annotations": {"type": "object"},
  "finalizers": {"x-kubernetes-list-type": "set"},
  "ownerReferences": {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["uid"], "items": {"x-kubernetes-map-type": "atomic"}}}})";

std::string uid_of(const Json& object) { return std::string(as_string(at(object, "metadata", "uid"))); }
std::string version_of(const Json& object) { return std::string(as_string(at(object, "metadata", "resourceVersion"))); }
JsonObject& metadata_of(Json& object) { return object.as_object()["metadata"].as_object(); }
constexpr std::string_view kUsersMetadata[] = {"labels", "annotations", "finalizers", "ownerReferences"};
constexpr const char* kForeground = "foregroundDeletion";

// In foreground deletion, for what it owns.
bool waits(const Json& object) {
  const auto& finalizers = as_array(at(object, "metadata", "finalizers"));
  return at(object, "metadata", "deletionTimestamp").is_string() &&
         std::find(finalizers.begin(), finalizers.end(), Json(kForeground)) != finalizers.end();
}

bool deleting(const Json& object) { return at(object, "metadata", "deletionTimestamp").is_string(); }
// Pods are held by kubelet, once one has them, until they have ended.
bool runs(const api::Resource& resource, const Json& object) {
  if (resource != api::Pod::resource || at(object, "spec", "nodeName").is_null()) return false;
  const auto phase = as_string(at(object, "status", "phase"));
  return phase != "Succeeded" && phase != "Failed";
}
bool held(const Json& object) { return !as_array(at(object, "metadata", "finalizers")).empty(); }

// What of an object is written through a subresource.
Json part_of(const Json& object, const std::string& subresource, boost::json::storage_ptr room) {
  JsonObject out(room);
  for (const auto& [name, value] : as_object(object)) {
    const std::string_view member(name.data(), name.size());
    if (member == "apiVersion" || member == "kind" || (member == "status") == subresource.empty()) continue;
    if (member != "metadata") {
      if (subresource.empty() || member == "status") out[name] = value;
      continue;
    }
    JsonObject metadata(room);
    for (const auto kept : kUsersMetadata) {
      if (const Json& one = at(value, kept); !one.is_null()) metadata[kept] = one;
    }
    if (subresource.empty() && !metadata.empty()) out["metadata"] = std::move(metadata);
  }
  return out;
}

void merge_json(Json& into, const Json& patch) {  // RFC 7396
  if (!patch.is_object()) {
    into = patch;
    return;
  }
  if (!into.is_object()) into = JsonObject();
  for (const auto& [name, value] : patch.get_object()) {
    if (value.is_null()) {
      into.get_object().erase(name);
    } else {
      merge_json(into.get_object()[name], value);
    }
  }
}

// What the model asks of a schema.
Json without_words(const Json& schema) {
  if (!schema.is_object()) return schema;
  JsonObject out;
  for (const auto& [name, value] : schema.get_object()) {
    const std::string_view member(name.data(), name.size());
    if (member == "properties") {
      JsonObject properties;
      for (const auto& [property, below] : as_object(value)) properties[property] = without_words(below);
      out[name] = std::move(properties);
    } else if (member == "items") {
      out[name] = without_words(value);
    } else if (member == "default" || member == "required" || member.starts_with("x-kubernetes-")) {
      if (member != "x-kubernetes-validations") out[name] = value;
    }
  }
  return out;
}

const Json& schema_of(const api::Resource& resource) {
  static const auto schemas = [] {
    std::map<std::string, Json, std::less<>> out;
    for (const auto& crd : api::crds()) {
      Json schema = without_words(at(as_array(at(crd, "spec", "versions")).front(), "schema", "openAPIV3Schema"));
      schema.at("properties").as_object()["metadata"] = without_words(json(kMetadataSchema));
      out[std::string(as_string(at(crd, "spec", "names", "plural")))] = std::move(schema);
    }
    return out;
  }();
  // Of others' kinds, what is written to them.
  static const Json other = JsonObject{{"properties", JsonObject{{"metadata", without_words(json(kMetadataSchema))},
                                                                 {"data", JsonObject()},
                                                                 {"spec", JsonObject()},
                                                                 {"status", JsonObject()}}}};
  const auto found = schemas.find(resource.plural);
  return found == schemas.end() ? other : found->second;
}

// As ==, but quick where members stand in the same order, as they do in versions of one object.
bool same(const Json& a, const Json& b) {
  const auto *left = a.if_object(), *right = b.if_object();
  if (left && right) {
    if (left->size() != right->size()) return false;
    auto other = right->begin();
    for (const auto& member : *left) {
      if (member.key() != other->key()) return a == b;
      if (!same(member.value(), other++->value())) return false;
    }
    return true;
  }
  const auto *first = a.if_array(), *second = b.if_array();
  if (!first || !second) return a == b;
  return std::equal(first->begin(), first->end(), second->begin(), second->end(), same);
}

// Metadata has no empty members.
void drop_empty(JsonObject& metadata) {
  for (const auto name : kUsersMetadata) {
    const auto* member = metadata.if_contains(name);
    if (member && as_object(*member).empty() && as_array(*member).empty()) metadata.erase(name);
  }
}

using Shared = std::shared_ptr<const Claim>;

// Schedules by the thousand claim the same: what is made of a claim is made once.
Shared shared(Paths paths) {
  static std::unordered_multimap<std::size_t, Shared> known;
  std::size_t hash = paths.size();
  for (const auto& path : paths) hash = hash * 0x9e3779b97f4a7c15u + std::hash<std::string>()(path);
  const auto [first, last] = known.equal_range(hash);
  const auto found =
      std::find_if(first, last, [&](const auto& entry) { return static_cast<const Paths&>(*entry.second) == paths; });
  if (found != last) return found->second;
  if (known.size() > 20'000) known.clear();
  return known.emplace(hash, std::make_shared<const Claim>(std::move(paths)))->second;
}

template <class Lost>
void disown(Shared& paths, const Lost& lost) {
  if (std::none_of(paths->begin(), paths->end(), lost)) return;
  std::vector<std::string> rest;
  std::remove_copy_if(paths->begin(), paths->end(), std::back_inserter(rest), lost);
  Paths kept;
  kept.adopt_sequence(boost::container::ordered_unique_range, std::move(rest));
  paths = shared(std::move(kept));
}

template <class Owned>
bool same_owners(const Owned& a, const Owned& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& one, const auto& other) {
    return one.first == other.first && (one.second == other.second || static_cast<const Paths&>(*one.second) == *other.second);
  });
}

std::shared_ptr<Kept> copy_of(const Json& object) { return std::make_shared<Kept>(object); }

Result<void> precondition(const Json& object, const std::string& uid, const std::string& version) {
  if (!uid.empty() && uid != uid_of(object)) return fail(Code::kConflict, "the UID in the precondition does not match");
  if (!version.empty() && version != version_of(object)) return fail(Code::kConflict, "the object has been modified");
  return {};
}

}  // namespace

Claim::Claim(Paths&& paths) : Paths(std::move(paths)), fields_(fields_v1(*this)) {}

const std::string& Kept::text() const {
  if (text_.empty()) text_ = to_text(*this);
  return text_;
}

const api::Resource* Store::resource_of(std::string_view group, std::string_view plural) {
  for (const auto& resource : kKnown) {
    if (resource.group == group && resource.plural == plural) return &resource;
  }
  return nullptr;
}

Store::Record* Store::find_record(const api::Resource& resource, const api::Key& key) {
  const auto found = records_.find({resource.plural, key});
  return found == records_.end() ? nullptr : &found->second;
}

Store::Answer Store::get(const api::Resource& resource, const api::Key& key) const {
  const Kept* found = look(resource, key);
  if (!found) return fail(Code::kNotFound, std::string(resource.plural) + " \"" + key.name + "\" not found");
  return found;
}

const Kept* Store::look(const api::Resource& resource, const api::Key& key) const {
  const auto found = records_.find({resource.plural, key});
  return found == records_.end() ? nullptr : found->second.object.get();
}

std::vector<const Kept*> Store::list(const api::Resource& resource) const {
  std::vector<const Kept*> out;
  for (auto record = records_.lower_bound({resource.plural, {}});
       record != records_.end() && record->first.first == resource.plural; ++record) {
    out.push_back(record->second.object.get());
  }
  return out;
}

std::vector<const Kept*> Store::all() const {
  std::vector<const Kept*> out;
  for (const auto& [id, record] : records_) out.push_back(record.object.get());
  return out;
}

void Store::tell(const api::Resource& resource, const char* type, const std::shared_ptr<const Kept>& object) {
  if (on_event) on_event({resource, type, object, std::to_string(version_)});
}

// The rules of the CRDs in CEL, as far as order of writes matters to them.
Result<void> Store::check(const api::Resource& resource, const Json& before, const Json& after, bool same_spec) const {
  const Json& schema = schema_of(resource);
  if (!same_spec) {
    const auto unknown = unknown_member(at(after, "spec"), at(schema, "properties", "spec"));
    if (!unknown.empty()) return fail(Code::kInvalid, "unknown field \"" + unknown + "\"");
  }
  if (deleting(before)) {
    const auto& had = as_array(at(before, "metadata", "finalizers"));
    for (const auto& one : as_array(at(after, "metadata", "finalizers"))) {
      if (std::find(had.begin(), had.end(), one) == had.end())
        return fail(Code::kInvalid, "no new finalizers while it is being deleted");
    }
  }
  if (const auto missing = missing_member(after, schema); !missing.empty()) {
    return fail(Code::kInvalid, missing + ": Required value");
  }
  if (resource == api::MemberSet::resource) {
    const Json& replicas = at(after, "spec", "replicas");
    const Json& size = at(after, "spec", "size");
    if (at(size, "exactly").is_null() == at(size, "initial").is_null()) return fail(Code::kInvalid, "either exactly or initial");
    if (!replicas.is_null()) {
      const auto low = as_int(at(size, "exactly"), as_int(at(size, "min"))),
                 high = as_int(at(size, "exactly"), as_int(at(size, "max")));
      if (as_int(replicas) < low || as_int(replicas) > high) return fail(Code::kInvalid, "replicas outside size");
    }
  }
  const bool fixed = resource == api::ConnectionPoint::resource || resource == api::Allocation::resource;
  if (fixed && !before.is_null() && !same_spec) return fail(Code::kInvalid, "spec is immutable");
  if (admit) return admit(resource, after);
  return {};
}

// Stores the next state of an object, unless it is the state that is there.
Store::Answer Store::keep(const api::Resource& resource, const std::shared_ptr<Kept>& draft, Owned owned) {
  Json& next = *draft;
  const auto key = key_of(next);
  auto* record = find_record(resource, key);
  std::erase_if(owned, [](const auto& entry) { return !entry.second || entry.second->empty(); });
  static const Json kNothing;
  const Json& before = record ? *record->object : kNothing;
  add_defaults(next, schema_of(resource));
  drop_empty(metadata_of(next));
  const bool same_spec = record && same(at(before, "spec"), at(next, "spec"));
  if (auto checked = check(resource, before, next, same_spec); !checked) return std::unexpected(checked.error());
  if (!record || !same_owners(*record->owned, owned)) {
    JsonArray managers(next.storage());
    for (const auto& [manager, paths] : owned) {
      auto& entry = managers.emplace_back(JsonObject(next.storage())).get_object();
      entry.emplace("manager", manager.name);
      entry.emplace("operation", manager.operation);
      entry.emplace("fieldsV1", paths->fields());
      if (!manager.subresource.empty()) entry.emplace("subresource", manager.subresource);
    }
    metadata_of(next)["managedFields"] = std::move(managers);
  }
  if (record && same(before, next)) return record->object.get();
  if (deleting(next) && !held(next) && !runs(resource, next)) {
    forget(resource, key);  // as it was; the writer is told of what it would have been
    last_ = draft;
    return last_.get();
  }
  if (!same_spec) metadata_of(next)["generation"] = as_int(at(next, "metadata", "generation")) + 1;
  metadata_of(next)["resourceVersion"] = std::to_string(++version_);
  const bool fresh = !record;
  record = &(records_[{resource.plural, key}] = {draft, std::make_shared<const Owned>(std::move(owned))});
  const auto object = record->object;
  tell(resource, fresh ? "ADDED" : "MODIFIED", object);
  return object.get();
}

const Kept* Store::forget(const api::Resource& resource, const api::Key& key) {
  const auto found = records_.find({resource.plural, key});
  const auto last = copy_of(*found->second.object);
  records_.erase(found);
  metadata_of(*last)["resourceVersion"] = std::to_string(++version_);
  last_ = last;
  tell(resource, "DELETED", last_);
  return last_.get();
}

// What the API server says of an object that was not there.
void Store::bear(const api::Resource& resource, Json& object) {
  const auto key = key_of(object);
  const int life = ++lives_[{resource.plural, key}];
  char born[32];
  std::snprintf(born, sizeof born, "2026-02-01T%02d:%02d:%02dZ", static_cast<int>(version_ / 3600 % 24),
                static_cast<int>(version_ / 60 % 60), static_cast<int>(version_ % 60));
  auto& metadata = metadata_of(object);
  metadata["uid"] = std::string(resource.plural) + "." + key.name + "#" + std::to_string(life);
  metadata["creationTimestamp"] = born;
  metadata["generation"] = 0;
  object.as_object()["apiVersion"] = resource.api_version();
  object.as_object()["kind"] = resource.kind;
}

Store::Answer Store::create(const api::Resource& resource, const Json& asked, const std::string& manager) {
  const auto key = key_of(asked);
  if (find_record(resource, key))
    return fail(Code::kAlreadyExists, std::string(resource.plural) + " \"" + key.name + "\" already exists");
  const auto draft = copy_of(asked);
  Json& object = *draft;
  bear(resource, object);
  if (at(schema_of(resource), "properties", "status").is_object()) object.as_object().erase("status");
  add_defaults(object, schema_of(resource));  // who creates owns them; who applies does not
  JsonRoom room;
  Owned owned;
  owned[{manager, "Update", ""}] = shared(paths_of(part_of(object, "", room.storage()), schema_of(resource)));
  return keep(resource, draft, std::move(owned));
}

Store::Answer Store::apply(const api::Resource& resource, const Json& object, const std::string& subresource,
                           const std::string& manager, bool force) {
  const auto key = key_of(object);
  auto* record = find_record(resource, key);
  if (!record && !subresource.empty())
    return fail(Code::kNotFound, std::string(resource.plural) + " \"" + key.name + "\" not found");
  if (!record && !uid_of(object).empty()) return fail(Code::kConflict, "uid mismatch: the object does not exist");
  std::shared_ptr<Kept> draft;
  Owned owned;
  if (record) {
    if (auto holds = precondition(*record->object, uid_of(object), version_of(object)); !holds)
      return std::unexpected(holds.error());
    draft = copy_of(*record->object);
    owned = *record->owned;
  } else {
    draft = copy_of(api::skeleton(resource, key));
    bear(resource, *draft);
  }
  Json& next = *draft;
  const Json& schema = schema_of(resource);
  JsonRoom room;
  const Json wanted = part_of(object, subresource, room.storage());
  const Manager self{manager, "Apply", subresource};
  const auto claim = shared(paths_of(wanted, schema));
  const Paths& now = *claim;
  for (const auto& [other, paths] : owned) {
    if (force || other == self) continue;
    for (const auto& path : *paths) {
      const Json* said = now.contains(path) ? find(wanted, path) : nullptr;
      const Json* is = find(next, path);
      if (said && is && !has_members(*paths, path) && !same(*said, *is))
        return fail(Code::kConflict, "Apply failed with 1 conflict: conflict with \"" + other.name + "\"");
    }
  }
  auto& mine = owned[self];
  if (mine && mine != claim) {
    for (const auto& path : *mine) {
      const bool shared = std::any_of(owned.begin(), owned.end(),
                                      [&](const auto& other) { return other.first != self && other.second->contains(path); });
      if (!now.contains(path) && !shared) erase(next, path);
    }
  }
  merge(next, wanted, schema);
  if (record) {
    for (auto& [other, paths] : owned) {
      if (other == self) continue;
      disown(paths, [&](const std::string& path) {
        const Json* was = find(*record->object, path);
        const Json* is = find(next, path);
        return !was || !is || (now.contains(path) && !has_members(now, path) && !same(*was, *is));
      });
    }
  }
  mine = claim;
  return keep(resource, draft, std::move(owned));
}

// What changes is its writer's from then on, and nobody else's.
Store::Answer Store::update(const api::Resource& resource, const Record& record, const std::shared_ptr<Kept>& draft,
                            const Manager& manager) {
  Json& next = *draft;
  const Json& schema = schema_of(resource);
  drop_empty(metadata_of(next));
  JsonRoom room;
  const auto written = paths_of(part_of(next, manager.subresource, room.storage()), schema);
  Owned owned = *record.owned;
  const auto changed = [&](const std::string& path) {
    const Json* was = find(*record.object, path);
    const Json* is = find(next, path);
    return !was || !is || (!has_members(written, path) && !same(*was, *is));
  };
  for (auto& [other, paths] : owned) {
    if (other.subresource == manager.subresource) disown(paths, changed);
  }
  Paths more;
  std::copy_if(written.begin(), written.end(), std::inserter(more, more.end()), changed);
  if (!more.empty()) {
    auto& mine = owned[manager];
    if (mine) more.insert(mine->begin(), mine->end());
    mine = shared(std::move(more));
  }
  return keep(resource, draft, std::move(owned));
}

Store::Answer Store::merge_patch(const api::Resource& resource, const api::Key& key, const Json& patch,
                                 const std::string& subresource, const std::string& manager) {
  auto* record = find_record(resource, key);
  if (!record) return fail(Code::kNotFound, std::string(resource.plural) + " \"" + key.name + "\" not found");
  if (auto holds = precondition(*record->object, uid_of(patch), version_of(patch)); !holds) return std::unexpected(holds.error());
  const auto next = copy_of(*record->object);
  merge_json(*next, patch);
  return update(resource, *record, next, {manager, "Update", subresource});
}

Store::Answer Store::replace(const api::Resource& resource, const Json& object, const std::string& manager) {
  auto* record = find_record(resource, key_of(object));
  // Leases come into being that way, too.
  if (!record && resource.plural == "leases") return create(resource, object, manager);
  if (!record) return fail(Code::kNotFound, std::string(resource.plural) + " \"" + key_of(object).name + "\" not found");
  if (auto holds = precondition(*record->object, uid_of(object), version_of(object)); !holds)
    return std::unexpected(holds.error());
  const auto next = copy_of(*record->object);
  auto& members = next->as_object();
  auto& metadata = metadata_of(*next);
  for (const auto name : kUsersMetadata) {
    metadata.erase(name);
    if (const Json& one = at(object, "metadata", name); !one.is_null()) metadata[name] = one;
  }
  JsonRoom room;
  const Json before = part_of(*record->object, "", room.storage()), said = part_of(object, "", room.storage());
  for (const auto& [name, value] : before.get_object()) {
    if (name != "metadata") members.erase(name);
  }
  for (const auto& [name, value] : said.get_object()) {
    if (name != "metadata") members[name] = value;
  }
  return update(resource, *record, next, {manager, "Update", ""});
}

Store::Answer Store::remove(const api::Resource& resource, const api::Key& key, const std::string& uid,
                            const std::string& version) {
  auto* record = find_record(resource, key);
  if (!record) return fail(Code::kNotFound, std::string(resource.plural) + " \"" + key.name + "\" not found");
  if (auto holds = precondition(*record->object, uid, version); !holds) return std::unexpected(holds.error());
  if (deleting(*record->object)) return record->object.get();
  if (!held(*record->object) && !runs(resource, *record->object)) return forget(resource, key);
  const auto next = copy_of(*record->object);
  metadata_of(*next)["deletionTimestamp"] = "2026-01-02T00:00:00Z";
  metadata_of(*next)["generation"] = as_int(at(*next, "metadata", "generation")) + 1;
  return keep(resource, next, *record->owned);
}

void Store::end_pod(const api::Key& key) {
  auto* record = find_record(api::Pod::resource, key);
  KNFE_CHECK(record);
  if (!held(*record->object)) {
    forget(api::Pod::resource, key);
  } else if (runs(api::Pod::resource, *record->object)) {
    static const Json kEnded =
        *parse_json(R"({"status": {"phase": "Succeeded", "conditions": [{"type": "Ready", "status": "False"}]}})");
    KNFE_CHECK(merge_patch(api::Pod::resource, key, kEnded, "status", "kubelet"));
    if (auto* ended = find_record(api::Pod::resource, key); ended && !deleting(*ended->object))
      KNFE_CHECK(remove(api::Pod::resource, key));
  }
}

void Store::remove_in_foreground(const api::Resource& resource, const api::Key& key) {
  auto* record = find_record(resource, key);
  KNFE_CHECK(record);
  Json finalizers = at(*record->object, "metadata", "finalizers");
  if (!finalizers.is_array()) finalizers = JsonArray();
  finalizers.as_array().push_back(Json(kForeground));
  KNFE_CHECK(
      merge_patch(resource, key, JsonObject{{"metadata", JsonObject{{"finalizers", std::move(finalizers)}}}}, "", "somebody"));
  KNFE_CHECK(remove(resource, key));
}

// One step: the deletion of what has lost all its owners, or whose owner waits for it; or the end of such waiting.
bool Store::collect_garbage() {
  std::unordered_map<std::string_view, bool> owners;  // by UID, whether it waits
  for (const auto& [id, record] : records_) {
    owners.emplace(as_string(at(*record.object, "metadata", "uid")), waits(*record.object));
  }
  std::unordered_set<std::string_view> blocked;
  for (const auto& [id, record] : records_) {
    const auto& refs = as_array(at(*record.object, "metadata", "ownerReferences"));
    for (const auto& ref : refs) {
      if (as_bool(at(ref, "blockOwnerDeletion"))) blocked.emplace(as_string(at(ref, "uid")));
    }
    const auto solid = [&](const Json& ref) {
      const auto owner = owners.find(as_string(at(ref, "uid")));
      return owner != owners.end() && !owner->second;
    };
    if (refs.empty() || std::any_of(refs.begin(), refs.end(), solid) || deleting(*record.object)) continue;
    const bool waited_for =
        std::any_of(refs.begin(), refs.end(), [&](const Json& ref) { return owners.contains(as_string(at(ref, "uid"))); });
    const auto& resource =
        *std::find_if(std::begin(kKnown), std::end(kKnown), [&](const auto& known) { return known.plural == id.first; });
    const api::Key key = id.second;
    if (waited_for && resource != api::Pod::resource) {
      remove_in_foreground(resource, key);
    } else {
      KNFE_CHECK(remove(resource, key));
    }
    return true;
  }
  for (const auto& [id, record] : records_) {
    if (!waits(*record.object) || blocked.contains(as_string(at(*record.object, "metadata", "uid")))) continue;
    JsonArray rest;
    for (const auto& name : as_array(at(*record.object, "metadata", "finalizers"))) {
      if (as_string(name) != kForeground) rest.push_back(name);
    }
    const auto& resource =
        *std::find_if(std::begin(kKnown), std::end(kKnown), [&](const auto& known) { return known.plural == id.first; });
    KNFE_CHECK(merge_patch(resource, api::Key(id.second), JsonObject{{"metadata", JsonObject{{"finalizers", std::move(rest)}}}},
                           "", "somebody"));
    return true;
  }
  return false;
}

std::pair<int, std::string> http_status(const Error& error) {
  struct Known {
    Code code;
    int status;
    const char* reason;
  };
  constexpr Known kTable[] = {{Code::kInvalid, 422, "Invalid"},
                              {Code::kNotFound, 404, "NotFound"},
                              {Code::kAlreadyExists, 409, "AlreadyExists"},
                              {Code::kConflict, 409, "Conflict"},
                              {Code::kForbidden, 403, "Forbidden"},
                              {Code::kGone, 410, "Expired"},
                              {Code::kTooMany, 429, "TooManyRequests"},
                              {Code::kTimeout, 504, "Timeout"},
                              {Code::kUnavailable, 503, "ServiceUnavailable"}};
  for (const auto& known : kTable) {
    if (known.code != error.code) continue;
    JsonObject status{{"kind", "Status"}, {"message", error.message}, {"code", known.status}, {"reason", known.reason}};
    if (error.code == Code::kNotFound) {
      const auto quote = error.message.find('"') + 1;
      status["details"] = JsonObject{{"name", error.message.substr(quote, error.message.find('"', quote) - quote)}};
    }
    return {known.status, to_text(status)};
  }
  return {500, to_text(JsonObject{{"kind", "Status"}, {"message", error.message}, {"code", 500}})};
}

}  // namespace knfe::fakes
