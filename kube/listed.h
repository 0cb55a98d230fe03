// Listed: the names of what a list has told of, in 16 bytes each. A hundred thousand of them are around while a list is read.
//
// Two hashes stand for a name. That two names of one resource have both in common does not happen by chance (one in 10^28 for
// 100000 objects); whoever did it on purpose, with objects of one's own, would see one that is gone until the next list.
#pragma once

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "api/digest.h"
#include "api/object.h"

namespace knfe::kube {

class Listed {
 public:
  void add(std::string_view ns, std::string_view name) { names_.push_back(hashes(ns, name)); }
  void seal() { std::sort(names_.begin(), names_.end()); }  // before anything is asked
  bool contains(const api::Key& key) const { return std::binary_search(names_.begin(), names_.end(), hashes(key.ns, key.name)); }
  std::size_t size() const { return names_.size(); }
  void clear() { names_ = {}; }

 private:
  static std::pair<std::uint64_t, std::uint64_t> hashes(std::string_view ns, std::string_view name) {
    return {api::hash64(name, api::hash64(ns, 1)), api::hash64(name, api::hash64(ns, 2))};
  }
  std::vector<std::pair<std::uint64_t, std::uint64_t>> names_;
};

}  // namespace knfe::kube
