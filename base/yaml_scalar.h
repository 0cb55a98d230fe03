// What a YAML word without quotes means.
#pragma once

#include <string_view>

#include "base/json.h"

namespace knfe {

// The value of a plain scalar. Fails on numbers that JSON cannot hold or that readers disagree about.
Result<Json> plain_scalar(std::string_view text);

// True if some reader of YAML 1.1 or 1.2 may take the plain word for anything but a text. May say so too often.
bool needs_quotes(std::string_view text);

}  // namespace knfe
