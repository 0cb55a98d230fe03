// EventTeller: turns what plans note into Events (events.k8s.io/v1) about the object that they were made for.
//
// Events are for people and may be lost: no retry, and of each controller at most twenty in ten seconds.
#pragma once

#include <list>
#include <map>
#include <string>
#include <vector>

#include "kube/api_client.h"
#include "runtime/plan.h"

namespace knfe::runtime {

class EventTeller {
 public:
  EventTeller(net::Loop& loop, kube::ApiClient& api) : loop_(loop), api_(api) {}

  void tell(const std::string& controller, const api::Resource& resource, const api::Meta& about, const std::vector<Note>& notes,
            const std::string& reconcile);

 private:
  net::Loop& loop_;
  kube::ApiClient& api_;
  std::map<std::string, std::vector<Instant>> recent_;  // by controller
  std::list<net::Handle> in_flight_;
};

}  // namespace knfe::runtime
