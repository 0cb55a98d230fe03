#include "net/loop.h"

#include <doctest/doctest.h>

#include <csignal>
#include <string>
#include <thread>

namespace knfe::net {

using std::chrono::milliseconds;

TEST_CASE("timers run in the order of their times, not of their making") {
  Loop loop;
  std::string order;
  const Handle late = loop.after(milliseconds(5), [&] { order += 'b'; });
  const Handle early = loop.after(milliseconds(1), [&] { order += 'a'; });
  loop.run();
  CHECK(order == "ab");
}

TEST_CASE("post never runs its task inline") {
  Loop loop;
  std::string order;
  loop.post([&] {
    loop.post([&] { order += 'b'; });
    order += 'a';
  });
  CHECK(order.empty());
  loop.run();
  CHECK(order == "ab");
}

TEST_CASE("what is posted for later comes in another turn") {
  Loop loop;
  std::string order;
  loop.post([&] {
    loop.at_end_of_turn([&] { order += 'e'; });
    loop.post_later([&] { order += 'l'; });
    loop.post([&] { order += 'p'; });
  });
  loop.run();
  CHECK(order == "pel");
}

TEST_CASE("a dropped handle cancels, even when the time has come already") {
  Loop loop;
  bool called = false;
  Handle victim;
  // Both are due at once: the first to run drops the second.
  const Handle first = loop.after(milliseconds(0), [&] { victim.reset(); });
  victim = loop.after(milliseconds(0), [&] { called = true; });
  loop.run();
  CHECK_FALSE(called);
}

TEST_CASE("cancelling lets go of what the task holds at once") {
  Loop loop;
  auto held = std::make_shared<int>(1);
  Handle handle = loop.after(std::chrono::hours(1), [held] {});
  CHECK(held.use_count() == 2);
  handle.reset();
  CHECK(held.use_count() == 1);
  loop.run();  // returns: nothing is left to wait for
}

TEST_CASE("a task may drop its own handle") {
  Loop loop;
  int calls = 0;
  Handle handle;
  handle = loop.after(milliseconds(0), [&, kept = std::string(100, 'x')] {
    handle.reset();
    calls += static_cast<int>(kept.size());
  });
  loop.run();
  CHECK(calls == 100);
}

TEST_CASE("moving a handle moves the right to cancel") {
  Loop loop;
  int calls = 0;
  Handle kept;
  {
    Handle first = loop.after(milliseconds(0), [&] { ++calls; });
    kept = std::move(first);
    CHECK_FALSE(first);
    CHECK(kept);
  }
  kept = loop.after(milliseconds(0), [&] { calls += 10; });  // assignment cancels the first
  loop.run();
  CHECK(calls == 10);
}

TEST_CASE("stop leaves the rest for the next run") {
  Loop loop;
  std::string order;
  loop.post([&] {
    order += 'a';
    loop.stop();
  });
  loop.post([&] { order += 'b'; });
  loop.run();
  CHECK(order == "a");
  loop.run();
  CHECK(order == "ab");
}

TEST_CASE("post wakes the loop from another thread") {
  Loop loop;
  const Handle guard = loop.after(std::chrono::seconds(10), [] { FAIL_CHECK("never woken"); });
  std::thread::id ran_on;
  std::thread other;
  loop.post([&] {
    other = std::thread([&] {
      loop.post([&] {
        ran_on = std::this_thread::get_id();
        loop.stop();
      });
    });
  });
  loop.run();
  other.join();
  CHECK(ran_on == std::this_thread::get_id());
}

TEST_CASE("stop signals come each time while the handle lives") {
  Loop loop;
  int signals = 0;
  Handle handle = loop.on_stop_signal([&, kept = std::string(100, 'x')] {
    if (++signals == 1) {
      std::raise(SIGINT);
    } else {
      handle.reset();  // then nothing is left, and run() returns
      CHECK(kept.size() == 100);
    }
  });
  std::raise(SIGTERM);
  loop.run();
  CHECK(signals == 2);
}

TEST_CASE("handles may outlive their loop") {
  Handle timer;
  Handle signal;
  {
    Loop loop;
    timer = loop.after(std::chrono::hours(1), [] {});
    signal = loop.on_stop_signal([] {});
  }
  timer.reset();
  signal.reset();
}

}  // namespace knfe::net
