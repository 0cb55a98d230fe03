// Children of KNFE's objects.
#pragma once

#include "operators/view.h"
#include "runtime/child.h"

namespace knfe::operators {

using runtime::Children;

// As runtime::child_of, with the label by which KNFE's caches know it.
template <class Parent>
JsonObject child_of(const Parent& parent, const api::Resource& resource, const std::string& name, JsonObject labels) {
  labels[label::kManagedBy] = "knfe";
  return runtime::child_of(parent, resource, name, std::move(labels));
}

}  // namespace knfe::operators
