// Process: one child process with a time limit.
#pragma once

#include <memory>
#include <string>
#include <utility>
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

struct Output {
  int code = 0;
  std::string text;
};
using Variables = std::vector<std::pair<std::string, std::string>>;

// Likewise, with `variables` in its environment, and with what it writes to its standard output until it ends; more than `most`
// bytes of that are kInvalid, and the group is killed.
[[nodiscard]] Handle run_for_output(Loop& loop, const std::vector<std::string>& command, const Variables& variables,
                                    std::size_t most, Duration limit, std::function<void(Result<Output>)> done);

}  // namespace knfe::net
