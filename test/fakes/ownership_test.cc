#include "test/fakes/ownership_test.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "test/fakes/json_test.h"

namespace knfe::fakes {

namespace {

constexpr char kSeparator = '\x1f';

std::string_view view_of(const boost::json::string_view& text) { return {text.data(), text.size()}; }
std::string_view list_type(const Json& schema) { return as_string(at(schema, "x-kubernetes-list-type")); }
bool granular(const Json& value, const Json& schema) {
  return value.is_object() && as_string(at(schema, "x-kubernetes-map-type")) != "atomic";
}

// Whether it stands in JSON as it is.
bool is_plain(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c < 0x7f && c != '"' && c != '\\'; });
}

std::string step_of(const Json& item, const Json& schema) {
  if (list_type(schema) == "set") return "v:" + to_text(item);
  const auto& names = as_array(at(schema, "x-kubernetes-list-map-keys"));
  if (names.size() == 1) {
    const auto name = as_string(names.front());
    const Json& value = at(item, name);
    if (value.is_string() && is_plain(as_string(value)))
      return std::string("k:{\"").append(name).append("\":\"").append(as_string(value)).append("\"}");
  }
  JsonObject key;
  for (const auto& name : names) key[as_string(name)] = at(item, as_string(name));
  return "k:" + canonical(key);
}

// Adds steps to a path for as long as it lives.
class Longer {
 public:
  Longer(std::string& path, std::string_view kind, std::string_view step) : path_(path), was_(path.size()) {
    path_.append(1, kSeparator).append(kind).append(step);
  }
  ~Longer() { path_.resize(was_); }
  Longer(const Longer&) = delete;

 private:
  std::string& path_;
  const std::size_t was_;
};

void walk(const Json& value, const Json& schema, std::string& path, std::vector<std::string>& out) {
  if (granular(value, schema)) {
    const Json& properties = at(schema, "properties");
    for (const auto& [name, member] : value.get_object()) {
      const Json& below = at(properties, view_of(name));
      const Longer longer(path, "f:", view_of(name));
      walk(member, below, path, out);
      const bool empty = member.is_null() || (member.is_object() && member.get_object().empty());
      if (empty || below.is_null()) out.push_back(path);
    }
  } else if (value.is_array() && (list_type(schema) == "map" || list_type(schema) == "set")) {
    const bool members = list_type(schema) == "map";
    for (const auto& item : value.get_array()) {
      const Longer longer(path, "", step_of(item, schema));
      out.push_back(path);
      if (members && granular(item, at(schema, "items"))) walk(item, at(schema, "items"), path, out);
    }
  } else {
    out.push_back(path);
  }
}

// The first step of a path, which is taken off it.
std::string_view take_step(std::string_view& path) {
  const auto end = std::min(path.find(kSeparator, 1), path.size());
  const auto step = path.substr(1, end - 1);
  path.remove_prefix(end);
  return step;
}

// The item of a list that a step names.
class Named {
 public:
  explicit Named(std::string_view step) : set_(step.starts_with("v:")) {
    const auto text = step.substr(2);
    const std::string_view begin = set_ ? "\"" : "{\"", end = set_ ? "\"" : "\"}";
    if (text.size() >= begin.size() + end.size() && text.starts_with(begin) && text.ends_with(end)) {
      value_ = text.substr(begin.size(), text.size() - begin.size() - end.size());
      const auto middle = set_ ? 0 : value_.find("\":\"");
      plain_ = middle != value_.npos;
      if (plain_ && !set_) {
        key_ = value_.substr(0, middle);
        value_.remove_prefix(middle + 3);
      }
      plain_ = plain_ && is_plain(key_) && is_plain(value_);
    }
    if (!plain_) wanted_ = json(text);
  }

  bool operator()(const Json& item) const {
    if (plain_) {
      const Json& member = set_ ? item : at(item, key_);
      return member.is_string() && as_string(member) == value_;
    }
    if (set_) return item == wanted_;
    const auto& members = wanted_.get_object();
    return std::all_of(members.begin(), members.end(),
                       [&](const auto& member) { return at(item, view_of(member.key())) == member.value(); });
  }

 private:
  bool set_, plain_ = false;
  std::string_view key_, value_;  // if it is one text, as nearly always
  Json wanted_;
};

using Path = Paths::const_iterator;

// Of paths that are alike up to `depth`, which is the end of the first or of none.
JsonObject fields_of(Path first, Path last, std::size_t depth) {
  JsonObject out;
  const bool itself = first->size() == depth;
  if (itself) ++first;
  while (first != last) {
    const auto end = std::min(first->find(kSeparator, depth + 1), first->size());
    const auto step = std::string_view(*first).substr(depth, end - depth);
    const auto next = std::find_if(first, last, [&](const std::string& path) {
      return path.compare(depth, step.size(), step) != 0 || (path.size() > end && path[end] != kSeparator);
    });
    out.emplace(step.substr(1), fields_of(first, next, end));
    first = next;
  }
  // An item that is owned along with members of it is marked by a dot.
  if (itself && !out.empty()) out["."] = JsonObject();
  return out;
}

}  // namespace

Paths paths_of(const Json& value, const Json& schema) {
  std::vector<std::string> found;
  std::string path;
  walk(value, schema, path, found);
  Paths out;
  out.adopt_sequence(std::move(found));
  return out;
}

bool has_members(const Paths& paths, const std::string& path) {
  const std::string below = path + kSeparator;
  const auto first = paths.lower_bound(below);
  return first != paths.end() && first->starts_with(below);
}

JsonObject fields_v1(const Paths& paths) { return paths.empty() ? JsonObject() : fields_of(paths.begin(), paths.end(), 0); }

const Json* find(const Json& object, std::string_view path) {
  const Json* value = &object;
  while (!path.empty()) {
    const auto step = take_step(path);
    const Json* next = nullptr;
    if (step.starts_with("f:")) {
      next = as_object(*value).if_contains(step.substr(2));
    } else {
      const auto& items = as_array(*value);
      if (items.empty()) return nullptr;
      const Named named(step);
      for (const auto& item : items) {
        if (named(item)) next = &item;
      }
    }
    if (!next) return nullptr;
    value = next;
  }
  return value;
}

void erase(Json& object, std::string_view path) {
  const auto last = path.rfind(kSeparator);
  auto* parent = const_cast<Json*>(find(object, path.substr(0, last)));
  if (!parent) return;
  const auto step = path.substr(last + 1);
  if (step.starts_with("f:")) {
    if (!parent->is_object() || parent->get_object().erase(step.substr(2)) == 0) return;
    // An object of which nothing is left goes, too.
    if (parent->get_object().empty() && last != 0) erase(object, path.substr(0, last));
  } else if (parent->is_array()) {
    auto& items = parent->get_array();
    const Named named(step);
    for (auto item = items.begin(); item != items.end();) item = named(*item) ? items.erase(item) : item + 1;
  }
}

void merge(Json& live, const Json& wanted, const Json& schema) {
  if (granular(wanted, schema) && live.is_object()) {
    const Json& properties = at(schema, "properties");
    for (const auto& [name, member] : wanted.get_object()) merge(live.get_object()[name], member, at(properties, view_of(name)));
  } else if (wanted.is_array() && live.is_array() && (list_type(schema) == "map" || list_type(schema) == "set")) {
    for (const auto& item : wanted.get_array()) {
      const std::string step = step_of(item, schema);
      const Named named(step);
      Json* same = nullptr;
      for (auto& other : live.get_array()) {
        if (named(other)) same = &other;
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
    auto* member = value.get_object().if_contains(name);
    if (!member && !otherwise.is_null()) member = &(value.get_object()[name] = otherwise);
    if (member && (member->is_object() || member->is_array())) add_defaults(*member, below);
  }
}

std::string unknown_member(const Json& value, const Json& schema) {
  if (schema.is_null() || as_bool(at(schema, "x-kubernetes-preserve-unknown-fields"))) return {};
  if (value.is_array()) {
    for (const auto& item : value.get_array()) {
      if (auto found = unknown_member(item, at(schema, "items")); !found.empty()) return found;
    }
  }
  const Json& properties = at(schema, "properties");
  if (!value.is_object() || !properties.is_object()) return {};
  for (const auto& [name, member] : value.get_object()) {
    const Json& below = at(properties, view_of(name));
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
  const Json& properties = at(schema, "properties");
  for (const auto& [name, member] : value.get_object()) {
    if (!member.is_object() && !member.is_array()) continue;
    const Json& below = at(properties, view_of(name));
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
