// Files that the agent reads and writes.
#pragma once

#include <string>

#include "base/result.h"

namespace knfe::guest {

// At most `limit` bytes; a longer file is an error.
Result<std::string> read_file(const std::string& path, std::size_t limit);

// Whole or not at all. `mode` as of open(2).
Result<void> write_file(const std::string& path, const std::string& text, unsigned mode = 0644);

}  // namespace knfe::guest
