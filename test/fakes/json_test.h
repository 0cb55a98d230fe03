// JSON as tests write it.
#pragma once

#include "base/json.h"

namespace knfe::fakes {

inline Json json(std::string_view text) {
  auto parsed = parse_json(text);
  KNFE_CHECK(parsed);
  return std::move(*parsed);
}

// As at(), but of a temporary.
template <class... Keys>
Json pick(const Json& value, Keys... keys) {
  return at(value, keys...);
}

}  // namespace knfe::fakes
