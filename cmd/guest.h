// `knfe guest install|run|leave`: the agent inside a member.
#pragma once

namespace knfe::cmd {

int guest_install();
int guest_run();
int guest_leave(int timeout_seconds);

}  // namespace knfe::cmd
