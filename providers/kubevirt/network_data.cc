#include "providers/kubevirt/network_data.h"

#include <algorithm>

namespace knfe::providers {

namespace {

bool is_v6(const std::string& ip) { return ip.find(':') != std::string::npos; }

// Whether something else gives the guest its default routes.
bool any_by_dhcp(const std::vector<GuestInterface>& interfaces) {
  return std::any_of(interfaces.begin(), interfaces.end(), [](const auto& one) { return !one.attached; });
}

// Calls `tell(interface, address)` for the first address of each family that has a router: the guest's way to everywhere, where
// no DHCP tells it another.
template <class Tell>
void each_router(const std::vector<GuestInterface>& interfaces, Tell tell) {
  if (any_by_dhcp(interfaces)) return;
  bool known[2] = {};
  for (const auto& one : interfaces) {
    for (const auto& address : one.attached->connection_point->status.addresses) {
      if (!address.gateway.empty() && !std::exchange(known[is_v6(address.ip)], true)) tell(one, address);
    }
  }
}

// 255.255.255.0: of IPv4 the format knows no lengths.
std::string netmask(int length) {
  const std::uint32_t bits = length == 0 ? 0 : ~std::uint32_t{0} << (32 - length);
  std::string out;
  for (int shift = 24; shift >= 0; shift -= 8) out += (out.empty() ? "" : ".") + std::to_string((bits >> shift) & 255);
  return out;
}

}  // namespace

Json network_config_v2(const std::vector<GuestInterface>& interfaces) {
  JsonObject ethernets;
  for (const auto& one : interfaces) {
    JsonObject entry{{"match", JsonObject{{"macaddress", one.mac}}}, {"set-name", one.name}};
    if (!one.attached) {
      entry["dhcp4"] = true;
    } else {
      JsonArray addresses;
      for (const auto& address : one.attached->connection_point->status.addresses) {
        addresses.push_back(Json(address.ip + "/" + std::to_string(address.prefix_length)));
      }
      entry["addresses"] = std::move(addresses);
      if (const auto mtu = one.attached->network->spec.mtu) entry["mtu"] = *mtu;
    }
    ethernets[one.name] = std::move(entry);
  }
  each_router(interfaces, [&](const GuestInterface& one, const api::GivenAddress& address) {
    auto& routes = ethernets[one.name].as_object()["routes"];
    if (!routes.is_array()) routes = JsonArray();
    routes.as_array().push_back(JsonObject{{"to", is_v6(address.ip) ? "::/0" : "0.0.0.0/0"}, {"via", address.gateway}});
  });
  return JsonObject{{"version", 2}, {"ethernets", std::move(ethernets)}};
}

Json network_data(const std::vector<GuestInterface>& interfaces) {
  JsonArray links, networks;
  for (const auto& one : interfaces) {
    JsonObject link{{"id", one.name}, {"name", one.name}, {"type", "phy"}, {"ethernet_mac_address", one.mac}};
    if (one.attached && one.attached->network->spec.mtu) link["mtu"] = *one.attached->network->spec.mtu;
    links.push_back(std::move(link));
    if (!one.attached) {
      networks.push_back(JsonObject{{"id", one.name}, {"link", one.name}, {"type", "ipv4_dhcp"}});
      continue;
    }
    for (const auto& address : one.attached->connection_point->status.addresses) {
      const bool v6 = is_v6(address.ip);
      JsonObject network{{"id", one.name + "-" + address.subnet},
                         {"link", one.name},
                         {"type", v6 ? "ipv6" : "ipv4"},
                         {"ip_address", address.ip},
                         {"netmask", v6 ? std::to_string(address.prefix_length) : netmask(address.prefix_length)}};
      each_router(interfaces, [&](const GuestInterface& of, const api::GivenAddress& by) {
        if (&of != &one || &by != &address) return;
        network["routes"] = JsonArray{
            JsonObject{{"network", v6 ? "::" : "0.0.0.0"}, {"netmask", v6 ? "::" : "0.0.0.0"}, {"gateway", by.gateway}}};
      });
      networks.push_back(std::move(network));
    }
  }
  return JsonObject{{"links", std::move(links)}, {"networks", std::move(networks)}, {"services", JsonArray()}};
}

}  // namespace knfe::providers
