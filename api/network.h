// Network: a first-class data-plane network.
#pragma once

#include "api/object.h"

namespace knfe::api {

inline constexpr const char* kAddressPattern = "^[0-9a-fA-F:.]+$";

struct Pool {
  std::string start, end;
  bool operator==(const Pool&) const = default;
};
template <>
struct Fields<Pool> {
  static constexpr const char* doc = "A range of addresses, both ends included.";
  static constexpr auto list = std::tuple{
      field(
          "start", &Pool::start, "First address of the range.",
          {.required = true, .pattern = kAddressPattern, .max_length = 45, .rules = {{{"isIP(self)", "must be an IP address"}}}}),
      field("end", &Pool::end, "Last address of the range.",
            {.required = true,
             .pattern = kAddressPattern,
             .max_length = 45,
             .rules = {{{"isIP(self)", "must be an IP address"}}}})};
};

struct Subnet {
  std::string name, cidr, gateway;
  std::vector<Pool> pools;
  bool operator==(const Subnet&) const = default;
};
template <>
struct Fields<Subnet> {
  static constexpr const char* doc = "An address range of a network, IPv4 or IPv6.";
  static constexpr const char* key = "name";
  static constexpr Rules rules = {{
      {"!isCIDR(self.cidr) || !has(self.gateway) || !isIP(self.gateway) || cidr(self.cidr).containsIP(self.gateway)",
       "gateway must lie inside cidr"},
      {"!isCIDR(self.cidr) || !has(self.pools) || self.pools.all(p, !isIP(p.start) || !isIP(p.end) || "
       "(cidr(self.cidr).containsIP(p.start) && cidr(self.cidr).containsIP(p.end)))",
       "pools must lie inside cidr"},
  }};
  static constexpr auto list = std::tuple{
      field("name", &Subnet::name, "Name of the subnet, unique in the network.",
            {.required = true, .pattern = kLabelPattern, .min_length = 1, .max_length = 15}),
      field("cidr", &Subnet::cidr, "The range, such as 10.20.0.0/24 or fd20::/64, without host bits.",
            {.required = true,
             .max_length = 49,
             .rules = {{{"isCIDR(self)", "must be a CIDR such as 10.20.0.0/24 or fd20::/64"},
                        {"!isCIDR(self) || cidr(self) == cidr(self).masked()",
                         "must have no host bits set, as in 10.20.0.0/24 or fd20::/64"}}}}),
      field("gateway", &Subnet::gateway, "Address of the router in this subnet. It is never given to a connection point.",
            {.max_length = 45, .rules = {{{"isIP(self)", "must be an IP address"}}}}),
      field("pools", &Subnet::pools,
            "Ranges from which addresses are given. Without pools: the whole subnet but its first address, and in IPv4 its last.",
            {.max_items = 8})};
};

struct Segment {
  std::string type, physical_network;
  bool operator==(const Segment&) const = default;
};
template <>
struct Fields<Segment> {
  static constexpr const char* doc = "How the network is carried.";
  static constexpr auto list = std::tuple{
      field("type", &Segment::type, "Encapsulation: flat is none.", {.otherwise = "\"flat\"", .one_of = "flat"}),
      field("physicalNetwork", &Segment::physical_network, "Host interface that carries the segment, the same on every node.",
            {.required = true, .pattern = "^[A-Za-z0-9_.-]+$", .min_length = 1, .max_length = 15})};
};

struct NetworkSpec {
  Ref provider{"multus"};
  std::string address_space;
  std::vector<Segment> segments;
  std::vector<Subnet> subnets;
  std::optional<std::int32_t> mtu;
  bool operator==(const NetworkSpec&) const = default;
};
template <>
struct Fields<NetworkSpec> {
  static constexpr const char* doc = "The network that is wanted.";
  static constexpr Rules rules = {{
      {"self.subnets.all(a, self.subnets.all(b, a.name == b.name || !isCIDR(a.cidr) || !isCIDR(b.cidr) || "
       "!(cidr(a.cidr).containsCIDR(b.cidr) || cidr(b.cidr).containsCIDR(a.cidr))))",
       "subnets of one network must not overlap"},
      {"self.subnets == oldSelf.subnets",
       "subnets cannot change while the network exists: create another network and move the functions to it"},
      {"(has(self.segments) ? self.segments : []) == (has(oldSelf.segments) ? oldSelf.segments : [])",
       "segments cannot change while the network exists: its members would not meet"},
      {"(has(self.addressSpace) ? self.addressSpace : '') == (has(oldSelf.addressSpace) ? oldSelf.addressSpace : '')",
       "addressSpace cannot change while the network exists"},
  }};
  static constexpr auto list = std::tuple{
      field("providerRef", &NetworkSpec::provider, "Who realises the network: \"multus\" is built in.",
            {.otherwise = R"({"name":"multus"})", .rules = {{{"self.name == 'multus'", "the only network provider is multus"}}}}),
      field("addressSpace", &NetworkSpec::address_space,
            "Networks of a namespace that name the same address space share it: their subnets must not overlap. Without a name, "
            "the "
            "network has a space of its own.",
            {.pattern = kLabelPattern, .max_length = 63}),
      field("segments", &NetworkSpec::segments,
            "What carries the network between nodes. Without a segment it is a bridge on each node, which joins the members on "
            "that node.",
            {.max_items = 1}),
      field("subnets", &NetworkSpec::subnets, "Address ranges; one of IPv4 and one of IPv6 make the network dual stack.",
            {.required = true, .min_items = 1, .max_items = 8}),
      field("mtu", &NetworkSpec::mtu, "Largest packet in octets. Without it, what the host's interfaces have.",
            {.minimum = 576, .maximum = 65535})};
};

struct SubnetUsage {
  std::string name, capacity;
  std::int64_t used = 0;
  bool operator==(const SubnetUsage&) const = default;
};
template <>
struct Fields<SubnetUsage> {
  static constexpr const char* doc = "How full a subnet is.";
  static constexpr const char* key = "name";
  static constexpr auto list = std::tuple{
      field("name", &SubnetUsage::name, "Name of the subnet.", {.required = true}),
      field("capacity", &SubnetUsage::capacity, "Number of addresses in its pools, as a decimal string.", {.required = true}),
      field("used", &SubnetUsage::used, "Number of addresses that are given.", {.required = true})};
};

struct NetworkStatus {
  std::int64_t observed_generation = 0;
  std::string summary;
  std::vector<SubnetUsage> subnets;
  std::optional<Ref> attachment;
  std::vector<std::string> in_use_by;
  KeptConditions conditions;
  bool operator==(const NetworkStatus&) const = default;
};
template <>
struct Fields<NetworkStatus> {
  static constexpr const char* doc = "The network as it is.";
  static constexpr auto list = std::tuple{
      field("observedGeneration", &NetworkStatus::observed_generation, "Generation of the spec that this tells of."),
      field("summary", &NetworkStatus::summary, "For people: the subnets, and how full they are.",
            {.max_length = kLongestSummary}),
      field("subnets", &NetworkStatus::subnets, "How full the subnets are."),
      field("networkAttachmentDefinitionRef", &NetworkStatus::attachment, "The NetworkAttachmentDefinition that attaches pods."),
      field("inUseBy", &NetworkStatus::in_use_by, "The first ten connection points that have addresses of this network.",
            {.max_items = 10}),
      field("conditions", &NetworkStatus::conditions, "Accepted, Programmed, DeletionBlocked, Ready, Reconciling, Stalled.",
            {.max_items = 16})};
};

struct Network : Object<NetworkSpec, NetworkStatus> {
  static constexpr Resource resource{kGroup, kVersion, "Network", "networks"};
};

}  // namespace knfe::api
