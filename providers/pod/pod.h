// Pod: members as pods, with the guest agent as a native sidecar (KEP-753).
//
//   init container  knfe-install  puts the agent's binary into /knfe and the member list into /run/knfe, then ends
//   sidecar         knfe          the agent, in the image of the first container, so that hooks find the function's own tools
//   containers      as given      with /run/knfe, the member's environment, and a preStop hook in the first that waits for
//   leaving
#pragma once

#include <string>

#include "operators/function/port.h"

namespace knfe::providers {

struct PodSettings {
  std::string agent_image;
};

class PodProvider : public operators::WorkloadProvider {
 public:
  explicit PodProvider(PodSettings settings) : settings_(std::move(settings)) {}
  Json build(const operators::WorkloadInput& input) const override;

 private:
  const PodSettings settings_;
};

}  // namespace knfe::providers
