#include "api/crd.h"

#include <algorithm>

#include "api/allocation.h"
#include "api/connection_point.h"
#include "api/network.h"
#include "api/network_function.h"
#include "api/network_service.h"

namespace knfe::api {

namespace {

struct Column {
  const char* name;
  const char* type;
  const char* path;
  bool wide = false;
};

// What a kind says about itself beside its fields.
struct Facts {
  const char* doc;
  const char* short_name;
  int name_length;  // so that every name derived from it fits; 0: the API server's own limit
  std::vector<Column> columns;
  bool scale = false;
};

constexpr const char* kReadyPath = ".status.conditions[?(@.type=='Ready')].status";
constexpr const char* kWhyPath = ".status.conditions[?(@.type=='Ready')].message";

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

template <class T>
Json crd(const Facts& facts) {
  using Spec = decltype(T::spec);
  using Status = decltype(T::status);
  constexpr bool has_status = !std::same_as<Status, None>;
  const Resource& resource = T::resource;

  const auto described = [](auto schema, const char* doc) {
    JsonObject out{{"description", doc}};
    for (auto& [key, value] : schema) out[key] = std::move(value);
    return out;
  };
  JsonObject properties{
      {"apiVersion", {{"type", "string"}, {"description", "Version of the schema of this object."}}},
      {"kind", {{"type", "string"}, {"description", "Kind of this object."}}},
      {"metadata", JsonObject{{"type", "object"}}},  // the API server describes it and allows nothing here but rules for the name
      {"spec", described(schema_of<Spec>({}), Fields<Spec>::doc)},
  };
  if constexpr (has_status) properties["status"] = described(schema_of<Status>({}), Fields<Status>::doc);
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

  JsonArray short_names;
  if (*facts.short_name) short_names.push_back(facts.short_name);
  return JsonObject{{"apiVersion", "apiextensions.k8s.io/v1"},
                    {"kind", "CustomResourceDefinition"},
                    {"metadata", {{"name", std::string(resource.plural) + "." + kGroup}}},
                    {"spec",
                     {{"group", kGroup},
                      {"scope", "Namespaced"},
                      {"names",
                       {{"kind", resource.kind},
                        {"listKind", std::string(resource.kind) + "List"},
                        {"plural", resource.plural},
                        {"singular", lower(resource.kind)},
                        {"shortNames", std::move(short_names)},
                        {"categories", JsonArray{Json("knfe")}}}},
                      {"versions", JsonArray{std::move(version)}}}}};
}

}  // namespace

std::vector<Json> crds() {
  return {
      crd<NetworkService>({"Network functions and the networks between them.",
                           "nsvc",
                           20,
                           {{"Ready", "string", kReadyPath}, {"Why", "string", kWhyPath}}}),
      crd<NetworkFunction>(
          {"A network function: roles whose members form a cluster.",
           "nf",
           41,
           {{"Serving", "string", ".status.summary"}, {"Ready", "string", kReadyPath}, {"Why", "string", kWhyPath, true}}}),
      crd<MemberSet>({"One role of a network function. `kubectl scale` changes its size where the role allows it.",
                      "mset",
                      58,
                      {{"Function", "string", ".spec.function"},
                       {"Role", "string", ".spec.role"},
                       {"Wanted", "integer", ".spec.replicas"},
                       {"Members", "integer", ".status.replicas"},
                       {"Ready", "integer", ".status.readyReplicas"},
                       {"Why", "string", kWhyPath, true}},
                      true}),
      crd<Member>({"One member of a role: an identity, its addresses and its workload.",
                   "mem",
                   63,
                   {{"Role", "string", ".spec.role"},
                    {"Desired", "string", ".spec.desired"},
                    {"Addresses", "string", ".status.addresses[*].ips"},
                    {"Serving", "string", ".status.conditions[?(@.type=='Serving')].status"},
                    {"Ready", "string", kReadyPath},
                    {"Why", "string", kWhyPath, true}}}),
      crd<Network>({"A data-plane network.",
                    "net",
                    41,
                    {{"Subnets", "string", ".spec.subnets[*].cidr"},
                     {"Used", "string", ".status.subnets[*].used"},
                     {"Ready", "string", kReadyPath},
                     {"Why", "string", kWhyPath, true}}}),
      crd<ConnectionPoint>({"One attachment of a workload to a Network, with its own fixed addresses.",
                            "cp",
                            0,
                            {{"Network", "string", ".spec.networkRef.name"},
                             {"Workload", "string", ".spec.workloadRef.name"},
                             {"Addresses", "string", ".status.addresses[*].ip"},
                             {"MAC", "string", ".status.mac", true},
                             {"Ready", "string", kReadyPath},
                             {"Why", "string", kWhyPath, true}}}),
      crd<Allocation>({"A claim on one address. Made and removed by KNFE; that it exists is the claim.",
                       "",
                       0,
                       {{"Network", "string", ".spec.network"},
                        {"Subnet", "string", ".spec.subnet"},
                        {"Address", "string", ".spec.ip"},
                        {"Owner", "string", ".spec.owner"}}}),
  };
}

}  // namespace knfe::api
