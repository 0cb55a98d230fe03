// The service operator's plan: NetworkService -> Networks and NetworkFunctions.
#pragma once

#include "operators/view.h"
#include "runtime/plan.h"

namespace knfe::operators {

runtime::Plan plan_service(const api::NetworkService& service, const View& view, const runtime::Moment& moment);

}  // namespace knfe::operators
