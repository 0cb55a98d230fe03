#include "operators/network/pools.h"

#include <doctest/doctest.h>

#include <set>

namespace knfe::operators {

namespace {

Result<Pools> pools_of(const std::string& cidr, const std::string& gateway = {}, std::vector<api::Pool> pools = {}) {
  return Pools::of({"s", cidr, gateway, std::move(pools)});
}

// What a subnet gives, in order: "10.0.0.1 10.0.0.2".
std::string given(const std::string& cidr, const std::string& gateway = {}, std::vector<api::Pool> pools = {}) {
  const auto made = pools_of(cidr, gateway, std::move(pools));
  if (!made) return made.error().text();
  std::string out;
  for (uint128 i = 0; i < std::min<uint128>(made->size(), 99); ++i) out += (i == 0 ? "" : " ") + to_text(made->at(i));
  return out;
}

bool is_permutation_of(std::uint64_t size, std::uint64_t seed) {
  const Permutation order(size, seed);
  std::vector<bool> met(size);
  for (std::uint64_t step = 0; step < size; ++step) {
    const uint128 index = order(step);
    if (index >= size || met[static_cast<std::size_t>(index)]) return false;
    met[static_cast<std::size_t>(index)] = true;
  }
  return true;
}

}  // namespace

TEST_CASE("a subnet without pools gives all but its first, in IPv4 its last, and its gateway") {
  CHECK(given("10.0.0.0/29") == "10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.4 10.0.0.5 10.0.0.6");
  CHECK(given("10.0.0.0/29", "10.0.0.1") == "10.0.0.2 10.0.0.3 10.0.0.4 10.0.0.5 10.0.0.6");
  CHECK(given("10.0.0.0/29", "10.0.0.4") == "10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.5 10.0.0.6");
  CHECK(given("10.0.0.0/29", "10.0.0.6") == "10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.4 10.0.0.5");
  CHECK(given("fd20::/126") == "fd20::1 fd20::2 fd20::3");
  CHECK(given("fd20::/126", "fd20::2") == "fd20::1 fd20::3");
}

TEST_CASE("the tiniest subnets give what they have") {
  CHECK(given("10.0.0.0/30") == "10.0.0.1 10.0.0.2");
  CHECK(given("10.0.0.2/31") == "10.0.0.2 10.0.0.3");
  CHECK(given("10.0.0.2/31", "10.0.0.3") == "10.0.0.2");
  CHECK(given("10.0.0.7/32") == "10.0.0.7");
  CHECK(given("10.0.0.7/32", "10.0.0.7") == "");
  CHECK(given("fd20::2/127") == "fd20::2 fd20::3");
  CHECK(given("fd20::7/128") == "fd20::7");
}

TEST_CASE("pools are given from in the order of their addresses") {
  CHECK(given("10.0.0.0/24", "", {{"10.0.0.20", "10.0.0.21"}, {"10.0.0.10", "10.0.0.10"}}) == "10.0.0.10 10.0.0.20 10.0.0.21");
  CHECK(given("10.0.0.0/24", "10.0.0.11", {{"10.0.0.10", "10.0.0.12"}}) == "10.0.0.10 10.0.0.12");
  CHECK(given("10.0.0.0/24", "10.0.0.1", {{"10.0.0.10", "10.0.0.11"}}) == "10.0.0.10 10.0.0.11");
  CHECK(given("10.0.0.0/24", "", {{"10.0.0.10", "10.0.0.11"}, {"10.0.0.12", "10.0.0.12"}}) == "10.0.0.10 10.0.0.11 10.0.0.12");
  CHECK(given("fd20::/64", "", {{"fd20::a", "fd20::c"}}) == "fd20::a fd20::b fd20::c");
}

TEST_CASE("pools that cannot be are told of") {
  CHECK(given("10.0.0.0", "") == "subnet s: cidr '10.0.0.0' is malformed");
  CHECK(given("10.0.0.0/24", "", {{"10.0.1.1", "10.0.1.2"}}) == "subnet s: pool 10.0.1.1-10.0.1.2 is not inside 10.0.0.0/24");
  CHECK(given("10.0.0.0/24", "", {{"10.0.0.9", "10.0.1.2"}}) == "subnet s: pool 10.0.0.9-10.0.1.2 is not inside 10.0.0.0/24");
  CHECK(given("10.0.0.0/24", "", {{"fd20::1", "fd20::2"}}) == "subnet s: pool fd20::1-fd20::2 is not inside 10.0.0.0/24");
  CHECK(given("10.0.0.0/24", "", {{"10.0.0.9", "x"}}) == "subnet s: pool 10.0.0.9-x is not inside 10.0.0.0/24");
  CHECK(given("10.0.0.0/24", "", {{"10.0.0.9", "10.0.0.8"}}) == "subnet s: pool 10.0.0.9-10.0.0.8 ends before it starts");
  CHECK(given("10.0.0.0/24", "", {{"10.0.0.9", "10.0.0.12"}, {"10.0.0.2", "10.0.0.9"}}) == "subnet s: pools overlap");
}

TEST_CASE("the largest subnets have a size, and a last address") {
  const auto size = [](const char* cidr) { return to_text(pools_of(cidr)->size()); };
  CHECK(size("10.0.0.0/8") == "16777214");
  CHECK(size("0.0.0.0/0") == "4294967294");
  CHECK(size("fd20::/64") == "18446744073709551615");
  const auto all = pools_of("::/0");
  CHECK(all->size() == ~uint128{0});
  CHECK(to_text(all->at(0)) == "::1");
  CHECK(to_text(all->at(all->size() - 1)) == "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
  // One more than a number of 128 bits can tell.
  const auto zero_too = pools_of("::/0", "", {{"::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"}});
  CHECK(zero_too->size() == ~uint128{0});
  CHECK(to_text(zero_too->at(0)) == "::");
}

TEST_CASE("an address may be asked for inside the subnet, though outside its pools") {
  const auto v4 = pools_of("10.0.0.0/24", "10.0.0.1", {{"10.0.0.10", "10.0.0.20"}});
  CHECK(v4->gives(*parse_address("10.0.0.10")));
  CHECK(v4->gives(*parse_address("10.0.0.200")));
  for (const char* text : {"10.0.0.0", "10.0.0.1", "10.0.0.255", "10.0.1.1", "fd20::10"}) {
    CAPTURE(text);
    CHECK_FALSE(v4->gives(*parse_address(text)));
  }
  const auto v6 = pools_of("fd20::/64", "fd20::1");
  CHECK(v6->gives(*parse_address("fd20::ffff:ffff:ffff:ffff")));
  CHECK_FALSE(v6->gives(*parse_address("fd20::")));
  CHECK_FALSE(v6->gives(*parse_address("fd20::1")));
  CHECK(pools_of("10.0.0.2/31")->gives(*parse_address("10.0.0.2")));
  CHECK(pools_of("10.0.0.7/32")->gives(*parse_address("10.0.0.7")));
  CHECK(pools_of("fd20::2/127")->gives(*parse_address("fd20::2")));
}

TEST_CASE("an owner meets each address of a pool once, whatever the size") {
  for (const std::uint64_t size : {1u,   2u,   3u,   4u,   5u,   6u,   7u,   8u,    9u,    12u,   30u,   64u,   97u,
                                   128u, 210u, 251u, 253u, 254u, 255u, 256u, 1009u, 1022u, 2310u, 4096u, 7919u, 30030u}) {
    for (const std::uint64_t seed : {0ull, 1ull, 42ull, ~0ull}) {
      CAPTURE(size);
      CAPTURE(seed);
      CHECK(is_permutation_of(size, seed));
    }
  }
}

TEST_CASE("in a pool beyond 64 bits an owner goes in a stride that shares no factor with its size, and so meets all") {
  const auto sum = [](uint128 a, uint128 b, uint128 size) { return a >= size - b ? a - (size - b) : a + b; };
  for (const uint128 size : {uint128{1} << 64, (uint128{1} << 64) + 1, (uint128{1} << 64) - 1, uint128{1} << 127, ~uint128{0}}) {
    const Permutation order(size, 7);
    const uint128 stride = sum(order(1), size - order(0), size);
    uint128 factor = size;
    for (uint128 rest = stride; rest != 0;) factor = std::exchange(rest, factor % rest);
    CHECK(factor == 1);
    for (const uint128 from : {uint128{0}, size / 3, size / 2, size - 100}) {
      for (uint128 step = from; step < from + 99; ++step) {
        CHECK(order(step) < size);
        CHECK(order(step + 1) == sum(order(step), stride, size));
      }
    }
  }
}

TEST_CASE("one owner always goes the same way, two rarely begin alike") {
  constexpr std::uint64_t kSize = 1022, kOwners = 1000;
  std::set<uint128> begins;
  std::set<std::pair<uint128, uint128>> ways;
  for (std::uint64_t seed = 0; seed < kOwners; ++seed) {
    const Permutation order(kSize, seed), again(kSize, seed);
    CHECK(order(0) == again(0));
    CHECK(order(500) == again(500));
    begins.insert(order(0));
    ways.insert({order(0), order(1)});
  }
  // Of a thousand that choose among 1022 at random, 638 different ones are to be expected.
  CHECK(begins.size() > 590);
  CHECK(ways.size() > 990);
}

}  // namespace knfe::operators
