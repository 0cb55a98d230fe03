#include "base/json.h"

#include <algorithm>
#include <vector>

namespace knfe {

namespace bj = boost::json;

namespace {

Result<Json> parsed(std::string_view text, bj::storage_ptr storage) {
  bj::parse_options options;
  options.max_depth = 512;
  unsigned char scratch[4096];
  bj::parser parser({}, options, scratch, sizeof scratch);
  parser.reset(std::move(storage));
  bj::error_code error;
  const std::size_t used = parser.write_some(text.data(), text.size(), error);
  if (!error && used < text.size()) error = bj::error::extra_data;
  if (error) return fail(Code::kInvalid, "not JSON: " + error.message(), "byte " + std::to_string(used));
  return parser.release();
}

}  // namespace

Result<Json> parse_json(std::string_view text) { return parsed(text, {}); }
Result<Json> parse_json(std::string_view text, JsonRoom& room) { return parsed(text, room.storage()); }

std::string to_text(const Json& value) { return bj::serialize(value); }

namespace {

void write_canonical(const Json& value, std::string& out) {
  if (const auto* object = value.if_object()) {
    std::vector<const bj::key_value_pair*> members;
    members.reserve(object->size());
    for (const auto& member : *object) members.push_back(&member);
    std::sort(members.begin(), members.end(), [](auto* a, auto* b) { return a->key() < b->key(); });
    out += '{';
    for (const auto* member : members) {
      if (out.back() != '{') out += ',';
      out += bj::serialize(member->key());
      out += ':';
      write_canonical(member->value(), out);
    }
    out += '}';
  } else if (const auto* array = value.if_array()) {
    out += '[';
    for (const auto& item : *array) {
      if (out.back() != '[') out += ',';
      write_canonical(item, out);
    }
    out += ']';
  } else {
    out += bj::serialize(value);
  }
}

const Json kNull;
const JsonObject kNoObject;
const JsonArray kNoArray;

}  // namespace

std::string canonical(const Json& value) {
  std::string out;
  write_canonical(value, out);
  return out;
}

const Json& at(const Json& value, std::string_view key) {
  const auto* object = value.if_object();
  const auto* found = object ? object->if_contains(bj::string_view(key.data(), key.size())) : nullptr;
  return found ? *found : kNull;
}

std::string_view as_string(const Json& value, std::string_view otherwise) {
  const auto* text = value.if_string();
  return text ? std::string_view(text->data(), text->size()) : otherwise;
}

std::int64_t as_int(const Json& value, std::int64_t otherwise) {
  if (const auto* number = value.if_int64()) return *number;
  if (const auto* number = value.if_uint64()) {
    return *number <= static_cast<std::uint64_t>(INT64_MAX) ? static_cast<std::int64_t>(*number) : otherwise;
  }
  return otherwise;
}

bool as_bool(const Json& value, bool otherwise) {
  const auto* truth = value.if_bool();
  return truth ? *truth : otherwise;
}

const JsonObject& as_object(const Json& value) {
  const auto* object = value.if_object();
  return object ? *object : kNoObject;
}

const JsonArray& as_array(const Json& value) {
  const auto* array = value.if_array();
  return array ? *array : kNoArray;
}

}  // namespace knfe
