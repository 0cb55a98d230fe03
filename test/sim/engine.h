// Engine: virtual time, and what is to happen in it, in order. One engine at a time is the world in which loops, clocks and
// random numbers of the product live: net::Loop, boot_now(), wall_seconds() and random_up_to() are made of it here (see
// engine.cc), in place of those that ask the machine.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <queue>
#include <vector>

#include "base/clock.h"

namespace knfe::sim {

using Micros = std::int64_t;

class Engine {
 public:
  Engine();
  ~Engine();
  Engine(const Engine&) = delete;

  static Engine& here();  // the one that lives

  Micros now() const { return now_; }
  // `process`: whose event it is; it waits while that is frozen. 0: nobody's.
  void at(Micros when, int process, std::function<void()> task);
  // What a loop has been told to run next, before any more time passes.
  void post(std::function<void()> task);
  // One event, and all that it has caused at once. False if nothing is left to happen.
  bool step();
  // Nothing happens to a process until then.
  void freeze(int process, Micros until);
  // Whose loops and timers are made and posted to now.
  int process() const { return process_; }
  void enter(int process) { process_ = process; }
  std::uint64_t steps() const { return steps_; }
  std::int64_t random(std::int64_t most);
  void seed(std::uint64_t seed) { random_ = seed; }

 private:
  struct Event {
    Micros when;
    std::uint64_t order;
    int process;
    std::uint32_t slot;
    bool operator<(const Event& other) const { return when != other.when ? when > other.when : order > other.order; }
  };

  Micros now_ = 0;
  std::uint64_t order_ = 0, steps_ = 0, random_ = 0;
  int process_ = 0;
  std::priority_queue<Event> events_;
  std::vector<std::function<void()>> tasks_;
  std::vector<std::uint32_t> free_;
  std::vector<std::function<void()>> posted_, running_;
  std::vector<Micros> frozen_;  // by process
};

// A well-mixed number from a seed and a place.
inline std::uint64_t mix(std::uint64_t seed, std::uint64_t place) {
  std::uint64_t x = seed * 0x9e3779b97f4a7c15u ^ place;
  x ^= x >> 32;
  x *= 0xd6e8feb86659fd93u;
  x ^= x >> 32;
  x *= 0xd6e8feb86659fd93u;
  return x ^ x >> 32;
}

}  // namespace knfe::sim
