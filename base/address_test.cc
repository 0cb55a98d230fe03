#include "base/address.h"

#include <doctest/doctest.h>

namespace knfe {

namespace {

Address address(const std::string& text) {
  const auto parsed = parse_address(text);
  REQUIRE_MESSAGE(parsed, text);
  return *parsed;
}

}  // namespace

TEST_CASE("addresses of both families are read, and written in their canonical form") {
  struct {
    const char *text, *canonical, *hex;
  } const cases[] = {
      {"0.0.0.0", "0.0.0.0", "00000000"},
      {"10.20.0.7", "10.20.0.7", "0a140007"},
      {"255.255.255.255", "255.255.255.255", "ffffffff"},
      {"::", "::", "00000000000000000000000000000000"},
      {"fd20::7", "fd20::7", "fd200000000000000000000000000007"},
      {"FD20:0:0:0:0:0:0:7", "fd20::7", "fd200000000000000000000000000007"},
      {"2001:db8:1:2:3:4:5:6", "2001:db8:1:2:3:4:5:6", "20010db8000100020003000400050006"},
      {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffffffffffffffffffffffffffffffff"},
      {"::ffff:10.0.0.1", "::ffff:10.0.0.1", "00000000000000000000ffff0a000001"},
  };
  for (const auto& one : cases) {
    CAPTURE(one.text);
    CHECK(to_text(address(one.text)) == one.canonical);
    CHECK(to_hex(address(one.text)) == one.hex);
    CHECK(address(one.canonical) == address(one.text));
  }
  // The same number in the other family is another address.
  CHECK(address("0.0.0.1") != address("::1"));
}

TEST_CASE("what is no address is none") {
  for (const char* text : {"",           " ",           "10",        "10.0.0",       "10.0.0.256",
                           "10.0.0.1 ",  " 10.0.0.1",   "10.0.0.01", "10.0.0.1.2",   "10.0.0.-1",
                           "0x0a.0.0.1", "10.0.0.1/24", ":",         ":::",          "fd20",
                           "fd20::1::2", "fd20::12345", "fd20::g",   "fd20::7%eth1", "1:2:3:4:5:6:7:8:9",
                           "[::1]",      "localhost"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_address(text));
  }
}

TEST_CASE("numbers of 128 bits in decimal") {
  CHECK(to_text(uint128{0}) == "0");
  CHECK(to_text(uint128{254}) == "254");
  CHECK(to_text(uint128{1} << 64) == "18446744073709551616");
  CHECK(to_text(~uint128{0}) == "340282366920938463463374607431768211455");
}

TEST_CASE("a prefix has a first and a last address, and contains those between") {
  struct {
    const char *cidr, *last, *inside, *outside;
  } const cases[] = {
      {"10.20.0.0/24", "10.20.0.255", "10.20.0.7", "10.20.1.0"},
      {"10.20.0.4/30", "10.20.0.7", "10.20.0.4", "10.20.0.3"},
      {"10.0.0.1/32", "10.0.0.1", "10.0.0.1", "10.0.0.2"},
      {"0.0.0.0/0", "255.255.255.255", "192.0.2.1", "::"},
      {"fd20::/64", "fd20::ffff:ffff:ffff:ffff", "fd20::7", "fd20:0:0:1::"},
      {"fd20::8/125", "fd20::f", "fd20::8", "fd20::10"},
      {"::/0", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fd20::7", "10.0.0.1"},
  };
  for (const auto& one : cases) {
    CAPTURE(one.cidr);
    const auto prefix = parse_prefix(one.cidr);
    REQUIRE(prefix);
    CHECK(to_text(prefix->last()) == one.last);
    CHECK(prefix->contains(prefix->base));
    CHECK(prefix->contains(prefix->last()));
    CHECK(prefix->contains(address(one.inside)));
    CHECK_FALSE(prefix->contains(address(one.outside)));
  }
}

TEST_CASE("what is no prefix is none") {
  for (const char* text :
       {"", "/", "10.0.0.0", "10.0.0.0/", "/24", "10.0.0.0/33", "0.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/ 8",
        "10.0.0.0/8/8", "10.0.0.0/99999999999999999999", "10.0.0.0/24x", "10.0.0.7/24", "fd20::/129", "fd20::1/64", "fd20::/"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_prefix(text));
  }
}

TEST_CASE("bits beyond a prefix may be dropped") {
  struct {
    const char *text, *first;
    int length;
  } const cases[] = {{"10.0.0.7/24", "10.0.0.0", 24}, {"fd20::1/64", "fd20::", 64}, {"192.0.2.1/0", "0.0.0.0", 0}};
  for (const auto& one : cases) {
    CAPTURE(one.text);
    const auto prefix = parse_prefix(one.text, HostBits::kDropped);
    REQUIRE(prefix);
    CHECK(to_text(prefix->base) == one.first);
    CHECK(prefix->length == one.length);
  }
  CHECK_FALSE(parse_prefix("10.0.0.7/33", HostBits::kDropped));
}

TEST_CASE("prefixes overlap if one is in the other") {
  const auto overlap = [](const char* a, const char* b) {
    const auto one = parse_prefix(a), other = parse_prefix(b);
    REQUIRE(one);
    REQUIRE(other);
    CHECK(one->overlaps(*other) == other->overlaps(*one));
    return one->overlaps(*other);
  };
  CHECK(overlap("10.0.0.0/8", "10.20.0.0/24"));
  CHECK(overlap("fd20::/64", "fd20::/64"));
  CHECK(overlap("::/0", "fd20::/64"));
  CHECK_FALSE(overlap("10.20.0.0/24", "10.20.1.0/24"));
  CHECK_FALSE(overlap("0.0.0.0/0", "::/0"));
}

}  // namespace knfe
