#include "cmd/controller.h"

#include "cmd/all_operators.h"

namespace knfe::cmd {

int run_controller(const ControllerOptions& options) {
  AllOperators all(options.agent_image);
  auto program = options.program;
  program.build = KNFE_VERSION;
  program.about = {{"agentImage", options.agent_image}};
  return runtime::run_program(program, [&](runtime::Operator& operators) { all.join(operators); });
}

}  // namespace knfe::cmd
