// The addresses that a subnet gives, and the order in which who wants one tries them.
#pragma once

#include <vector>

#include "api/network.h"
#include "base/address.h"

namespace knfe::operators {

// The addresses that a subnet gives: its pools, or all of it but the network's (and in IPv4 the broadcast) address; never the
// gateway.
class Pools {
 public:
  // Fails where a pool is empty or outside.
  static Result<Pools> of(const api::Subnet& subnet);

  const Prefix& prefix() const { return prefix_; }
  uint128 size() const { return size_; }  // saturates one below 2^128
  Address at(uint128 index) const;        // index < size()
  // Whether the address may be asked for: inside the subnet, though maybe outside its pools.
  bool gives(const Address& address) const;

 private:
  struct Range {
    uint128 first, count;
  };
  Prefix prefix_;
  std::optional<Address> gateway_;
  std::vector<Range> ranges_;
  uint128 size_ = 0;
};

// The order in which one owner tries the addresses of a pool: a permutation of 0..size-1 that depends on `seed` alone, so that
// two replicas working for one owner try the same, and two owners rarely meet (notes in docs/architecture.md).
class Permutation {
 public:
  Permutation(uint128 size, std::uint64_t seed);
  uint128 operator()(uint128 step) const;

 private:
  uint128 size_, start_, stride_;
};

}  // namespace knfe::operators
