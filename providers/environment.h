// The environment of a member: who it is and where, as its software, its hooks and its agent read it in every kind of workload.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "operators/function/port.h"

namespace knfe::providers {

using Environment = std::vector<std::pair<std::string, std::string>>;

// KNFE_NAMESPACE, KNFE_FUNCTION, KNFE_ROLE, KNFE_MEMBER, KNFE_ORDINAL, and of each connection point the first address of each
// family, KNFE_ADDRESS_CORE and KNFE_ADDRESS6_CORE.
Environment environment_of(const operators::WorkloadInput& input);

// The labels that each workload of a member has, beside those of its template.
JsonObject labels_of(const api::Member& member, const api::StringMap& own);

}  // namespace knfe::providers
