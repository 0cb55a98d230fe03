// Log: one line of JSON an event, to standard error, by one write(2).
//
//   log(Level::kInfo, "watch opened", {{"resource", "networks"}});
//   {"time":"2026-01-02T03:04:05.678901Z","level":"info","message":"watch opened","resource":"networks"}
//
// Secrets never come here. Thread-safe.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace knfe {

enum class Level { kDebug, kInfo, kWarning, kError, kNone };  // kNone: nothing is logged

struct LogField {
  std::string_view name;
  std::string value;
};

void log(Level level, std::string_view message, std::initializer_list<LogField> fields = {});
void set_log_level(Level least);

}  // namespace knfe
