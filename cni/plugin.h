// Plugin: the CNI plugin "knfe" (CNI specification 0.3.1 to 1.1.0), called by Multus for the interfaces of virtual machines.
//
//   {"type": "knfe", "bridge": "kn3f..."}   a network without segment: a port of the node's bridge of this name
//   {"type": "knfe", "master": "ens5"}      a network on an interface of the node: a macvlan above it
//   and "mtu", and {"capabilities": {"mac": true}}
//
// What the pod gets under the name that is asked for is a tap device, for the virtual machine that KubeVirt runs in it (network
// binding plugin, domainAttachmentType: tap); a bridge inside of the pod joins it to the network. It needs bridge, veth or
// macvlan, and tun of the kernel, and nothing of the API server.
#pragma once

#include <string>

#include "base/json.h"

namespace knfe::cni {

// What a runtime asks: CNI_COMMAND, CNI_CONTAINERID, CNI_NETNS, CNI_IFNAME, and its standard input.
struct Request {
  std::string command, container, netns, interface;
  std::string config;
};

struct Answer {
  Json json;  // null: nothing is said
  int exit_code = 0;
};

// Changes the namespaces of this thread while it works, and comes back.
Answer answer(const Request& request);

}  // namespace knfe::cni
