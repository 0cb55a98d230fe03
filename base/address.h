// Addresses and prefixes of both families as numbers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace knfe {

__extension__ typedef unsigned __int128 uint128;

struct Address {
  bool v6 = false;
  uint128 value = 0;
  int bits() const { return v6 ? 128 : 32; }
  auto operator<=>(const Address&) const = default;
};

std::optional<Address> parse_address(const std::string& text);
std::string to_text(const Address& address);
std::string to_hex(const Address& address);  // 8 or 32 digits: the canonical key
std::string to_text(uint128 number);         // decimal

struct Prefix {
  Address base;
  int length = 0;
  Address last() const;
  bool contains(const Address& address) const;
  bool overlaps(const Prefix& other) const { return contains(other.base) || other.contains(base); }
};
// "10.0.0.0/8". One whose address has bits beyond the length, as 10.0.0.5/8, is refused, or taken for the prefix that it is in.
enum class HostBits { kRefused, kDropped };
std::optional<Prefix> parse_prefix(const std::string& text, HostBits host_bits = HostBits::kRefused);

}  // namespace knfe
