// Time: the monotonic clocks in a test's hands. While one lives, boot_now() and the loop's timers stand still but for what
// pass() says. So whatever waits for seconds is tested in microseconds, without a sleep, on however slow a machine.
#pragma once

#include <functional>

#include "net/loop.h"

namespace knfe::fakes {

class Time {
 public:
  Time();
  ~Time();  // the clocks are right again
  Time(const Time&) = delete;
  Time& operator=(const Time&) = delete;

  // Runs what is due, timers in their order, for as long as `total` would take.
  void pass(net::Loop& loop, Duration total);
};

// Runs what can run without waiting.
void settle(net::Loop& loop);

// Runs the loop until `reached`, for what really takes its time (processes, sockets); false after ten seconds.
bool until(net::Loop& loop, const std::function<bool()>& reached);

}  // namespace knfe::fakes
