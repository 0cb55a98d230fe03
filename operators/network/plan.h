// The network operator's plans: Network -> NetworkAttachmentDefinition; ConnectionPoint -> Allocations.
#pragma once

#include "operators/network/port.h"
#include "runtime/plan.h"

namespace knfe::operators {

// Keeps a Network that is used from vanishing.
inline constexpr const char* kNetworkFinalizer = "knfe.io/network-in-use";
// Keeps the ConnectionPoint of a Member, and with it its addresses, until no pod carries them. The Member's plan takes it off;
// that of the ConnectionPoint only if there is no such Member any more.
inline constexpr const char* kConnectionPointFinalizer = "knfe.io/addresses-carried";
// Keeps an Allocation until its ConnectionPoint is proven gone, or has no use for it: foreground deletion would take it first.
inline constexpr const char* kAllocationFinalizer = "knfe.io/address-claimed";
// Keeps a NetworkAttachmentDefinition for as long as its Network is used: foreground deletion would take it first.
inline constexpr const char* kAttachmentFinalizer = "knfe.io/network-attached";

runtime::Plan plan_network(const api::Network& network, const View& view, const NetworkProvider& provider,
                           const runtime::Moment& moment);
runtime::Plan plan_connection_point(const api::ConnectionPoint& point, const View& view, const runtime::Moment& moment);
runtime::Plan plan_allocation(const api::Allocation& allocation, const View& view);
// Lets go of an attachment whose Network is gone; while it is there, plan_network decides.
runtime::Plan plan_attachment(const api::Attachments& attachment, const View& view);

// What keeps something from being; no reason: nothing does.
struct Objection {
  std::string reason;
  std::string message;
  bool stalled = false;  // until somebody acts
  explicit operator bool() const { return !reason.empty(); }
};
// What keeps a Network from being accepted: its own spec, or another Network of its address space.
Objection objection_to(const api::Network& network, const View& view);

// The name of the Allocation of an address: the lock. Networks that share an address space share its locks.
std::string allocation_name(const api::Network& network, const std::string& ip);

}  // namespace knfe::operators
