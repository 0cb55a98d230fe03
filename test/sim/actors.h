// Actors: kubelet, the guest agents and the garbage collector of a schedule. Each acts some time after something has changed that
// it looks at.
#pragma once

#include <set>
#include <string>

#include "test/sim/wire.h"

namespace knfe::sim {

class Actors {
 public:
  Actors(Engine& engine, Wire& wire) : engine_(engine), wire_(wire) {}

  void see(const fakes::Store::Event& event);

 private:
  void wake(const std::string& pod);
  void wake_collector();

  Engine& engine_;
  Wire& wire_;
  std::set<std::string> due_;  // pods that somebody is about to look at
  bool collecting_ = false;
  std::uint64_t turn_ = 0;
};

}  // namespace knfe::sim
