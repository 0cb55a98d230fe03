// `knfe guest install|run|leave|scale`: the agent inside a member.
#pragma once

#include <string>
#include <vector>

namespace knfe::cmd {

int guest_install();
// `user`: who the agent and its hooks are in a virtual machine, "UID:GID".
int guest_run(const std::string& user);
// Then becomes `command`, if there is one.
int guest_leave(int timeout_seconds, const std::vector<std::string>& command);

// `to`: "5", "+1" or "-1".
int guest_scale(const std::string& to);

}  // namespace knfe::cmd
