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
#include "api/schema.h"

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

struct Described {
  const char* doc = nullptr;
  const Shape* shape = nullptr;
};
// `status` is empty where a kind has none.
Json crd_of(const Resource& resource, const CrdFacts& facts, const Described& spec, const Described& status);

template <class T>
Json crd(const CrdFacts& facts) {
  using Spec = decltype(T::spec);
  using Status = decltype(T::status);
  const Described spec{Fields<Spec>::doc, &ShapeOf<Spec>::value};
  if constexpr (std::same_as<Status, None>) return crd_of(T::resource, facts, spec, {});
  return crd_of(T::resource, facts, spec, {Fields<Status>::doc, &ShapeOf<Status>::value});
}

}  // namespace knfe::api
