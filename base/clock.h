// Time: durations for waiting, instants for comparing.
//
// Instants come from CLOCK_BOOTTIME, which never jumps and counts suspension, so that a lease held before a suspension
// is known to be stale after it. Wall time is only ever written for readers, never compared.
#pragma once

#include <chrono>
#include <string>

namespace knfe {

using Duration = std::chrono::milliseconds;
using Instant = std::chrono::time_point<std::chrono::steady_clock, Duration>;

Instant boot_now();
// The same clock in seconds, for measuring what is shorter than a millisecond.
double boot_seconds();

// RFC 3339 in UTC: seconds ("2026-01-02T03:04:05Z") and microseconds (Kubernetes MicroTime).
std::string wall_seconds();
std::string wall_micros();

}  // namespace knfe
