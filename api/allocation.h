// Allocation: a claim on one address. That it exists is the claim; its name is the lock.
#pragma once

#include "api/object.h"

namespace knfe::api {

struct AllocationSpec {
  std::string network, subnet, ip, owner, owner_uid;
  bool operator==(const AllocationSpec&) const = default;
};
template <>
struct Fields<AllocationSpec> {
  static constexpr const char* doc = "The claim. It never changes.";
  static constexpr Rules rules = {{{"self == oldSelf", "a claim never changes"}}};
  static constexpr auto list = std::tuple{
      field("network", &AllocationSpec::network, "Network of the address.", {.required = true}),
      field("subnet", &AllocationSpec::subnet, "Subnet of the address: the slot of the owner that this fills.",
            {.required = true}),
      field("ip", &AllocationSpec::ip, "The address.", {.required = true, .max_length = 45}),
      field("owner", &AllocationSpec::owner, "ConnectionPoint that holds it.", {.required = true}),
      field("ownerUID", &AllocationSpec::owner_uid, "UID of that ConnectionPoint.", {.required = true, .max_length = 64})};
};

struct Allocation : Object<AllocationSpec, None> {
  static constexpr Resource resource{kGroup, kVersion, "Allocation", "allocations"};
};

}  // namespace knfe::api
