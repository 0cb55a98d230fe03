#include "api/digest.h"

#include <algorithm>
#include <cstring>
#include <optional>

namespace knfe::api {

namespace digests {

namespace {

std::uint64_t stirred(std::uint64_t value) {
  value ^= value >> 32;
  value *= 0xd6e8feb86659fd93u;
  value ^= value >> 32;
  value *= 0xd6e8feb86659fd93u;
  return value ^ (value >> 32);
}

std::uint64_t joined(std::uint64_t a, std::uint64_t b) { return stirred(a * 0x9e3779b97f4a7c15u + b + 0x632be59bd9b4e019u); }

constexpr std::uint64_t kObject = 0x6f, kList = 0x6c, kText = 0x74, kNumber = 0x6e, kOther = 0x78;

}  // namespace

std::uint64_t of_text(std::string_view text) {
  std::uint64_t out = text.size() ^ kText;
  for (; text.size() >= 8; text.remove_prefix(8)) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data(), 8);
    out = joined(out, word);
  }
  std::uint64_t rest = 0;
  if (!text.empty()) std::memcpy(&rest, text.data(), text.size());
  return joined(out, rest);
}

std::uint64_t of_number(std::uint64_t number) { return joined(kNumber, number); }
std::uint64_t of_other(std::string_view text) { return joined(kOther, of_text(text)); }

void Members::add(std::string_view key, std::uint64_t value) {
  sum_ += stirred(joined(of_text(key), value));
  ++count_;
}
std::uint64_t Members::result() const { return joined(sum_ ^ kObject, count_); }

void Entries::add(bool is_object, std::uint64_t digest) {
  all_objects_ = all_objects_ && is_object;
  ordered_ = joined(ordered_, digest);
  sum_ += stirred(digest);
  ++count_;
}
std::uint64_t Entries::result(bool to_the_letter) const {
  return all_objects_ && !to_the_letter ? joined(sum_ ^ kList, count_) : joined(ordered_, kList);
}

std::uint64_t of(const Json& value, bool to_the_letter) {
  if (const auto* object = value.if_object()) {
    Members members;
    for (const auto& [key, member] : *object) members.add(key, of(member, to_the_letter || is_to_the_letter(key)));
    return members.result();
  }
  if (const auto* list = value.if_array()) {
    Entries entries;
    for (const auto& item : *list) entries.add(item.is_object(), of(item, to_the_letter));
    return entries.result(to_the_letter);
  }
  if (value.is_string()) return of_text(as_string(value));
  if (value.is_int64()) return of_number(static_cast<std::uint64_t>(value.get_int64()));
  if (value.is_uint64()) return of_number(value.get_uint64());
  return of_other(to_text(value));
}

std::uint64_t not_zero(std::uint64_t digest) { return digest ? digest : 1; }

}  // namespace digests

namespace {

bool same_number(const Json& a, const Json& b) {
  const bool mixed = (a.is_int64() && b.is_uint64()) || (a.is_uint64() && b.is_int64());
  return mixed && as_int(a, -1) == as_int(b, -2);
}

bool matches_key(const Json& item, const Json& wanted) {
  return std::all_of(as_object(wanted).begin(), as_object(wanted).end(), [&](const auto& pair) {
    const Json& found = at(item, pair.key());
    return found == pair.value() || same_number(found, pair.value());
  });
}

// The one member and its text of a key such as {"type":"Ready"}, as nearly all are; parsing them would be most of the work.
std::optional<std::pair<std::string_view, std::string_view>> plain_key(std::string_view key) {
  constexpr std::string_view kMiddle = R"(":")";
  if (!key.starts_with(R"({")") || !key.ends_with(R"("})") || key.find('\\') != key.npos) return std::nullopt;
  key.remove_prefix(2);
  key.remove_suffix(2);
  const auto middle = key.find(kMiddle);
  if (middle == key.npos) return std::nullopt;
  const auto name = key.substr(0, middle), value = key.substr(middle + kMiddle.size());
  if (name.find('"') != name.npos || value.find('"') != value.npos) return std::nullopt;
  return std::pair(name, value);
}

std::uint64_t digest_of_cut(const Json& value, const JsonObject& fields, bool to_the_letter);

std::uint64_t digest_of_entries(const JsonArray& list, const JsonObject& fields, bool to_the_letter) {
  digests::Entries sum;
  for (const auto& [name, below] : fields) {
    const std::string_view step = name;
    const auto take_where = [&](const auto& wanted) {
      for (const auto& item : list) {
        if (wanted(item)) sum.add(item.is_object(), digest_of_cut(item, as_object(below), to_the_letter));
      }
    };
    if (step.starts_with("k:")) {
      if (const auto plain = plain_key(step.substr(2))) {
        take_where([&](const Json& item) {
          const Json& member = at(item, plain->first);
          return member.is_string() && as_string(member) == plain->second;
        });
      } else if (const auto key = parse_json(step.substr(2))) {
        take_where([&](const Json& item) { return matches_key(item, *key); });
      }
    } else if (step.starts_with("v:")) {
      const auto entry = parse_json(step.substr(2));
      for (const auto& item : list) {
        if (entry && item == *entry) sum.add(item.is_object(), digests::of(item, to_the_letter));
      }
    }
  }
  return sum.result(to_the_letter);
}

// Of the part of `value` that `fields` (fieldsV1) name. A step of that tree is "f:name", "k:{...}", "v:value", "i:index" or ".".
std::uint64_t digest_of_cut(const Json& value, const JsonObject& fields, bool to_the_letter) {
  if (fields.empty()) return digests::of(value, to_the_letter);
  if (const auto* list = value.if_array()) return digest_of_entries(*list, fields, to_the_letter);
  digests::Members sum;
  for (const auto& [name, below] : fields) {
    const std::string_view step = name;
    if (!step.starts_with("f:")) continue;
    const auto key = step.substr(2);
    // A null that somebody wrote is a value, too: pod templates keep it.
    if (const auto* member = as_object(value).if_contains(key)) {
      sum.add(key, digest_of_cut(*member, as_object(below), to_the_letter || digests::is_to_the_letter(key)));
    }
  }
  return sum.result();
}

}  // namespace

std::uint64_t digest_of_desired(const Json& object) {
  digests::Members sum;
  for (const auto& [key, member] : as_object(object)) {
    if (key == "apiVersion" || key == "kind") continue;
    if (key != "metadata") {
      sum.add(key, digests::of(member, digests::is_to_the_letter(key)));
      continue;
    }
    digests::Members metadata;
    for (const auto& [name, value] : as_object(member)) {
      if (name != "name" && name != "namespace" && name != "uid" && name != "resourceVersion") {
        metadata.add(name, digests::of(value, digests::is_to_the_letter(name)));
      }
    }
    if (!metadata.empty()) sum.add(key, metadata.result());
  }
  return digests::not_zero(sum.result());
}

std::uint64_t digest_of_owned(const Json& object, std::string_view manager, std::string_view subresource) {
  for (const auto& entry : as_array(at(object, "metadata", "managedFields"))) {
    if (as_string(at(entry, "manager")) == manager && as_string(at(entry, "operation")) == "Apply" &&
        as_string(at(entry, "subresource")) == subresource) {
      return digests::not_zero(digest_of_cut(object, as_object(at(entry, "fieldsV1")), false));
    }
  }
  return 0;
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
