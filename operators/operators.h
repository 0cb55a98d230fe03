// Operators: the network, function and service operators on one Manager - which change makes whom look again.
#pragma once

#include "operators/function/port.h"
#include "operators/function/workload.h"
#include "operators/network/port.h"
#include "operators/view.h"
#include "runtime/manager.h"

namespace knfe::operators {

struct Providers {
  const NetworkProvider& networks;
  const WorkloadProvider& pods;
  const WorkloadProvider& virtual_machines;

  const WorkloadProvider& workloads(WorkloadKind kind) const { return kind == WorkloadKind::kPod ? pods : virtual_machines; }
};

// Registers the controllers with `manager` and the triggers with `view`. Both, and the providers, must outlive every event.
void add_operators(runtime::Manager& manager, View& view, const Providers& providers);

}  // namespace knfe::operators
