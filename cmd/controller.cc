#include "cmd/controller.h"

#include <cstdlib>

#include "cmd/all_operators.h"

namespace knfe::cmd {

namespace {

// Guests reach the API server where the pods of the cluster do, and so where these operators do if they are one.
providers::KubeVirtSettings machine_settings() {
  providers::KubeVirtSettings out;
  const char* host = std::getenv("KUBERNETES_SERVICE_HOST");
  const char* port = std::getenv("KUBERNETES_SERVICE_PORT");
  if (host && port) out = {host, port};
  return out;
}

}  // namespace

int run_controller(const ControllerOptions& options) {
  AllOperators all(options.agent_image, machine_settings());
  auto program = options.program;
  program.build = KNFE_VERSION;
  program.about = {{"agentImage", options.agent_image}};
  return runtime::run_program(program, [&](runtime::Operator& operators) { all.join(operators); });
}

}  // namespace knfe::cmd
