#include "api/object.h"

#include <algorithm>

#include "api/digest.h"

namespace knfe::api {

std::string Resource::api_version() const {
  return group.empty() ? std::string(version) : std::string(group) + "/" + std::string(version);
}

const Owner* Meta::controller() const {
  const auto found = std::find_if(owners.begin(), owners.end(), [](const Owner& owner) { return owner.controller; });
  return found == owners.end() ? nullptr : &*found;
}

bool Meta::owned_by(const Uid& owner_uid) const {
  const auto* owner = controller();
  return owner && owner->uid == owner_uid;
}

bool Meta::has_finalizer(std::string_view name) const {
  return std::find(finalizers->begin(), finalizers->end(), name) != finalizers->end();
}

std::string_view Meta::label(const char* name) const {
  const auto found = labels->find(name);
  return found == labels->end() ? std::string_view{} : std::string_view(found->second);
}

Result<Meta> decode_ownership(const Json& object) {
  const Json& json = at(object, "metadata");
  Meta meta;
  meta.key = {as_string(at(json, "namespace")), as_string(at(json, "name"))};
  meta.uid = as_string(at(json, "uid"));
  meta.resource_version = as_string(at(json, "resourceVersion"));
  meta.generation = as_int(at(json, "generation"));
  meta.created = as_string(at(json, "creationTimestamp"));
  meta.deleting = at(json, "deletionTimestamp").is_string();
  if (meta.key.name.empty() || meta.resource_version.empty()) {
    return fail(Code::kInternal, "an object without name, or without a decimal resourceVersion", "/metadata");
  }
  for (const auto& name : as_array(at(json, "finalizers"))) meta.finalizers.edit().emplace_back(as_string(name));
  for (const auto& owner : as_array(at(json, "ownerReferences"))) {
    meta.owners.push_back({as_string(at(owner, "apiVersion")), as_string(at(owner, "kind")), as_string(at(owner, "name")),
                           as_string(at(owner, "uid")), as_bool(at(owner, "controller"))});
  }
  return meta;
}

Result<Meta> decode_meta(const Json& object) {
  const Json& json = at(object, "metadata");
  KNFE_TRY(Meta meta, decode_ownership(object));
  for (const auto& [name, texts] : {std::pair("labels", &meta.labels), std::pair("annotations", &meta.annotations)}) {
    const Json& found = at(json, name);
    if (found.is_null()) continue;
    if (auto done = decode_into(found, texts->edit(), {"/metadata", name}); !done) return std::unexpected(done.error());
  }
  return meta;
}

void take_digests(Meta& meta, const Json& object, std::string_view manager) {
  meta.spec_digest = digest_of_owned(object, manager, "");
  meta.status_digest = digest_of_owned(object, manager, "status");
}

const Condition* find(const Conditions& conditions, std::string_view type) {
  const auto found =
      std::find_if(conditions.begin(), conditions.end(), [&](const Condition& condition) { return condition.type == type; });
  return found == conditions.end() ? nullptr : &*found;
}

bool is_true(const Conditions& conditions, std::string_view type) {
  const auto* condition = find(conditions, type);
  return condition && condition->status == "True";
}

Key key_of(const Json& object) {
  return {as_string(at(object, "metadata", "namespace")), as_string(at(object, "metadata", "name"))};
}

JsonObject skeleton(const Resource& resource, const Key& key) {
  JsonObject metadata{{"name", key.name.text()}};
  if (!key.ns.empty()) metadata["namespace"] = key.ns.text();
  return {{"apiVersion", resource.api_version()}, {"kind", resource.kind}, {"metadata", std::move(metadata)}};
}

Json owner_reference(const Resource& resource, const Meta& owner) {
  return JsonObject{{"apiVersion", resource.api_version()},
                    {"kind", resource.kind},
                    {"name", owner.key.name.text()},
                    {"uid", owner.uid.text()},
                    {"controller", true},
                    {"blockOwnerDeletion", true}};
}

}  // namespace knfe::api
