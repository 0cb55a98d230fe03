#include "operators/network/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <numeric>

#include "api/digest.h"

namespace knfe::operators {

namespace {

constexpr int bits_of(const Address& address) { return address.v6 ? 128 : 32; }
uint128 host_mask(const Address& address, int length) {
  const int host_bits = bits_of(address) - length;
  return host_bits >= 128 ? ~uint128{0} : (uint128{1} << host_bits) - 1;
}

uint128 gcd(uint128 a, uint128 b) {
  while (b != 0) a = std::exchange(b, a % b);
  return a;
}

// a + b mod m, without overflow.
uint128 add_mod(uint128 a, uint128 b, uint128 m) { return a >= m - b ? a - (m - b) : a + b; }

uint128 multiply_mod(uint128 a, uint128 b, uint128 m) {
  uint128 out = 0;
  for (a %= m; b != 0; b >>= 1) {
    if (b & 1) out = add_mod(out, a, m);
    a = add_mod(a, a, m);
  }
  return out;
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
  const int size = bits_of(address) / 8;
  for (int i = 0; i < size; ++i) bytes[i] = static_cast<unsigned char>(address.value >> (8 * (size - 1 - i)));
  char text[INET6_ADDRSTRLEN];
  KNFE_CHECK(inet_ntop(address.v6 ? AF_INET6 : AF_INET, bytes, text, sizeof text));
  return text;
}

std::string to_hex(const Address& address) {
  const std::string low = api::hex64(static_cast<std::uint64_t>(address.value));
  return address.v6 ? api::hex64(static_cast<std::uint64_t>(address.value >> 64)) + low : low.substr(8);
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

std::optional<Prefix> parse_prefix(const std::string& text) {
  const auto slash = text.find('/');
  if (slash == std::string::npos) return std::nullopt;
  const auto base = parse_address(text.substr(0, slash));
  const std::string digits = text.substr(slash + 1);
  if (!base || digits.empty() || digits.size() > 3 || digits.find_first_not_of("0123456789") != std::string::npos)
    return std::nullopt;
  const int length = std::stoi(digits);
  if (length > bits_of(*base)) return std::nullopt;
  if ((base->value & host_mask(*base, length)) != 0) return std::nullopt;
  return Prefix{*base, length};
}

Result<Pools> Pools::of(const api::Subnet& subnet) {
  Pools out;
  const auto prefix = parse_prefix(subnet.cidr);
  if (!prefix) return fail(Code::kInvalid, "cidr '" + subnet.cidr + "' is malformed", "subnet " + subnet.name);
  out.prefix_ = *prefix;
  if (!subnet.gateway.empty()) out.gateway_ = parse_address(subnet.gateway);

  std::vector<std::pair<uint128, uint128>> wanted;  // first and last
  if (subnet.pools.empty()) {
    const bool tiny = prefix->length >= bits_of(prefix->base) - 1;
    const uint128 first = prefix->base.value + (tiny ? 0 : 1);
    const uint128 last = prefix->last().value - (tiny || prefix->base.v6 ? 0 : 1);
    wanted.emplace_back(first, last);
  }
  for (const auto& pool : subnet.pools) {
    const auto first = parse_address(pool.start), last = parse_address(pool.end);
    const std::string text = pool.start + "-" + pool.end;
    if (!first || !last || !prefix->contains(*first) || !prefix->contains(*last)) {
      return fail(Code::kInvalid, "pool " + text + " is not inside " + subnet.cidr, "subnet " + subnet.name);
    }
    if (*last < *first) return fail(Code::kInvalid, "pool " + text + " ends before it starts", "subnet " + subnet.name);
    wanted.emplace_back(first->value, last->value);
  }
  std::sort(wanted.begin(), wanted.end());
  for (std::size_t i = 1; i < wanted.size(); ++i) {
    if (wanted[i].first <= wanted[i - 1].second) return fail(Code::kInvalid, "pools overlap", "subnet " + subnet.name);
  }
  for (const auto& [first, last] : wanted) {
    const auto gateway = out.gateway_ ? out.gateway_->value : 0;
    if (out.gateway_ && first <= gateway && gateway <= last) {
      if (gateway > first) out.ranges_.push_back({first, gateway - first});
      if (gateway < last) out.ranges_.push_back({gateway + 1, last - gateway});
    } else {
      const uint128 span = last - first;
      out.ranges_.push_back({first, span == ~uint128{0} ? span : span + 1});
    }
  }
  for (const auto& range : out.ranges_) out.size_ += range.count;
  return out;
}

bool Pools::gives(const Address& address) const {
  if (!prefix_.contains(address) || (gateway_ && *gateway_ == address)) return false;
  if (prefix_.length >= bits_of(prefix_.base) - 1) return true;
  return address != prefix_.base && (address.v6 || address != prefix_.last());
}

Address Pools::at(uint128 index) const {
  for (const auto& range : ranges_) {
    if (index < range.count) return {prefix_.base.v6, range.first + index};
    index -= range.count;
  }
  KNFE_CHECK(false && "index inside the pools");
}

Permutation::Permutation(uint128 size, std::uint64_t seed) : size_(size), start_(0), stride_(1) {
  if (size < 2) return;
  const auto random = [&](std::uint64_t salt) {
    return (static_cast<uint128>(api::hash64("high", seed + salt)) << 64 | api::hash64("low", seed + salt)) % size;
  };
  start_ = random(1);
  // Any stride that shares no factor with the size walks through all of it.
  for (stride_ = std::max<uint128>(random(2), 1); gcd(size, stride_) != 1;) stride_ = stride_ + 1 < size ? stride_ + 1 : 1;
}

uint128 Permutation::operator()(uint128 step) const {
  return size_ < 2 ? 0 : add_mod(start_, multiply_mod(step, stride_, size_), size_);
}

}  // namespace knfe::operators
