// What an object of an API server says of itself.
#pragma once

#include "base/json.h"

namespace knfe::fakes {

inline std::string_view uid_of(const Json& object) { return as_string(at(object, "metadata", "uid")); }
inline bool deleting(const Json& object) { return at(object, "metadata", "deletionTimestamp").is_string(); }

inline const Json& condition_of(const Json& object, std::string_view type) {
  static const Json kNone;
  for (const auto& one : as_array(at(object, "status", "conditions"))) {
    if (as_string(at(one, "type")) == type) return one;
  }
  return kNone;
}

}  // namespace knfe::fakes
