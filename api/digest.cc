#include "api/digest.h"

#include <algorithm>

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

std::uint64_t stir(std::uint64_t hash) {
  hash ^= hash >> 33;
  hash *= 0xff51afd7ed558ccdu;
  hash ^= hash >> 33;
  hash *= 0xc4ceb9fe1a85ec53u;
  return hash ^ hash >> 33;
}

std::uint64_t digest(const Json& value, bool to_the_letter);

std::uint64_t digest_of_member(std::string_view key, const Json& value, bool to_the_letter) {
  return stir(hash64(key, 1) ^ digest(value, to_the_letter || key == "workload"));
}

// Of the value itself, not of a text that is made for it. What is unordered is summed up.
std::uint64_t digest(const Json& value, bool to_the_letter) {
  if (const auto* object = value.if_object()) {
    std::uint64_t sum = 1;
    for (const auto& member : *object) {
      sum += digest_of_member({member.key().data(), member.key().size()}, member.value(), to_the_letter);
    }
    return stir(sum);
  }
  if (const auto* array = value.if_array()) {
    const bool unordered =
        !to_the_letter && std::all_of(array->begin(), array->end(), [](const Json& item) { return item.is_object(); });
    std::uint64_t sum = 2;
    for (const auto& item : *array) sum = (unordered ? sum : stir(sum)) + digest(item, to_the_letter);
    return stir(sum);
  }
  if (const auto* text = value.if_string()) return hash64({text->data(), text->size()}, 2);
  if (const auto* number = value.if_int64()) return stir(static_cast<std::uint64_t>(*number) + 3);
  if (const auto* number = value.if_uint64()) return stir(*number + 3);
  return hash64(to_text(value), 3);
}

// Zero is what is not there.
std::uint64_t never_zero(std::uint64_t digest) { return digest ? digest : 1; }

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
  std::uint64_t sum = 1;
  for (const auto& member : as_object(object)) {
    const std::string_view key(member.key().data(), member.key().size());
    if (key == "apiVersion" || key == "kind") continue;
    if (key != "metadata") {
      sum += digest_of_member(key, member.value(), false);
      continue;
    }
    JsonObject metadata = as_object(member.value());
    for (const char* identity : {"name", "namespace", "uid", "resourceVersion"}) metadata.erase(identity);
    if (!metadata.empty()) sum += digest_of_member(key, std::move(metadata), false);
  }
  return never_zero(stir(sum));
}

std::uint64_t digest_of_owned(const Json& object, std::string_view manager, std::string_view subresource) {
  const Json part = owned_part(object, manager, subresource);
  return part.is_null() ? 0 : never_zero(digest(part, false));
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
