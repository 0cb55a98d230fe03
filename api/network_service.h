// NetworkService: functions and the networks between them (ETSI: NS).
#pragma once

#include "api/network_function.h"

namespace knfe::api {

struct ServiceNetwork : NetworkSpec {
  std::string name;
  bool operator==(const ServiceNetwork&) const = default;
};
template <>
struct Fields<ServiceNetwork> {
  static constexpr const char* doc = "A network of the service.";
  static constexpr const char* key = "name";
  static constexpr Rules rules = Fields<NetworkSpec>::rules;
  static constexpr auto list = std::tuple_cat(
      std::tuple{field("name", &ServiceNetwork::name, "Name of the network in the service; the Network is called SERVICE-NAME.",
                       {.required = true, .pattern = kLabelPattern, .min_length = 1, .max_length = 20})},
      Fields<NetworkSpec>::list);
};

struct ServiceFunction : NetworkFunctionSpec {
  std::string name;
  bool operator==(const ServiceFunction&) const = default;
};
template <>
struct Fields<ServiceFunction> {
  static constexpr const char* doc = "A function of the service.";
  static constexpr const char* key = "name";
  static constexpr auto list =
      std::tuple_cat(std::tuple{field("name", &ServiceFunction::name,
                                      "Name of the function in the service; the NetworkFunction is called SERVICE-NAME.",
                                      {.required = true, .pattern = kLabelPattern, .min_length = 1, .max_length = 20})},
                     Fields<NetworkFunctionSpec>::list);
};

struct NetworkServiceSpec {
  std::vector<ServiceNetwork> networks;
  std::vector<ServiceFunction> functions;
  bool operator==(const NetworkServiceSpec&) const = default;
};
template <>
struct Fields<NetworkServiceSpec> {
  static constexpr const char* doc = "The network service that is wanted.";
  static constexpr auto list = std::tuple{
      field("networks", &NetworkServiceSpec::networks, "Its networks.", {.max_items = 8}),
      field("functions", &NetworkServiceSpec::functions, "Its functions.", {.required = true, .min_items = 1, .max_items = 8})};
};

struct PartStatus {
  std::string name, ready, message;
  bool operator==(const PartStatus&) const = default;
};
template <>
struct Fields<PartStatus> {
  static constexpr const char* doc = "A part of the service as it is.";
  static constexpr const char* key = "name";
  static constexpr auto list =
      std::tuple{field("name", &PartStatus::name, "Name of the part in the service.", {.required = true}),
                 field("ready", &PartStatus::ready, "Its condition Ready: True, False or Unknown.",
                       {.required = true, .one_of = "True|False|Unknown"}),
                 field("message", &PartStatus::message, "Why it is not ready.", {.max_length = 32768})};
};

struct NetworkServiceStatus {
  std::int64_t observed_generation = 0;
  std::vector<PartStatus> networks, functions;
  KeptConditions conditions;
  bool operator==(const NetworkServiceStatus&) const = default;
};
template <>
struct Fields<NetworkServiceStatus> {
  static constexpr const char* doc = "The network service as it is.";
  static constexpr auto list = std::tuple{
      field("observedGeneration", &NetworkServiceStatus::observed_generation, "Generation of the spec that this tells of."),
      field("networks", &NetworkServiceStatus::networks, "Its networks."),
      field("functions", &NetworkServiceStatus::functions, "Its functions."),
      field("conditions", &NetworkServiceStatus::conditions, "Ready, Reconciling, Stalled.", {.max_items = 16})};
};

struct NetworkService : Object<NetworkServiceSpec, NetworkServiceStatus> {
  static constexpr Resource resource{kGroup, kVersion, "NetworkService", "networkservices"};
};

}  // namespace knfe::api
