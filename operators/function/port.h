// What a workload provider must do.
#pragma once

#include "operators/network/port.h"

namespace knfe::operators {

// Everything that a member's workload is made from.
struct WorkloadInput {
  const api::Member* member;
  std::vector<Attached> attachments;   // in the order of the member's connection points, all with addresses
  api::StringMap network_annotations;  // from the network provider
};

class WorkloadProvider {
 public:
  virtual ~WorkloadProvider() = default;
  // The whole object to create, without owner.
  virtual Json build(const WorkloadInput& input) const = 0;
};

}  // namespace knfe::operators
