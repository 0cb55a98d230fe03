#include "base/address.h"

#include <arpa/inet.h>

#include <algorithm>

#include "base/result.h"

namespace knfe {

namespace {

uint128 host_mask(const Address& address, int length) {
  const int host_bits = address.bits() - length;
  return host_bits >= 128 ? ~uint128{0} : (uint128{1} << host_bits) - 1;
}

}  // namespace

std::optional<Address> parse_address(const std::string& text) {
  unsigned char bytes[16];
  const bool v6 = text.find(':') != std::string::npos;
  if (inet_pton(v6 ? AF_INET6 : AF_INET, text.c_str(), bytes) != 1) return std::nullopt;
  Address out{v6, 0};
  for (int i = 0; i < (v6 ? 16 : 4); ++i) out.value = out.value << 8 | bytes[i];
  return out;
}

std::string to_text(const Address& address) {
  unsigned char bytes[16];
  const int size = address.bits() / 8;
  for (int i = 0; i < size; ++i) bytes[i] = static_cast<unsigned char>(address.value >> (8 * (size - 1 - i)));
  char text[INET6_ADDRSTRLEN];
  KNFE_CHECK(inet_ntop(address.v6 ? AF_INET6 : AF_INET, bytes, text, sizeof text));
  return text;
}

std::string to_hex(const Address& address) {
  std::string out(static_cast<std::size_t>(address.bits()) / 4, '0');
  uint128 left = address.value;
  for (auto digit = out.rbegin(); digit != out.rend(); ++digit, left >>= 4)
    *digit = "0123456789abcdef"[static_cast<int>(left & 15)];
  return out;
}

std::string to_text(uint128 number) {
  std::string out;
  do out += static_cast<char>('0' + static_cast<int>(number % 10));
  while ((number /= 10) != 0);
  std::reverse(out.begin(), out.end());
  return out;
}

Address Prefix::last() const { return {base.v6, base.value | host_mask(base, length)}; }

bool Prefix::contains(const Address& address) const {
  return address.v6 == base.v6 && (address.value & ~host_mask(base, length)) == base.value;
}

std::optional<Prefix> parse_prefix(const std::string& text, HostBits host_bits) {
  const auto slash = text.find('/');
  if (slash == std::string::npos) return std::nullopt;
  const auto base = parse_address(text.substr(0, slash));
  const std::string digits = text.substr(slash + 1);
  if (!base || digits.empty() || digits.size() > 3 || digits.find_first_not_of("0123456789") != std::string::npos)
    return std::nullopt;
  const int length = std::stoi(digits);
  if (length > base->bits()) return std::nullopt;
  const uint128 beyond = base->value & host_mask(*base, length);
  if (beyond != 0 && host_bits == HostBits::kRefused) return std::nullopt;
  return Prefix{{base->v6, base->value - beyond}, length};
}

}  // namespace knfe
