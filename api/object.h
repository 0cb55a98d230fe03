// What every Kubernetes object has: its resource, its metadata, its conditions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/fields.h"
#include "api/uid.h"
#include "api/version.h"
#include "base/lean.h"

namespace knfe::api {

inline constexpr const char* kGroup = "knfe.io";
inline constexpr const char* kVersion = "v1alpha1";

inline constexpr int kLongestSummary = 1'000;                                 // of a status: a line for people
inline constexpr const char* kLabelPattern = "^[a-z]([-a-z0-9]*[a-z0-9])?$";  // RFC 1035 label

// A resource of the API server (KEP-free vocabulary: group, version, kind, plural).
struct Resource {
  std::string_view group;  // empty: the core group
  std::string_view version;
  std::string_view kind;
  std::string_view plural;
  bool namespaced = true;

  std::string api_version() const;
  bool operator==(const Resource&) const = default;
};

struct Owner {
  Word api_version, kind, name;
  Uid uid;
  bool controller = false;
  bool operator==(const Owner&) const = default;
};

// A namespaced name. For cluster-scoped resources the namespace is empty.
struct Key {
  Word ns, name;
  auto operator<=>(const Key&) const = default;
  std::size_t hash() const { return ns.hash() * 31 + name.hash(); }
  std::string text() const { return ns.empty() ? std::string(name) : ns + "/" + name; }
};

// Metadata as operators need it. Digests cover what one field manager owns in the object (see api/digest.h); they are zero
// unless take_digests() has been called.
struct Meta {
  Key key;
  Uid uid;
  Version resource_version;
  std::int64_t generation = 0;
  Word created;  // RFC 3339
  bool deleting = false;
  Lean<StringMap> labels, annotations;
  Lean<std::vector<Word>> finalizers;
  std::vector<Owner> owners;
  std::uint64_t spec_digest = 0;
  std::uint64_t status_digest = 0;

  const Owner* controller() const;  // the owner that controls it, or null
  bool owned_by(const Uid& owner_uid) const;
  bool has_finalizer(std::string_view name) const;
  std::string_view label(const char* name) const;  // empty if there is none
};

Result<Meta> decode_meta(const Json& object);
// The same without labels and annotations.
Result<Meta> decode_ownership(const Json& object);
// Of what field manager `manager` owns in `object`, from which `meta` is.
void take_digests(Meta& meta, const Json& object, std::string_view manager);

// metav1.Condition.
struct Condition {
  Word type;
  Word status;  // True, False, Unknown
  Word reason;
  Word message;
  Word last_transition_time;
  std::int64_t observed_generation = 0;
  bool operator==(const Condition&) const = default;
};
using Conditions = std::vector<Condition>;
using KeptConditions = Once<Conditions>;  // in an object
inline std::size_t hash_of(const Condition& condition) {
  std::uint64_t hash = static_cast<std::uint64_t>(condition.observed_generation);
  for (const auto* word :
       {&condition.type, &condition.status, &condition.reason, &condition.message, &condition.last_transition_time}) {
    hash = mixed(hash, word->hash());
  }
  return hash;
}

template <>
struct Fields<Condition> {
  static constexpr const char* doc = "One aspect of the state of an object.";
  static constexpr const char* key = "type";
  static constexpr auto list = std::tuple{
      field("type", &Condition::type, "Aspect that is told of, in CamelCase.", {.required = true, .max_length = 316}),
      field("status", &Condition::status, "True, False or Unknown.", {.required = true, .one_of = "True|False|Unknown"}),
      field("reason", &Condition::reason, "Why, in one CamelCase word, for programs.", {.required = true, .max_length = 1024}),
      field("message", &Condition::message, "Why and what to do next, for people.", {.required = true, .max_length = 32768}),
      field("lastTransitionTime", &Condition::last_transition_time, "When the status last changed.",
            {.required = true, .format = "date-time"}),
      field("observedGeneration", &Condition::observed_generation, "Generation of the spec that this tells of.", {.minimum = 0})};
};

const Condition* find(const Conditions& conditions, std::string_view type);
bool is_true(const Conditions& conditions, std::string_view type);

// Names an object in the same namespace.
struct Ref {
  std::string name;
  bool operator==(const Ref&) const = default;
};

template <>
struct Fields<Ref> {
  static constexpr const char* doc = "An object in the same namespace.";
  static constexpr auto list = std::tuple{field("name", &Ref::name, "Name of the object.", {.required = true, .min_length = 1})};
};

// Every kind of KNFE is one of these. `Self::resource` says what it is at the API server.
template <class Spec, class Status>
struct Object {
  Meta meta;
  Spec spec;
  Status status;
};

struct None {
  bool operator==(const None&) const = default;
};
template <>
struct Fields<None> {
  static constexpr const char* doc = "Nothing.";
  static constexpr auto list = std::tuple{};
};

template <class T>
Result<T> decode_object(const Json& json) {
  T out;
  KNFE_TRY(out.meta, decode_meta(json));
  if (auto spec = decode_into(at(json, "spec"), out.spec, "/spec"); !spec) return std::unexpected(spec.error());
  if (auto status = decode_into(at(json, "status"), out.status, "/status"); !status) return std::unexpected(status.error());
  return out;
}

// For children of which it only matters whose they are and, by their digest, what they hold.
template <class T>
Result<T> decode_child(const Json& json) {
  T out;
  KNFE_TRY(out.meta, decode_ownership(json));
  return out;
}

// Whose name an object as JSON has.
Key key_of(const Json& object);
// {apiVersion, kind, metadata{name, namespace}} of an object to write.
JsonObject skeleton(const Resource& resource, const Key& key);
// The ownerReference to an object of `resource`.
Json owner_reference(const Resource& resource, const Meta& owner);

}  // namespace knfe::api
