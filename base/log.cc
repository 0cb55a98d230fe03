#include "base/log.h"

#include <unistd.h>

#include <atomic>

#include "base/clock.h"
#include "base/json.h"

namespace knfe {

namespace {

std::atomic<Level> least_level{Level::kInfo};

std::string_view name_of(Level level) {
  switch (level) {
    case Level::kDebug:
      return "debug";
    case Level::kInfo:
      return "info";
    case Level::kWarning:
      return "warning";
    case Level::kError:
    case Level::kNone:
      return "error";
  }
  return "error";
}

}  // namespace

void set_log_level(Level least) { least_level = least; }

void log(Level level, std::string_view message, std::initializer_list<LogField> fields) {
  if (level < least_level.load(std::memory_order_relaxed)) return;
  JsonObject line{{"time", wall_micros()}, {"level", name_of(level)}, {"message", message}};
  for (const auto& field : fields) line[field.name] = field.value;
  std::string text = to_text(line) + "\n";
  for (std::string_view rest = text; !rest.empty();) {
    const ssize_t written = ::write(STDERR_FILENO, rest.data(), rest.size());
    if (written <= 0) return;  // nobody can be told that the log cannot be written
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace knfe
