#include "test/sim/actors.h"

#include "api/digest.h"
#include "api/foreign.h"
#include "test/fakes/actors_test.h"

namespace knfe::sim {

void Actors::see(const fakes::Store::Event& event) {
  const auto plural = event.resource.plural;
  if (plural == "events" || plural == "leases") return;
  const std::string name(as_string(at(*event.object, "metadata", "name")));
  if (plural == "pods" || plural == "members") wake(name);
  if (plural == "configmaps") {
    for (const auto* pod : wire_.store.list(api::Pod::resource)) wake(std::string(as_string(at(*pod, "metadata", "name"))));
  }
  const bool owned = !as_array(at(*event.object, "metadata", "ownerReferences")).empty();
  if (event.type == "DELETED" || (event.type == "ADDED" && owned) ||
      at(*event.object, "metadata", "deletionTimestamp").is_string())
    wake_collector();
}

void Actors::wake(const std::string& pod) {
  if (!due_.insert(pod).second) return;
  const auto place = mix(api::hash64(pod), 0x6b7562 + ++turn_);
  engine_.at(engine_.now() + wire_.latency(place, 2'000), 0, [this, pod] {
    due_.erase(pod);
    fakes::act_as_kubelet(wire_.store, {"n", pod}, true);
    fakes::act_as_agent(wire_.store, {"n", pod});
  });
}

void Actors::wake_collector() {
  if (std::exchange(collecting_, true)) return;
  engine_.at(engine_.now() + wire_.latency(mix(0x676362, ++turn_), 1'000), 0, [this] {
    collecting_ = false;
    if (wire_.store.collect_garbage()) wake_collector();
  });
}

}  // namespace knfe::sim
