// CustomResourceDefinitions made from field tables.
//
//   struct Website : api::Object<WebsiteSpec, WebsiteStatus> {
//     static constexpr api::Resource resource{"example.org", "v1", "Website", "websites"};
//   };
//   Json definition = api::crd<Website>({.doc = "A web site.", .short_name = "web"});
#pragma once

#include <string>
#include <vector>

#include "api/object.h"

namespace knfe::api {

// Columns of `kubectl get` that show the condition Ready and its message.
inline constexpr const char* kReadyPath = ".status.conditions[?(@.type=='Ready')].status";
inline constexpr const char* kWhyPath = ".status.conditions[?(@.type=='Ready')].message";

// What a kind says about itself beside its fields.
struct CrdFacts {
  // A column of `kubectl get`; `wide`: only with -o wide.
  struct Column {
    const char* name;
    const char* type;
    const char* path;
    bool wide = false;
  };
  const char* doc;
  const char* short_name = "";
  int name_length = 0;  // so that every name derived from it fits; 0: the API server's own limit
  std::vector<Column> columns = {};
  bool scale = false;  // has the scale subresource: spec.replicas, status.replicas, status.selector
  const char* category = "";
};

// `status` is null where a kind has none.
Json crd_of(const Resource& resource, const CrdFacts& facts, JsonObject spec, std::optional<JsonObject> status);

template <class T>
Json crd(const CrdFacts& facts) {
  const auto described = [](auto schema, const char* doc) {
    JsonObject out{{"description", doc}};
    for (auto& [key, value] : schema) out[key] = std::move(value);
    return out;
  };
  using Spec = decltype(T::spec);
  using Status = decltype(T::status);
  std::optional<JsonObject> status;
  if constexpr (!std::same_as<Status, None>) status = described(schema_of<Status>({}), Fields<Status>::doc);
  return crd_of(T::resource, facts, described(schema_of<Spec>({}), Fields<Spec>::doc), std::move(status));
}

}  // namespace knfe::api
