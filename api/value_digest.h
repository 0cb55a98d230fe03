// Digests of values with field tables: what digest_of_desired() says of their JSON, without making that.
#pragma once

#include "api/digest.h"
#include "api/fields.h"

namespace knfe::api {

// Nothing where encode() gives null.
template <class T>
std::optional<std::uint64_t> digest_of_value(const T& value, bool to_the_letter = false) {
  if constexpr (std::same_as<T, Json>) {
    if (value.is_null()) return std::nullopt;
    return digests::of(value, to_the_letter);
  } else if constexpr (is_optional<T>) {
    return value ? digest_of_value(*value, to_the_letter) : std::nullopt;
  } else if constexpr (is_once<T>) {
    return digest_of_value(*value, to_the_letter);
  } else if constexpr (Text<T>) {
    if (value.empty()) return std::nullopt;
    return digests::of_text(value);
  } else if constexpr (std::same_as<T, bool>) {
    if (!value) return std::nullopt;
    return digests::of_other("true");
  } else if constexpr (std::integral<T>) {
    return digests::of_number(static_cast<std::uint64_t>(static_cast<std::int64_t>(value)));
  } else if constexpr (std::same_as<T, StringMap>) {
    if (value.empty()) return std::nullopt;
    digests::Members members;
    for (const auto& [key, text] : value) members.add(key, digests::of_text(text));
    return members.result();
  } else if constexpr (is_vector<T>) {
    if (value.empty()) return std::nullopt;
    digests::Entries entries;
    for (const auto& item : value) {
      bool is_object = Tabled<typename T::value_type>;
      if constexpr (std::same_as<typename T::value_type, Json>) is_object = item.is_object();
      // An entry that says nothing is null, and is there all the same.
      const auto digest = digest_of_value(item, to_the_letter);
      entries.add(is_object, digest ? *digest : digests::of_other("null"));
    }
    return entries.result(to_the_letter);
  } else {
    digests::Members members;
    const auto one = [&](const auto& f) {
      const auto& member = value.*(f.member);
      using Held = std::remove_cvref_t<decltype(member)>;
      auto digest = digest_of_value(member, to_the_letter || digests::is_to_the_letter(f.name));
      if (!digest && f.is.required) {
        if constexpr (Text<Held>) digest = digests::of_text("");
        if constexpr (std::same_as<Held, bool>) digest = digests::of_other("false");
        if constexpr (is_vector<Held>) digest = digests::Entries().result(to_the_letter);
      }
      if (digest) members.add(f.name, *digest);
    };
    std::apply([&](const auto&... f) { (one(f), ...); }, Fields<T>::list);
    return members.result();
  }
}

// Of an object that says nothing but `status`.
template <class T>
std::uint64_t digest_of_status(const T& status) {
  digests::Members object;
  if (const auto digest = digest_of_value(status)) object.add("status", *digest);
  return digests::not_zero(object.result());
}

}  // namespace knfe::api
