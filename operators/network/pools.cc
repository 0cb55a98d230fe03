#include "operators/network/pools.h"

#include <algorithm>

#include "api/digest.h"

namespace knfe::operators {

namespace {

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

Result<Pools> Pools::of(const api::Subnet& subnet) {
  Pools out;
  const auto prefix = parse_prefix(subnet.cidr);
  if (!prefix) return fail(Code::kInvalid, "cidr '" + subnet.cidr + "' is malformed", "subnet " + subnet.name);
  out.prefix_ = *prefix;
  if (!subnet.gateway.empty()) out.gateway_ = parse_address(subnet.gateway);

  std::vector<std::pair<uint128, uint128>> wanted;  // first and last
  if (subnet.pools.empty()) {
    const bool tiny = prefix->length >= prefix->base.bits() - 1;
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
  if (prefix_.length >= prefix_.base.bits() - 1) return true;
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
