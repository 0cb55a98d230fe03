// Field tables: a value type says once what its fields are called, what they mean and what they may hold; decoding, encoding and
// the OpenAPI schema of its CRD (api/schema.h) follow from that one table.
//
//   struct Pool { std::string start, end; bool operator==(const Pool&) const = default; };
//   template <> struct Fields<Pool> {
//     static constexpr const char* doc = "A range of addresses.";
//     static constexpr auto list = std::tuple{
//         field("start", &Pool::start, "First address.", {.required = true, .max_length = 45}),
//         field("end", &Pool::end, "Last address.", {.required = true, .max_length = 45})};
//   };
//
// A field is a string (or a Word), bool, integer, Json (anything), a map of strings, a value type with a table, or a
// std::optional or std::vector of those, or the Once of such a vector. Empty strings, maps and vectors, false, null and absent
// optionals are not encoded, so that server-side apply owns nothing that nobody said. `Fields<T>::key`, where given, names the
// members that make T the entry of a list-map.
#pragma once

#include <array>
#include <concepts>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "base/json.h"
#include "base/once.h"
#include "base/word.h"

namespace knfe::api {

// A CEL rule (x-kubernetes-validations): `message` says what is allowed.
struct Rule {
  const char* rule = nullptr;
  const char* message = nullptr;
};
using Rules = std::array<Rule, 8>;
// Of one field: each takes room for all that any has.
using FieldRules = std::array<Rule, 2>;

// What a field may hold; zero and null mean: nothing said.
struct Is {
  bool required = false;
  const char* otherwise = nullptr;  // the default, as JSON
  const char* one_of = nullptr;     // the allowed strings, separated by '|'
  const char* pattern = nullptr;
  int min_length = 0;
  int max_length = 0;  // of strings: 253 where nothing is said
  std::optional<std::int64_t> minimum = {};
  std::optional<std::int64_t> maximum = {};
  int min_items = 0;
  int max_items = 0;  // of lists and maps: 64 where nothing is said
  bool set = false;   // a list of strings without order and duplicates
  const char* format = nullptr;
  FieldRules rules = {};
};

template <class Struct, class Value>
struct Field {
  const char* name;
  Value Struct::* member;
  const char* doc;
  Is is;
};

template <class Struct, class Value>
constexpr Field<Struct, Value> field(const char* name, Value Struct::* member, const char* doc, Is is = {}) {
  return {name, member, doc, is};
}

template <class T>
struct Fields;

template <class T>
concept Tabled = requires { Fields<T>::list; };
template <class T>
concept Keyed = Tabled<T> && requires { Fields<T>::key; };
template <class T>
concept Atomic = Tabled<T> && requires { Fields<T>::atomic; };
template <class T>
concept Ruled = Tabled<T> && requires { Fields<T>::rules; };

using StringMap = std::map<std::string, std::string>;

template <class T>
concept Text = std::same_as<T, std::string> || std::same_as<T, Word>;

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;
template <class T>
inline constexpr bool is_vector = false;
template <class T>
inline constexpr bool is_vector<std::vector<T>> = true;

// ---- decode ------------------------------------------------------------------------------------------------------

// A JSON pointer, as long as nobody wants to read it: a chain of its steps.
class Where {
 public:
  Where(const char* root) : name_(root) {}       // NOLINT(google-explicit-constructor): such as "/spec"
  Where(std::string_view root) : name_(root) {}  // NOLINT(google-explicit-constructor)
  Where(const Where& above, std::string_view name) : above_(&above), name_(name) {}
  Where(const Where& above, std::size_t index) : above_(&above), index_(index) {}
  std::string text() const;

 private:
  const Where* above_ = nullptr;
  std::string_view name_;
  std::optional<std::size_t> index_;
};

std::unexpected<Error> wrong_kind(const Where& where, const char* wanted);

// Unknown members are skipped: newer servers know more. `where` is where `json` stands, for messages.
template <class T>
Result<void> decode_into(const Json& json, T& out, const Where& where) {
  if constexpr (std::same_as<T, Json>) {
    out = json;
  } else if constexpr (is_optional<T>) {
    if (json.is_null()) return {};
    return decode_into(json, out.emplace(), where);
  } else if constexpr (is_once<T>) {
    typename T::Value list;
    auto decoded = decode_into(json, list, where);
    if (decoded) out = list;
    return decoded;
  } else if (json.is_null()) {
    return {};
  } else if constexpr (Text<T>) {
    if (!json.is_string()) return wrong_kind(where, "a string");
    out = as_string(json);
  } else if constexpr (std::same_as<T, bool>) {
    if (!json.is_bool()) return wrong_kind(where, "true or false");
    out = json.get_bool();
  } else if constexpr (std::integral<T>) {
    const std::int64_t number = as_int(json, INT64_MIN);
    if (number == INT64_MIN || !std::in_range<T>(number)) return wrong_kind(where, "an integer");
    out = static_cast<T>(number);
  } else if constexpr (std::same_as<T, StringMap>) {
    if (!json.is_object()) return wrong_kind(where, "an object");
    for (const auto& [key, value] : json.get_object()) {
      if (!value.is_string()) return wrong_kind({where, key}, "a string");
      out.emplace(key, as_string(value));
    }
  } else if constexpr (is_vector<T>) {
    if (!json.is_array()) return wrong_kind(where, "a list");
    out.reserve(json.get_array().size());
    for (const auto& item : json.get_array()) {
      const Where at_item(where, out.size());
      const auto decoded = decode_into(item, out.emplace_back(), at_item);
      if (!decoded) return decoded;
    }
  } else {
    static_assert(Tabled<T>, "a value type needs a field table");
    if (!json.is_object()) return wrong_kind(where, "an object");
    Result<void> result;
    const auto one = [&](const auto& f) {
      result = decode_into(at(json, f.name), out.*(f.member), {where, f.name});
      return result.has_value();
    };
    std::apply([&](const auto&... f) { return (one(f) && ...); }, Fields<T>::list);
    return result;
  }
  return {};
}

template <class T>
Result<T> decode(const Json& json, const Where& where = "") {
  T out{};
  if (auto decoded = decode_into(json, out, where); !decoded) return std::unexpected(std::move(decoded).error());
  return out;
}

// ---- encode ------------------------------------------------------------------------------------------------------

// Null where there is nothing to say. Required fields are always said.
template <class T>
Json encode(const T& value) {
  if constexpr (std::same_as<T, Json>) {
    return value;
  } else if constexpr (is_optional<T>) {
    return value ? encode(*value) : Json();
  } else if constexpr (is_once<T>) {
    return encode(*value);
  } else if constexpr (Text<T>) {
    return value.empty() ? Json() : Json(std::string_view(value));
  } else if constexpr (std::same_as<T, bool>) {
    return value ? Json(true) : Json();
  } else if constexpr (std::integral<T>) {
    return Json(static_cast<std::int64_t>(value));
  } else if constexpr (std::same_as<T, StringMap>) {
    if (value.empty()) return {};
    JsonObject out;
    for (const auto& [key, text] : value) out[key] = text;
    return out;
  } else if constexpr (is_vector<T>) {
    if (value.empty()) return {};
    JsonArray out;
    for (const auto& item : value) out.push_back(encode(item));
    return out;
  } else {
    JsonObject out;
    const auto one = [&](const auto& f) {
      const auto& member = value.*(f.member);
      Json encoded = encode(member);
      if (encoded.is_null() && f.is.required) {
        using Member = std::remove_cvref_t<decltype(member)>;
        if constexpr (Text<Member>) encoded = "";
        if constexpr (std::same_as<Member, bool>) encoded = false;
        if constexpr (is_vector<Member>) encoded = JsonArray();
      }
      if (!encoded.is_null()) out[f.name] = std::move(encoded);
    };
    std::apply([&](const auto&... f) { (one(f), ...); }, Fields<T>::list);
    return out;
  }
}

}  // namespace knfe::api
