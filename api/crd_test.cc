#include "api/kinds.h"

#include <doctest/doctest.h>

#include <set>

#include "api/allocation.h"
#include "api/network_service.h"

namespace knfe::api {

namespace {

const Json& schema_of_crd(const Json& crd) {
  return at(as_array(at(crd, "spec", "versions")).front(), "schema", "openAPIV3Schema");
}

const Json& crd_of(const std::vector<Json>& all, std::string_view kind) {
  for (const auto& crd : all) {
    if (as_string(at(crd, "spec", "names", "kind")) == kind) return crd;
  }
  FAIL("no such kind");
  return all.front();
}

// What the API server demands of structural schemas, and what kubectl explain needs.
void check_schema(const Json& schema, const std::string& path) {
  INFO(path);
  const auto type = as_string(at(schema, "type"));
  CHECK_FALSE(type.empty());
  if (type == "array") {
    const auto list_type = as_string(at(schema, "x-kubernetes-list-type"));
    const std::set<std::string_view> known{"map", "set", "atomic"};
    CHECK(known.contains(list_type));
    CHECK(as_int(at(schema, "maxItems")) > 0);  // CEL rules are only allowed where costs are bounded
    if (list_type == "map") {
      const auto& keys = as_array(at(schema, "x-kubernetes-list-map-keys"));
      CHECK(keys.size() == 1);
      for (const auto& key : keys) {
        bool required = false;
        for (const auto& name : as_array(at(schema, "items", "required"))) required = required || name == key;
        CHECK(required);
      }
    }
    check_schema(at(schema, "items"), path + "[]");
  }
  if (type == "string" && at(schema, "enum").is_null() && at(schema, "format").is_null())
    CHECK(as_int(at(schema, "maxLength")) > 0);
  for (const auto& rule : as_array(at(schema, "x-kubernetes-validations"))) {
    CHECK_FALSE(as_string(at(rule, "rule")).empty());
    CHECK_FALSE(as_string(at(rule, "message")).empty());
  }
  for (const auto& property : as_object(at(schema, "properties"))) {
    const std::string where = path + "/" + std::string(property.key());
    if (where == "/metadata" || where == "/apiVersion" || where == "/kind") continue;  // the API server's own
    INFO(where);
    CHECK_FALSE(as_string(at(property.value(), "description")).empty());
    check_schema(property.value(), where);
  }
  for (const auto& name : as_array(at(schema, "required"))) CHECK_FALSE(at(schema, "properties", as_string(name)).is_null());
}

}  // namespace

TEST_CASE("each field of each kind is described, bounded and of a known list type") {
  const auto all = crds();
  CHECK(all.size() == 9);
  for (const auto& crd : all) check_schema(schema_of_crd(crd), "");
}

TEST_CASE("a kind is found under its names") {
  const auto all = crds();
  std::set<std::string> short_names;
  for (const auto& crd : all) {
    const Json& names = at(crd, "spec", "names");
    CHECK(as_string(at(crd, "metadata", "name")) == std::string(as_string(at(names, "plural"))) + ".knfe.io");
    CHECK(as_string(at(names, "listKind")) == std::string(as_string(at(names, "kind"))) + "List");
    CHECK(to_text(at(names, "categories")) == R"(["knfe"])");
    for (const auto& name : as_array(at(names, "shortNames"))) CHECK(short_names.emplace(as_string(name)).second);
  }
  CHECK(as_string(at(crd_of(all, "NetworkService"), "spec", "names", "singular")) == "networkservice");
}

TEST_CASE("lists that are owned by the item have the keys of their items") {
  const auto all = crds();
  const auto keys = [&](const char* kind, auto... path) {
    return to_text(at(schema_of_crd(crd_of(all, kind)), "properties", path..., "x-kubernetes-list-map-keys"));
  };
  CHECK(keys("NetworkService", "spec", "properties", "networks") == R"(["name"])");
  CHECK(keys("NetworkService", "spec", "properties", "functions") == R"(["name"])");
  CHECK(keys("NetworkFunction", "spec", "properties", "roles") == R"(["name"])");
  CHECK(keys("Network", "spec", "properties", "subnets") == R"(["name"])");
  CHECK(keys("ConnectionPoint", "spec", "properties", "addresses") == R"(["subnet"])");
  CHECK(keys("Member", "status", "properties", "addresses") == R"(["connectionPoint"])");
  for (const char* kind : {"NetworkService", "NetworkFunction", "MemberSet", "Member", "Network", "ConnectionPoint"}) {
    CHECK(keys(kind, "status", "properties", "conditions") == R"(["type"])");
  }
}

TEST_CASE("kubectl scale finds the size of a MemberSet, and of nothing else") {
  for (const auto& crd : crds()) {
    const Json& version = as_array(at(crd, "spec", "versions")).front();
    const bool is_set = as_string(at(crd, "spec", "names", "kind")) == "MemberSet";
    CHECK(at(version, "subresources", "scale").is_object() == is_set);
    if (!is_set) continue;
    CHECK(as_string(at(version, "subresources", "scale", "specReplicasPath")) == ".spec.replicas");
    CHECK(as_string(at(version, "subresources", "scale", "statusReplicasPath")) == ".status.replicas");
    CHECK(as_string(at(version, "subresources", "scale", "labelSelectorPath")) == ".status.selector");
    const Json& status = at(schema_of_crd(crd), "properties", "status", "properties");
    CHECK_FALSE(at(status, "replicas").is_null());
    CHECK_FALSE(at(status, "selector").is_null());
    CHECK_FALSE(at(schema_of_crd(crd), "properties", "spec", "properties", "replicas").is_null());
  }
}

TEST_CASE("all kinds but Allocation have a status that users cannot write with the spec") {
  for (const auto& crd : crds()) {
    const Json& version = as_array(at(crd, "spec", "versions")).front();
    CHECK(at(version, "subresources", "status").is_object() == (as_string(at(crd, "spec", "names", "kind")) != "Allocation"));
    CHECK(to_text(at(schema_of_crd(crd), "required")) == R"(["spec"])");
  }
}

TEST_CASE("names are so short that every name derived from them fits") {
  const auto all = crds();
  const auto limit = [&](const char* kind) {
    const auto& rules = as_array(at(schema_of_crd(crd_of(all, kind)), "x-kubernetes-validations"));
    REQUIRE(rules.size() == 1);
    const std::string rule(as_string(at(rules.front(), "rule")));
    return std::stoi(rule.substr(rule.find("<= ") + 3));
  };
  const auto part = [&](const char* kind, auto... path) {
    return static_cast<int>(
        as_int(at(schema_of_crd(crd_of(all, kind)), "properties", "spec", "properties", path..., "maxLength")));
  };
  const int in_service = part("NetworkService", "networks", "items", "properties", "name");
  CHECK(limit("NetworkService") + 1 + in_service <= limit("Network"));
  CHECK(limit("NetworkService") + 1 + part("NetworkService", "functions", "items", "properties", "name") <=
        limit("NetworkFunction"));
  const int role = part("NetworkFunction", "roles", "items", "properties", "name");
  CHECK(limit("NetworkFunction") + 1 + role <= limit("MemberSet"));
  // A thousand members: ordinals of three digits. Pods are named like them, and labels hold 63.
  CHECK(limit("MemberSet") + 1 + 3 <= limit("Member"));
  CHECK(limit("Member") <= 63);
}

}  // namespace knfe::api
