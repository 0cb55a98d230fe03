// KubeVirt: members as virtual machines (kubevirt.io/v1), whose data-plane interfaces are taps (network binding plugin "knfe").
//
//   interfaces, networks  as given - or the pod network by masquerade, where none is - then one for each connection point
//   cloud-init            the volume that is given, with network data where it has none; else one of KNFE's with just that
//   knfe-identity         a disk for the guest agent: who it is, and the UID of the instance that it runs in
//   knfe-account          a disk for the guest agent: the token of the member's own ServiceAccount
//
// The firmware's UUID is the Member's UID: it stays with the member, whatever becomes of the machine.
#pragma once

#include <string>

#include "operators/function/port.h"

namespace knfe::providers {

struct KubeVirtSettings {
  // Where guests reach the API server: host and port.
  std::string api_host = "kubernetes.default.svc";
  std::string api_port = "443";
};

class KubeVirtProvider : public operators::WorkloadProvider {
 public:
  explicit KubeVirtProvider(KubeVirtSettings settings) : settings_(std::move(settings)) {}
  Json build(const operators::WorkloadInput& input) const override;

 private:
  const KubeVirtSettings settings_;
};

}  // namespace knfe::providers
