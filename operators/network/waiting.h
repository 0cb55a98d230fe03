// Waiting: which connection points have no address yet, by network. As many may hold one, and all of them need not be asked at
// each that is freed.
#pragma once

#include <map>
#include <set>
#include <string>

#include "api/connection_point.h"

namespace knfe::operators {

class Waiting {
 public:
  // Null: was not there, is not there any more.
  void change(const api::ConnectionPoint* before, const api::ConnectionPoint* after) {
    if (before) forget(*before);  // a successor of the same name may be on another network
    if (after && after->status.addresses.empty()) points_[network_of(*after)].insert(after->meta.key);
  }
  // By "namespace/network".
  const std::set<api::Key>& on(const std::string& network) const {
    static const std::set<api::Key> none;
    const auto found = points_.find(network);
    return found == points_.end() ? none : found->second;
  }

 private:
  static std::string network_of(const api::ConnectionPoint& point) { return point.meta.key.ns + "/" + point.spec.network.name; }
  void forget(const api::ConnectionPoint& point) {
    const auto found = points_.find(network_of(point));
    if (found == points_.end()) return;
    found->second.erase(point.meta.key);
    if (found->second.empty()) points_.erase(found);
  }
  std::map<std::string, std::set<api::Key>> points_;
};

}  // namespace knfe::operators
