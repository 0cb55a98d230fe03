#include "test/fakes/time_test.h"

#include <doctest/doctest.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <ctime>

#include "base/result.h"

namespace {

// How far the test has moved time since it stopped, and what the clocks said then.
std::atomic<bool> stopped{false};
std::atomic<std::int64_t> ahead_ms{0};
timespec monotonic_then{}, boot_then{};

timespec real_now(clockid_t clock) {
  timespec now{};
  ::syscall(SYS_clock_gettime, clock, &now);
  return now;
}

}  // namespace

// Stands in front of libc's: steady_clock and boot_now() come here. Real time is left alone.
extern "C" int clock_gettime(clockid_t clock, timespec* now) noexcept {
  if (!stopped || (clock != CLOCK_MONOTONIC && clock != CLOCK_BOOTTIME))
    return static_cast<int>(::syscall(SYS_clock_gettime, clock, now));
  *now = clock == CLOCK_MONOTONIC ? monotonic_then : boot_then;
  const std::int64_t ahead = ahead_ms.load(std::memory_order_relaxed);
  const std::int64_t nanoseconds = now->tv_nsec + ahead % 1000 * 1'000'000;
  now->tv_sec += ahead / 1000 + nanoseconds / 1'000'000'000;
  now->tv_nsec = nanoseconds % 1'000'000'000;
  return 0;
}

namespace knfe::fakes {

Time::Time() {
  KNFE_CHECK(!stopped);
  monotonic_then = real_now(CLOCK_MONOTONIC);
  boot_then = real_now(CLOCK_BOOTTIME);
  ahead_ms = 0;
  stopped = true;
}
Time::~Time() { stopped = false; }

void Time::pass(net::Loop& loop, Duration total) {
  // What a timer starts may come late by a step.
  const Duration step = std::clamp(total / 200, Duration(10), Duration(250));
  settle(loop);
  for (Duration passed{0}; passed < total; passed += step) {
    // The kernel's timer knows nothing of this clock: one that is due at once makes the loop look at all of them.
    boost::asio::steady_timer tick(loop.context(), Duration(0));
    tick.async_wait([](const auto&) {});
    ahead_ms += std::min(step, total - passed).count();
    settle(loop);
  }
}

void settle(net::Loop& loop) {
  auto& context = loop.context();
  context.restart();
  context.poll();
  context.restart();
}

bool until(net::Loop& loop, const std::function<bool()>& reached) {
  const auto end = real_now(CLOCK_MONOTONIC).tv_sec + 10;
  // The kernel's clock does not stand still: nothing is waited for without end.
  boost::asio::posix::stream_descriptor tick(loop.context(), ::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC));
  const itimerspec often{{0, 10'000'000}, {0, 10'000'000}};
  ::timerfd_settime(tick.native_handle(), 0, &often, nullptr);
  bool awaited = false;
  while (!reached()) {
    if (real_now(CLOCK_MONOTONIC).tv_sec > end) return false;
    if (!std::exchange(awaited, true)) {
      tick.async_wait(tick.wait_read, [&](const auto& error) {
        std::uint64_t ticks = 0;
        if (!error) awaited = ::read(tick.native_handle(), &ticks, sizeof ticks) < 0;
      });
    }
    loop.context().restart();
    loop.context().run_one();
  }
  loop.context().restart();
  return true;
}

TEST_CASE("time that a test moves moves timers in their order, and nothing waits") {
  const auto before = real_now(CLOCK_MONOTONIC);
  net::Loop loop;
  std::string order;
  net::Handle again;
  {
    Time time;
    const auto start = boot_now();
    const auto late = loop.after(std::chrono::hours(1), [&] { order += 'd'; });
    const auto soon = loop.after(std::chrono::seconds(5), [&] {
      order += 'b';
      again = loop.after(std::chrono::seconds(5), [&] { order += 'c'; });
    });
    loop.post([&] { order += 'a'; });
    settle(loop);
    CHECK(order == "a");
    time.pass(loop, std::chrono::milliseconds(4900));
    CHECK(order == "a");
    time.pass(loop, std::chrono::milliseconds(200));
    CHECK(order == "ab");
    time.pass(loop, std::chrono::seconds(6));
    CHECK(order == "abc");
    CHECK(boot_now() - start == std::chrono::milliseconds(11'100));
  }
  CHECK(real_now(CLOCK_MONOTONIC).tv_sec - before.tv_sec <= 5);
}

TEST_CASE("what really takes time is waited for") {
  net::Loop loop;
  bool done = false;
  const auto timer = loop.after(std::chrono::milliseconds(1), [&] { done = true; });
  CHECK(until(loop, [&] { return done; }));
}

TEST_CASE("what never happens is not waited for without end, though time stands still") {
  net::Loop loop;
  const Time time;
  const auto never = loop.after(std::chrono::hours(1), [] {});
  int looks = 0;
  CHECK(until(loop, [&] { return ++looks == 3; }));
}

}  // namespace knfe::fakes
