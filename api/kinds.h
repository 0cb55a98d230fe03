// All kinds of KNFE, as CustomResourceDefinitions.
#pragma once

#include <vector>

#include "base/json.h"

namespace knfe::api {

// In the order in which people read them. `knfe crds` writes them to deploy/crds/.
std::vector<Json> crds();

}  // namespace knfe::api
