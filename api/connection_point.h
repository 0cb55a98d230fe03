// ConnectionPoint: one attachment of a workload to a network (Neutron: port; ETSI: connection point, link port).
#pragma once

#include "api/network.h"

namespace knfe::api {

inline constexpr const char* kInterfacePattern = "^[a-z][a-z0-9-]*$";

struct AddressRequest {
  std::string subnet, ip;
  bool operator==(const AddressRequest&) const = default;
};
template <>
struct Fields<AddressRequest> {
  static constexpr const char* doc = "An address that is wanted.";
  static constexpr const char* key = "subnet";
  static constexpr auto list =
      std::tuple{field("subnet", &AddressRequest::subnet, "Subnet of the network from which to take the address.",
                       {.required = true, .min_length = 1, .max_length = 15}),
                 field("ip", &AddressRequest::ip, "This very address. Without it, a free one of the subnet's pools.",
                       {.max_length = 45, .rules = {{{"isIP(self)", "must be an IP address"}}}})};
};

struct ConnectionPointSpec {
  Ref network;
  std::optional<Ref> workload;
  std::string interface, mac, attach_as;
  std::vector<AddressRequest> addresses;
  bool operator==(const ConnectionPointSpec&) const = default;
};
template <>
struct Fields<ConnectionPointSpec> {
  static constexpr const char* doc = "The attachment that is wanted.";
  static constexpr Rules rules = {{
      {"self == oldSelf", "a connection point cannot change: create another one"},
  }};
  static constexpr auto list = std::tuple{
      field("networkRef", &ConnectionPointSpec::network, "The Network to attach to.", {.required = true}),
      field("workloadRef", &ConnectionPointSpec::workload, "The Member that is attached, where there is one."),
      field("interface", &ConnectionPointSpec::interface, "Name of the interface inside the workload.",
            {.required = true,
             .pattern = kInterfacePattern,
             .min_length = 1,
             .max_length = 15,
             .rules = {{{"self != 'eth0' && self != 'lo'", "eth0 and lo belong to the pod network"}}}}),
      field("mac", &ConnectionPointSpec::mac,
            "MAC address of one host, in lower case. Without it, one that follows from the first address.",
            {.pattern = "^[0-9a-f][02468ace](:[0-9a-f]{2}){5}$"}),
      field("attachAs", &ConnectionPointSpec::attach_as,
            "Interface: as an interface of the pod, which is what is meant where nothing is said. Tap: as a tap device, "
            "for the virtual machine in the pod.",
            {.one_of = "Interface|Tap"}),
      field("addresses", &ConnectionPointSpec::addresses,
            "Addresses that are wanted. Without any: one of each subnet of the network.", {.max_items = 8})};
};

struct GivenAddress {
  std::string subnet, ip, gateway;
  std::int32_t prefix_length = 0;
  bool operator==(const GivenAddress&) const = default;
};
template <>
struct Fields<GivenAddress> {
  static constexpr const char* doc = "An address that is given.";
  static constexpr const char* key = "subnet";
  static constexpr auto list = std::tuple{
      field("subnet", &GivenAddress::subnet, "Subnet it belongs to.", {.required = true}),
      field("ip", &GivenAddress::ip, "The address.", {.required = true}),
      field("prefixLength", &GivenAddress::prefix_length, "Length of the subnet's prefix in bits.", {.required = true}),
      field("gateway", &GivenAddress::gateway, "The subnet's router.")};
};

struct ConnectionPointStatus {
  std::int64_t observed_generation = 0;
  std::string summary, mac;
  std::vector<GivenAddress> addresses;
  KeptConditions conditions;
  bool operator==(const ConnectionPointStatus&) const = default;
};
template <>
struct Fields<ConnectionPointStatus> {
  static constexpr const char* doc = "The attachment as it is. Rebuilt at any time from the Allocations.";
  static constexpr auto list = std::tuple{
      field("observedGeneration", &ConnectionPointStatus::observed_generation, "Generation of the spec that this tells of."),
      field("summary", &ConnectionPointStatus::summary, "For people: its addresses.", {.max_length = kLongestSummary}),
      field("mac", &ConnectionPointStatus::mac, "MAC address."),
      field("addresses", &ConnectionPointStatus::addresses, "Addresses, fixed for the life of the connection point."),
      field("conditions", &ConnectionPointStatus::conditions, "Accepted, Addressed, Ready, Reconciling, Stalled.",
            {.max_items = 16})};
};

struct ConnectionPoint : Object<ConnectionPointSpec, ConnectionPointStatus> {
  static constexpr Resource resource{kGroup, kVersion, "ConnectionPoint", "connectionpoints"};
  bool is_tap() const { return spec.attach_as == "Tap"; }
};

}  // namespace knfe::api
