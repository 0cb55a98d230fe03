// Parts of objects as tests name them.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"

namespace knfe::fakes {

inline std::string text(const Json& value) { return std::string(as_string(value)); }

// The first of a list that has this name; null if none has.
inline Json named(const Json& list, std::string_view name) {
  for (const auto& one : as_array(list)) {
    if (as_string(at(one, "name")) == name) return one;
  }
  return {};
}

// The names of a list, in order, between blanks.
inline std::string names(const Json& list) {
  std::string out;
  for (const auto& one : as_array(list)) out += (out.empty() ? "" : " ") + text(at(one, "name"));
  return out;
}

}  // namespace knfe::fakes
