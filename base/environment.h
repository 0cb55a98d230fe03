// Environment: the variables that this process was started with.
#pragma once

#include <string>

namespace knfe {

// Empty if there is none of this name.
std::string environment(const char* name);

}  // namespace knfe
