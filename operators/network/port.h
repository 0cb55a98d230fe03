// What a network provider must do. Providers are pure builders: the executor does the I/O.
#pragma once

#include "operators/view.h"

namespace knfe::operators {

// A connection point with addresses, and the network it is on.
struct Attached {
  const api::Network* network;
  const api::ConnectionPoint* connection_point;
};

// Of the NetworkAttachmentDefinition: that of the network, or for taps another beside it, which no Network can have.
std::string attachment_name(const api::Network& network, bool tap);

class NetworkProvider {
 public:
  virtual ~NetworkProvider() = default;
  // The NetworkAttachmentDefinition that realises the network, for interfaces of pods or for the tap devices of virtual machines:
  // spec only, metadata is the operator's.
  virtual Json realise(const api::Network& network, bool tap) const = 0;
  // The annotations by which a pod gets these attachments, in this order, with their addresses.
  virtual api::StringMap attach(const std::vector<Attached>& attachments) const = 0;
};

}  // namespace knfe::operators
