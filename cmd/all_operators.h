// AllOperators: the operators of KNFE with their providers and what they see. The only place that constructs providers.
#pragma once

#include <string>

#include "operators/operators.h"
#include "providers/kubevirt/kubevirt.h"
#include "providers/multus/multus.h"
#include "providers/pod/pod.h"
#include "runtime/operator.h"

namespace knfe::cmd {

class AllOperators {
 public:
  explicit AllOperators(std::string agent_image, providers::KubeVirtSettings machines = {})
      : pods_({std::move(agent_image)}), virtual_machines_(std::move(machines)) {}
  AllOperators(const AllOperators&) = delete;

  // Before program.start(). This must outlive `program`.
  void join(runtime::Operator& program) {
    operators::fill(view_, [&](auto& cache, const char* selector, auto decode) { program.watch(cache, selector, decode); });
    operators::add_operators(program.manager(), view_, {multus_, pods_, virtual_machines_});
  }

 private:
  operators::View view_;
  const providers::Multus multus_;
  const providers::PodProvider pods_;
  const providers::KubeVirtProvider virtual_machines_;
};

}  // namespace knfe::cmd
