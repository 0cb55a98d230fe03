#include "api/crd.h"

#include <algorithm>

namespace knfe::api {

namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

JsonObject schema_of(const Described& what) {
  JsonObject out{{"description", what.doc}};
  for (auto& [key, value] : schema_of(*what.shape, {})) out[key] = std::move(value);
  return out;
}

}  // namespace

Json crd_of(const Resource& resource, const CrdFacts& facts, const Described& spec, const Described& status) {
  JsonObject properties{
      {"apiVersion", {{"type", "string"}, {"description", "Version of the schema of this object."}}},
      {"kind", {{"type", "string"}, {"description", "Kind of this object."}}},
      {"metadata", JsonObject{{"type", "object"}}},  // the API server describes it and allows nothing here but rules for the name
      {"spec", schema_of(spec)},
  };
  const bool has_status = status.shape;
  if (has_status) properties["status"] = schema_of(status);
  JsonObject schema{{"type", "object"},
                    {"description", facts.doc},
                    {"properties", std::move(properties)},
                    {"required", JsonArray{Json("spec")}}};
  if (facts.name_length) {
    const std::string limit = std::to_string(facts.name_length);
    const std::string message =
        "the name must be an RFC 1035 label of at most " + limit + " characters: others are derived from it";
    schema["x-kubernetes-validations"] = JsonArray{
        JsonObject{{"rule", "self.metadata.name.size() <= " + limit + " && self.metadata.name.matches('" + kLabelPattern + "')"},
                   {"message", message},
                   {"fieldPath", ".metadata.name"}}};
    schema["properties"].as_object()["metadata"].as_object()["properties"] = JsonObject{{"name", JsonObject{{"type", "string"}}}};
  }

  JsonArray columns;
  for (const auto& column : facts.columns) {
    JsonObject one{{"name", column.name}, {"type", column.type}, {"jsonPath", column.path}};
    if (column.wide) one["priority"] = 1;
    columns.push_back(std::move(one));
  }
  columns.push_back(JsonObject{{"name", "Age"}, {"type", "date"}, {"jsonPath", ".metadata.creationTimestamp"}});

  JsonObject version{{"name", resource.version},
                     {"served", true},
                     {"storage", true},
                     {"schema", {{"openAPIV3Schema", std::move(schema)}}},
                     {"additionalPrinterColumns", std::move(columns)}};
  JsonObject subresources;
  if (has_status) subresources["status"] = JsonObject{};
  if (facts.scale) {
    subresources["scale"] = JsonObject{{"specReplicasPath", ".spec.replicas"},
                                       {"statusReplicasPath", ".status.replicas"},
                                       {"labelSelectorPath", ".status.selector"}};
  }
  if (!subresources.empty()) version["subresources"] = std::move(subresources);

  JsonArray short_names, categories;
  if (*facts.short_name) short_names.push_back(facts.short_name);
  if (*facts.category) categories.push_back(facts.category);
  return JsonObject{{"apiVersion", "apiextensions.k8s.io/v1"},
                    {"kind", "CustomResourceDefinition"},
                    {"metadata", {{"name", std::string(resource.plural) + "." + std::string(resource.group)}}},
                    {"spec",
                     {{"group", resource.group},
                      {"scope", "Namespaced"},
                      {"names",
                       {{"kind", resource.kind},
                        {"listKind", std::string(resource.kind) + "List"},
                        {"plural", resource.plural},
                        {"singular", lower(resource.kind)},
                        {"shortNames", std::move(short_names)},
                        {"categories", std::move(categories)}}},
                      {"versions", JsonArray{std::move(version)}}}}};
}

}  // namespace knfe::api
