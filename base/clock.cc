#include "base/clock.h"

#include <ctime>

namespace knfe {

Instant boot_now() {
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return Instant(Duration(static_cast<std::int64_t>(now.tv_sec) * 1000 + now.tv_nsec / 1'000'000));
}

double boot_seconds() {
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

namespace {

std::string wall(bool micros) {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  tm parts{};
  gmtime_r(&now.tv_sec, &parts);
  char text[64];
  std::size_t size = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  if (micros) size += static_cast<std::size_t>(snprintf(text + size, sizeof text - size, ".%06ld", now.tv_nsec / 1000));
  return std::string(text, size) + "Z";
}

}  // namespace

std::string wall_seconds() { return wall(false); }
std::string wall_micros() { return wall(true); }

}  // namespace knfe
