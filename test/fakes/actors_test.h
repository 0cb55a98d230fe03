// Who acts beside the operators: kubelet, KubeVirt, and the guest agents. Each looks at the store and does what there is to do
// for one pod, or one virtual machine.
#pragma once

#include "test/fakes/store_test.h"

namespace knfe::fakes {

// `agents`: whether there are any, whose leaving a pod's end waits for.
void act_as_kubelet(Store& store, const api::Key& pod, bool agents);
void act_as_kubevirt(Store& store, const api::Key& machine, bool agents);
// In the pod, or in what runs of the virtual machine, of this name.
void act_as_agent(Store& store, const api::Key& workload);

}  // namespace knfe::fakes
