// Multus: networks as NetworkAttachmentDefinitions (k8snetworkplumbingwg, v1.3), with addresses in the pod's annotation, so that
// the CNI path asks nobody.
#pragma once

#include "operators/network/port.h"

namespace knfe::providers {

class Multus : public operators::NetworkProvider {
 public:
  Json realise(const api::Network& network, bool tap) const override;
  api::StringMap attach(const std::vector<operators::Attached>& attachments) const override;
};

}  // namespace knfe::providers
