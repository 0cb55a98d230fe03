// Watched: the informers of one operator, by what they watch.
#pragma once

#include <algorithm>
#include <vector>

#include "kube/informer.h"

namespace knfe::runtime {

class Watched {
 public:
  void add(kube::InformerBase& informer) { all_.push_back(&informer); }
  const std::vector<kube::InformerBase*>& all() const { return all_; }

  // Null where nobody watches it.
  kube::InformerBase* of(const api::Resource& resource) const {
    const auto found =
        std::find_if(all_.begin(), all_.end(), [&](const auto* one) { return one->cache().resource() == resource; });
    return found == all_.end() ? nullptr : *found;
  }
  // Whether what is not in the cache is nowhere: no label narrows the watch.
  bool sees_all_of(const api::Resource& resource) const {
    const auto* informer = of(resource);
    return informer && informer->scope().label_selector.empty();
  }
  bool synced() const {
    return std::all_of(all_.begin(), all_.end(), [](const auto* one) { return one->cache().synced(); });
  }

 private:
  std::vector<kube::InformerBase*> all_;
};

}  // namespace knfe::runtime
