// A value of any type with a field table, in which every field says something, and no two the same.
#pragma once

#include "api/fields.h"

namespace knfe::api {

template <class T>
void fill(T& out, int& number) {
  ++number;
  if constexpr (std::same_as<T, Json>) {
    out = JsonObject{{"anything", number}};
  } else if constexpr (is_optional<T>) {
    fill(out.emplace(), number);
  } else if constexpr (is_once<T>) {
    typename T::Value list;
    fill(list, number);
    out = list;
  } else if constexpr (std::same_as<T, std::string>) {
    out = "text" + std::to_string(number);
  } else if constexpr (std::same_as<T, bool>) {
    out = true;
  } else if constexpr (std::integral<T>) {
    out = static_cast<T>(number);
  } else if constexpr (std::same_as<T, Word>) {
    out = "text" + std::to_string(number);
  } else if constexpr (std::same_as<T, StringMap>) {
    out = {{"key" + std::to_string(number), "value"}, {"other", std::to_string(number)}};
  } else if constexpr (is_vector<T>) {
    fill(out.emplace_back(), number);
    fill(out.emplace_back(), number);
  } else {
    std::apply([&](const auto&... f) { (fill(out.*(f.member), number), ...); }, Fields<T>::list);
  }
}

template <class T>
T sample() {
  T out{};
  int number = 0;
  fill(out, number);
  return out;
}

}  // namespace knfe::api
