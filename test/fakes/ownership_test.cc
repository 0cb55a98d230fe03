#include "test/fakes/ownership_test.h"

#include <doctest/doctest.h>

#include "test/fakes/json_test.h"

namespace knfe::fakes {

namespace {

constexpr char kSeparator = '\x1f';

std::string_view view_of(const boost::json::string_view& text) { return {text.data(), text.size()}; }
std::string_view list_type(const Json& schema) { return as_string(at(schema, "x-kubernetes-list-type")); }
bool granular(const Json& value, const Json& schema) {
  return value.is_object() && as_string(at(schema, "x-kubernetes-map-type")) != "atomic";
}

std::string step_of(const Json& item, const Json& schema) {
  if (list_type(schema) == "set") return "v:" + to_text(item);
  JsonObject key;
  for (const auto& name : as_array(at(schema, "x-kubernetes-list-map-keys"))) key[as_string(name)] = at(item, as_string(name));
  return "k:" + canonical(key);
}

void walk(const Json& value, const Json& schema, const std::string& path, Paths& out) {
  if (granular(value, schema)) {
    for (const auto& [name, member] : value.get_object()) {
      const Json& below = at(schema, "properties", view_of(name));
      const std::string child = path + kSeparator + "f:" + std::string(name);
      walk(member, below, child, out);
      const bool empty = member.is_null() || (member.is_object() && member.get_object().empty());
      if (empty || below.is_null()) out.insert(child);
    }
  } else if (value.is_array() && (list_type(schema) == "map" || list_type(schema) == "set")) {
    for (const auto& item : value.get_array()) {
      const std::string child = path + kSeparator + step_of(item, schema);
      out.insert(child);
      if (list_type(schema) == "map" && granular(item, at(schema, "items"))) walk(item, at(schema, "items"), child, out);
    }
  } else {
    out.insert(path);
  }
}

// The first step of a path, which is taken off it.
std::string take_step(std::string& path) {
  const auto end = path.find(kSeparator, 1);
  std::string step = path.substr(1, end == std::string::npos ? end : end - 1);
  path = end == std::string::npos ? std::string() : path.substr(end);
  return step;
}

bool is_item(const Json& item, const std::string& step) {
  const Json wanted = json(std::string_view(step).substr(2));
  if (step.starts_with("v:")) return item == wanted;
  for (const auto& [name, value] : wanted.get_object()) {
    if (at(item, view_of(name)) != value) return false;
  }
  return true;
}

}  // namespace

Paths paths_of(const Json& value, const Json& schema) {
  Paths out;
  walk(value, schema, {}, out);
  return out;
}

bool has_members(const Paths& paths, const std::string& path) {
  const std::string below = path + kSeparator;
  const auto first = paths.lower_bound(below);
  return first != paths.end() && first->starts_with(below);
}

JsonObject fields_v1(const Paths& paths) {
  JsonObject out;
  for (std::string path : paths) {
    JsonObject* node = &out;
    while (!path.empty()) {
      Json& below = (*node)[take_step(path)];
      if (!below.is_object()) below = JsonObject();
      node = &below.get_object();
    }
  }
  // An item that is owned along with members of it is marked by a dot.
  for (const auto& path : paths) {
    JsonObject* node = &out;
    for (std::string rest = path; !rest.empty();) node = &node->at(take_step(rest)).get_object();
    if (!node->empty()) (*node)["."] = JsonObject();
  }
  return out;
}

const Json* find(const Json& object, const std::string& path) {
  const Json* value = &object;
  for (std::string rest = path; !rest.empty();) {
    const std::string step = take_step(rest);
    const Json* next = nullptr;
    if (step.starts_with("f:")) {
      next = as_object(*value).if_contains(std::string_view(step).substr(2));
    } else {
      for (const auto& item : as_array(*value)) {
        if (is_item(item, step)) next = &item;
      }
    }
    if (!next) return nullptr;
    value = next;
  }
  return value;
}

void erase(Json& object, const std::string& path) {
  const auto last = path.rfind(kSeparator);
  auto* parent = const_cast<Json*>(find(object, path.substr(0, last)));
  if (!parent) return;
  const std::string step = path.substr(last + 1);
  if (step.starts_with("f:")) {
    if (!parent->is_object() || parent->get_object().erase(std::string_view(step).substr(2)) == 0) return;
    // An object of which nothing is left goes, too.
    if (parent->get_object().empty() && last != 0) erase(object, path.substr(0, last));
  } else if (parent->is_array()) {
    auto& items = parent->get_array();
    for (auto item = items.begin(); item != items.end();) item = is_item(*item, step) ? items.erase(item) : item + 1;
  }
}

void merge(Json& live, const Json& wanted, const Json& schema) {
  if (granular(wanted, schema) && live.is_object()) {
    for (const auto& [name, member] : wanted.get_object()) {
      Json& into = live.get_object()[name];
      merge(into, member, at(schema, "properties", view_of(name)));
    }
  } else if (wanted.is_array() && live.is_array() && (list_type(schema) == "map" || list_type(schema) == "set")) {
    for (const auto& item : wanted.get_array()) {
      const std::string step = step_of(item, schema);
      Json* same = nullptr;
      for (auto& other : live.get_array()) {
        if (is_item(other, step)) same = &other;
      }
      if (same) {
        merge(*same, item, at(schema, "items"));
      } else {
        live.get_array().push_back(item);
      }
    }
  } else {
    live = wanted;
  }
}

void add_defaults(Json& value, const Json& schema) {
  if (value.is_array()) {
    for (auto& item : value.get_array()) add_defaults(item, at(schema, "items"));
  }
  if (!value.is_object()) return;
  for (const auto& [name, below] : as_object(at(schema, "properties"))) {
    const Json& otherwise = at(below, "default");
    if (!otherwise.is_null() && !value.get_object().contains(name)) value.get_object()[name] = otherwise;
    if (auto* member = value.get_object().if_contains(name)) add_defaults(*member, below);
  }
}

std::string unknown_member(const Json& value, const Json& schema) {
  if (schema.is_null() || as_bool(at(schema, "x-kubernetes-preserve-unknown-fields"))) return {};
  if (value.is_array()) {
    for (const auto& item : value.get_array()) {
      if (auto found = unknown_member(item, at(schema, "items")); !found.empty()) return found;
    }
  }
  if (!value.is_object() || !at(schema, "properties").is_object()) return {};
  for (const auto& [name, member] : value.get_object()) {
    const Json& below = at(schema, "properties", view_of(name));
    if (below.is_null()) return std::string(name);
    if (auto found = unknown_member(member, below); !found.empty()) return found;
  }
  return {};
}

std::string missing_member(const Json& value, const Json& schema) {
  if (value.is_array()) {
    for (const auto& item : value.get_array()) {
      if (auto found = missing_member(item, at(schema, "items")); !found.empty()) return found;
    }
  }
  if (!value.is_object()) return {};
  for (const auto& name : as_array(at(schema, "required"))) {
    if (at(value, as_string(name)).is_null()) return std::string(as_string(name));
  }
  for (const auto& [name, member] : value.get_object()) {
    const Json& below = at(schema, "properties", view_of(name));
    if (below.is_null()) continue;
    if (auto found = missing_member(member, below); !found.empty()) return found;
  }
  return {};
}

TEST_CASE("ownership as an API server writes it") {
  const Json schema = json(R"({"properties": {"spec": {"properties": {
    "plain": {"type": "string"}, "whole": {"type": "array"}, "one": {"x-kubernetes-map-type": "atomic"}, "none": {"properties": {}},
    "points": {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"], "items": {"properties": {"name": {}, "x": {}}}},
    "names": {"x-kubernetes-list-type": "set"}}}}})");
  const Json value = json(R"({"spec": {"plain": "a", "whole": [{"b": 1}], "one": {"c": 1}, "none": {}, "names": ["n"],
                                       "points": [{"name": "p", "x": 1}], "free": {"d": {"e": 1}}}})");
  CHECK(canonical(fields_v1(paths_of(value, schema))) ==
        R"({"f:spec":{"f:free":{".":{},"f:d":{".":{},"f:e":{}}},"f:names":{"v:\"n\"":{}},"f:none":{},"f:one":{},"f:plain":{},)"
        R"("f:points":{"k:{\"name\":\"p\"}":{".":{},"f:name":{},"f:x":{}}},"f:whole":{}}})");
  Json live =
      json(R"({"spec": {"names": ["m"], "points": [{"name": "q"}, {"name": "p", "y": 2}], "one": {"z": 1}, "free": {"g": 1}}})");
  merge(live, value, schema);
  CHECK(canonical(at(live, "spec", "points")) == R"([{"name":"q"},{"name":"p","x":1,"y":2}])");
  CHECK(canonical(at(live, "spec", "names")) == R"(["m","n"])");
  CHECK(canonical(at(live, "spec", "one")) == R"({"c":1})");
  CHECK(canonical(at(live, "spec", "free")) == R"({"d":{"e":1},"g":1})");
  for (const auto& path : paths_of(value, schema)) {
    erase(live, path);
    CHECK(find(live, path) == nullptr);
  }
  CHECK(canonical(live) == R"({"spec":{"names":["m"],"points":[{"name":"q"}]}})");
}

}  // namespace knfe::fakes
