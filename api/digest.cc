#include "api/digest.h"

#include <algorithm>
#include <vector>

namespace knfe::api {

namespace {

// One entry of an ownership tree (fieldsV1): "f:name", "k:{...}", "v:value", "i:index" or ".".
bool matches_key(const Json& item, const Json& wanted) {
  for (const auto& [key, value] : as_object(wanted)) {
    const Json& found = at(item, std::string_view(key.data(), key.size()));
    const bool same = found == value || (found.is_int64() && value.is_uint64() && as_int(found, -1) == as_int(value, -2)) ||
                      (found.is_uint64() && value.is_int64() && as_int(found, -1) == as_int(value, -2));
    if (!same) return false;
  }
  return true;
}

Json cut(const Json& value, const JsonObject& fields) {
  const bool leaf = fields.empty();
  if (leaf) return value;
  if (value.is_array()) {
    JsonArray out;
    for (const auto& [name, below] : fields) {
      const std::string_view step(name.data(), name.size());
      if (step.starts_with("k:")) {
        auto wanted = parse_json(step.substr(2));
        if (!wanted) continue;
        for (const auto& item : value.get_array()) {
          if (matches_key(item, *wanted)) out.push_back(cut(item, as_object(below)));
        }
      } else if (step.starts_with("v:")) {
        auto wanted = parse_json(step.substr(2));
        for (const auto& item : value.get_array()) {
          if (wanted && item == *wanted) out.push_back(item);
        }
      }
    }
    return out;
  }
  JsonObject out;
  for (const auto& [name, below] : fields) {
    const std::string_view step(name.data(), name.size());
    if (!step.starts_with("f:")) continue;
    // A null that somebody wrote is a value, too: pod templates keep it.
    if (const auto* member = as_object(value).if_contains(step.substr(2))) out[step.substr(2)] = cut(*member, as_object(below));
  }
  return out;
}

void normalise(Json& value) {
  if (auto* object = value.if_object()) {
    for (auto& member : *object) {
      if (member.key() != "workload") normalise(member.value());
    }
  } else if (auto* array = value.if_array()) {
    const bool of_objects = std::all_of(array->begin(), array->end(), [](const Json& item) { return item.is_object(); });
    for (auto& item : *array) normalise(item);
    if (!of_objects || array->size() < 2) return;
    std::vector<std::pair<std::string, Json>> items;
    for (auto& item : *array) items.emplace_back(canonical(item), item);
    std::sort(items.begin(), items.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    for (std::size_t i = 0; i < items.size(); ++i) array->at(i) = std::move(items[i].second);
  }
}

std::uint64_t digest(Json value) {
  normalise(value);
  const std::uint64_t out = hash64(canonical(value));
  return out ? out : 1;
}

}  // namespace

Json owned_part(const Json& object, std::string_view manager, std::string_view subresource) {
  for (const auto& entry : as_array(at(object, "metadata", "managedFields"))) {
    if (as_string(at(entry, "manager")) == manager && as_string(at(entry, "operation")) == "Apply" &&
        as_string(at(entry, "subresource")) == subresource) {
      return cut(object, as_object(at(entry, "fieldsV1")));
    }
  }
  return nullptr;
}

std::uint64_t digest_of_desired(const Json& object) {
  JsonObject rest = as_object(object);
  rest.erase("apiVersion");
  rest.erase("kind");
  if (auto* metadata = rest.if_contains("metadata")) {
    auto& members = metadata->as_object();
    for (const char* identity : {"name", "namespace", "uid", "resourceVersion"}) members.erase(identity);
    if (members.empty()) rest.erase("metadata");
  }
  return digest(rest);
}

std::uint64_t digest_of_owned(const Json& object, std::string_view manager, std::string_view subresource) {
  Json part = owned_part(object, manager, subresource);
  return part.is_null() ? 0 : digest(std::move(part));
}

std::uint64_t hash64(std::string_view text, std::uint64_t seed) {
  std::uint64_t hash = 0xcbf29ce484222325u ^ (seed * 0x9e3779b97f4a7c15u);
  for (const char byte : text) {
    hash ^= static_cast<unsigned char>(byte);
    hash *= 0x100000001b3u;
  }
  // FNV alone leaves the high bits of short texts alike: finish as murmur3 does.
  hash ^= hash >> 33;
  hash *= 0xff51afd7ed558ccdu;
  hash ^= hash >> 33;
  return hash;
}

std::string hex64(std::uint64_t value) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out(16, '0');
  for (int i = 15; i >= 0; --i, value >>= 4) out[static_cast<std::size_t>(i)] = kDigits[value & 15];
  return out;
}

}  // namespace knfe::api
