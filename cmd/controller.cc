#include "cmd/controller.h"

#include "cmd/all_operators.h"

namespace knfe::cmd {

int run_controller(const ControllerOptions& options) {
  AllOperators all(options.agent_image);
  return runtime::run_program(options.program, [&](runtime::Operator& program) { all.join(program); });
}

}  // namespace knfe::cmd
