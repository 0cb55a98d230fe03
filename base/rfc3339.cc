#include "base/rfc3339.h"

#include <cstring>
#include <ctime>
#include <string>

namespace knfe {

std::optional<std::chrono::sys_seconds> read_rfc3339(std::string_view text) {
  tm parts{};
  const std::string whole(text);
  const char* rest = ::strptime(whole.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  if (!rest) return std::nullopt;
  const std::chrono::sys_seconds utc{std::chrono::seconds(::timegm(&parts))};
  if (*rest == '.') rest += 1 + std::strspn(rest + 1, "0123456789");
  if (std::strcmp(rest, "Z") == 0) return utc;
  tm offset{};
  const char* end = *rest == '+' || *rest == '-' ? ::strptime(rest + 1, "%H:%M", &offset) : nullptr;
  if (!end || *end) return std::nullopt;
  const auto ahead = std::chrono::hours(offset.tm_hour) + std::chrono::minutes(offset.tm_min);
  return *rest == '+' ? utc - ahead : utc + ahead;
}

}  // namespace knfe
