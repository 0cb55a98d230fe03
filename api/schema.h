// Schema: a type with a field table as OpenAPI v3 describes it, in the form of the structural schemas of
// CustomResourceDefinitions.
//
// What is walked over is data (Shape), not templates: of each type there is one constant, and of the walk one copy.
#pragma once

#include <span>

#include "api/fields.h"

namespace knfe::api {

struct Shape {
  enum class Kind { kAnything, kText, kBool, kInt32, kInt64, kTexts, kList, kObject };
  struct Member {
    const char* name;
    const char* doc;
    const Is* is;
    const Shape* shape;
  };
  Kind kind;
  const Shape* item = nullptr;           // of a list
  std::span<const Member> members = {};  // of an object
  const char* key = "";                  // of an object: what makes a list of them a list-map
  bool atomic = false;                   // of an object: it has one owner as a whole
  const Rules* rules = nullptr;          // of an object
};

template <class T>
struct ShapeOf {
  static constexpr Shape::Kind kind() {
    if constexpr (std::same_as<T, Json>) return Shape::Kind::kAnything;
    if constexpr (Text<T>) return Shape::Kind::kText;
    if constexpr (std::same_as<T, bool>) return Shape::Kind::kBool;
    if constexpr (std::integral<T>) return sizeof(T) == 8 ? Shape::Kind::kInt64 : Shape::Kind::kInt32;
    if constexpr (std::same_as<T, StringMap>) return Shape::Kind::kTexts;
  }
  static constexpr Shape value{kind()};
};
template <class T>
struct ShapeOf<std::optional<T>> : ShapeOf<T> {};
template <class T>
  requires is_once<T>
struct ShapeOf<T> : ShapeOf<typename T::Value> {};
template <class T>
struct ShapeOf<std::vector<T>> {
  static constexpr Shape value{Shape::Kind::kList, &ShapeOf<T>::value};
};
template <Tabled T>
struct ShapeOf<T> {
  template <class F>
  using Held = std::remove_cvref_t<decltype(std::declval<T>().*(std::declval<F>().member))>;
  static constexpr auto members = std::apply(
      []<class... F>(const F&... f) {
        return std::array<Shape::Member, sizeof...(F)>{Shape::Member{f.name, f.doc, &f.is, &ShapeOf<Held<F>>::value}...};
      },
      Fields<T>::list);
  static constexpr const char* key() {
    if constexpr (Keyed<T>) return Fields<T>::key;
    return "";
  }
  static constexpr const Rules* rules() {
    if constexpr (Ruled<T>) return &Fields<T>::rules;
    return nullptr;
  }
  static constexpr Shape value{Shape::Kind::kObject, nullptr, members, key(), Atomic<T>, rules()};
};

JsonObject schema_of(const Shape& shape, const Is& is);
template <class T>
JsonObject schema_of(const Is& is) {
  return schema_of(ShapeOf<T>::value, is);
}

}  // namespace knfe::api
