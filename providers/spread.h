// Where members are to run: what a PodSpec and a VirtualMachineInstanceSpec say alike of it.
#pragma once

#include "operators/function/port.h"

namespace knfe::providers {

// Add to a list in `object`, at its end or before all others; what is there and no list is left for the API server to refuse.
void append(JsonObject& object, const char* list, JsonArray items);
void prepend(JsonObject& object, const char* list, JsonArray items);
// Adds the role's spread to `spec`, if it has one.
void add_spread(JsonObject& spec, const api::Member& member);

}  // namespace knfe::providers
