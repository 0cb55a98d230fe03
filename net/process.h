// Process: one child process with a time limit.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "net/loop.h"

namespace knfe::net {

// Starts `command` (no shell; $PATH is searched) in a process group of its own, with this process's environment, standard input
// closed and its output on our standard error. Calls `done` once, from the loop: the exit code, 128 + the signal that ended it,
// or an Error if it could not be started (kInvalid) or ran longer than `limit` (kTimeout; the group is killed). Dropping the
// handle kills the group without calling `done`.
[[nodiscard]] Handle run_process(Loop& loop, const std::vector<std::string>& command, Duration limit,
                                 std::function<void(Result<int>)> done);

}  // namespace knfe::net
