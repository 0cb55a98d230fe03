#include "base/cpu_profile.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <cstring>
#include <ctime>
#include <functional>
#include <stdexcept>
#include <vector>

namespace knfe {

namespace {

using Address = std::uintptr_t;
using Stack = std::vector<Address>;

// The stacks of a profile, by the rules of the format.
std::vector<Stack> stacks_of(const std::string& profile) {
  std::vector<Address> words(profile.size() / sizeof(Address));
  std::memcpy(words.data(), profile.data(), words.size() * sizeof(Address));
  REQUIRE(words.size() > 8);
  CHECK(Stack(words.begin(), words.begin() + 5) == Stack{0, 3, 0, 10000, 0});
  std::vector<Stack> stacks;
  std::size_t at = 5;
  while (true) {
    REQUIRE(at + 2 < words.size());
    const auto count = words[at], depth = words[at + 1];
    REQUIRE(at + 2 + depth <= words.size());
    Stack stack(words.begin() + static_cast<std::ptrdiff_t>(at + 2), words.begin() + static_cast<std::ptrdiff_t>(at + 2 + depth));
    at += 2 + depth;
    if (count == 0) {
      CHECK(stack == Stack{0});
      CHECK(profile.substr(at * sizeof(Address)).find(" r-xp ") != std::string::npos);
      return stacks;
    }
    CHECK(count == 1);
    stacks.push_back(std::move(stack));
  }
}

double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

volatile unsigned sink = 0;

// Uses processor time, in a function whose address can be known again.
[[gnu::noinline]] void burn(double seconds) {
  const double end = cpu_seconds() + seconds;
  while (cpu_seconds() < end) {
    for (unsigned i = 0; i < 10'000; ++i) sink = sink + i;
  }
}

[[gnu::noinline]] void burn_below(double seconds) {
  burn(seconds);
  sink = sink + 1;  // no tail call
}

bool within(Address address, void (*function)(double)) {
  const auto begin = reinterpret_cast<Address>(function);
  return address >= begin && address < begin + 200;
}

std::vector<Stack> stacks_while(const std::function<void()>& work, Duration limit = std::chrono::seconds(10)) {
  auto profile = CpuProfile::start(limit);
  REQUIRE(profile);
  work();
  return stacks_of((*profile)->take());
}

}  // namespace

TEST_CASE("a profile shows who uses the processor, and who has called it") {
  const auto stacks = stacks_while([] { burn_below(0.5); });
  CHECK(stacks.size() >= 10);
  CHECK(stacks.size() <= 60);
  std::size_t known = 0;
  for (const auto& stack : stacks) {
    for (std::size_t i = 0; i + 1 < stack.size(); ++i) {
      if (within(stack[i], burn) && within(stack[i + 1], burn_below)) ++known;
    }
  }
  CHECK(known >= stacks.size() * 8 / 10);
}

TEST_CASE("exceptions and a profile bear each other") {
  const auto stacks = stacks_while([] {
    const double end = cpu_seconds() + 0.3;
    while (cpu_seconds() < end) {
      try {
        throw std::runtime_error("thrown");
      } catch (const std::exception&) {
        sink = sink + 1;
      }
    }
  });
  CHECK(stacks.size() >= 5);
}

TEST_CASE("a profile is bounded") {
  CHECK(stacks_while([] { burn(0.3); }, Duration(100)).size() == 10);
}

TEST_CASE("one profile at a time, and another afterwards") {
  auto first = CpuProfile::start(std::chrono::seconds(1));
  REQUIRE(first);
  const auto second = CpuProfile::start(std::chrono::seconds(1));
  REQUIRE_FALSE(second);
  CHECK(second.error().code == Code::kAlreadyExists);
  first->reset();
  CHECK(CpuProfile::start(std::chrono::seconds(1)));
}

}  // namespace knfe
