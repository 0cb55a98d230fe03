// NetworkData: what cloud-init configures a guest's interfaces from, in the formats of its two data sources for disks.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "operators/network/port.h"

namespace knfe::providers {

// An interface of a virtual machine, in the guest's eyes.
struct GuestInterface {
  std::string name;  // what it is called in the guest
  std::string mac;
  const operators::Attached* attached = nullptr;  // null: it asks by DHCP, as on the pod network
};

// NoCloud: network configuration version 2 (netplan's), found by MAC and named as said.
Json network_config_v2(const std::vector<GuestInterface>& interfaces);
// ConfigDrive: OpenStack's network_data.json.
Json network_data(const std::vector<GuestInterface>& interfaces);

}  // namespace knfe::providers
