// What guest agents may: read the member list and their own Member, report its status, and no more.
#pragma once

#include "operators/child.h"

namespace knfe::operators {

// Of those in pods: one ServiceAccount and one Role for the function. That each reports only its own is the part of the
// ValidatingAdmissionPolicy (deploy/), which knows a pod by its token.
void plan_rights(const api::NetworkFunction& function, const View& view, Children& children);

// Of that in a virtual machine, whose token outlives the pod that it was handed in by: a ServiceAccount of its own, under the
// member's name, which may have its token renewed.
void plan_rights(const api::Member& member, const View& view, Children& children);

}  // namespace knfe::operators
