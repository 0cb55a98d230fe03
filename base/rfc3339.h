// Times as texts of RFC 3339, such as "2026-01-02T03:04:05Z" or "2026-01-02T05:34:05.25+02:30".
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace knfe {

// Parts of a second are dropped. Nothing if it is no such time.
std::optional<std::chrono::sys_seconds> read_rfc3339(std::string_view text);

}  // namespace knfe
