// `knfe controller`: the operators, in the cluster.
#pragma once

#include <string>

#include "runtime/program.h"

namespace knfe::cmd {

struct ControllerOptions {
  runtime::ProgramOptions program{
      .name = "knfe", .kubeconfig = {}, .ns = {}, .lease = "knfe-system/knfe", .identity = {}, .listen = ":8080"};
  std::string agent_image = "knfe.io/knfe:dev";
};

int run_controller(const ControllerOptions& options);

}  // namespace knfe::cmd
