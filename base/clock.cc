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
  // Asked thousands of times a second: its text is made once in it.
  thread_local std::time_t second = -1;
  thread_local char text[64];
  thread_local std::size_t size = 0;
  if (now.tv_sec != second) {
    second = now.tv_sec;
    tm parts{};
    gmtime_r(&second, &parts);
    size = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  }
  std::string out(text, size);
  if (micros) {
    char fraction[16];
    out.append(fraction, static_cast<std::size_t>(snprintf(fraction, sizeof fraction, ".%06ld", now.tv_nsec / 1000)));
  }
  return out += 'Z';
}

}  // namespace

std::string wall_seconds() { return wall(false); }
std::string wall_micros() { return wall(true); }

}  // namespace knfe
