// Tap: a virtual machine's way out of its pod.
//
//   guest -- tap "podab12.." -- bridge -- port ---------- bridge of the node    (veth)
//                     inside of the pod      \--- interface of the node          (macvlan, with the guest's MAC)
#pragma once

#include <optional>
#include <string>

#include "net/links.h"

namespace knfe::cni {

struct Wiring {
  std::string bridge, master;  // of the node; one of the two
  std::optional<std::uint32_t> mtu;
  std::optional<net::Mac> mac;  // the guest's
};

// All are idempotent; what else has the name is left alone, and is an error. `pod` is a path; `name` that of the tap; `id` makes
// the names of what is on the node its own.
Result<net::Mac> add_tap(const Wiring& wiring, const std::string& pod, const std::string& name, const std::string& id);
Result<void> check_tap(const std::string& pod, const std::string& name);
// An empty `pod`: only what is on the node.
Result<void> remove_tap(const std::string& pod, const std::string& name, const std::string& id);

}  // namespace knfe::cni
