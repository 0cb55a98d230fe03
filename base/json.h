// Json: an ordered JSON value (Boost.JSON), and the few ways KNFE reads one.
//
// Reading never throws and never inserts: a missing member reads as null, a member of another kind as its default.
// Where a wrong kind must be an error, the field tables of api/ say so with a JSON pointer.
#pragma once

#include <boost/json.hpp>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace knfe {

using Json = boost::json::value;
using JsonObject = boost::json::object;
using JsonArray = boost::json::array;

// Depth is limited to 512; errors name the byte offset.
Result<Json> parse_json(std::string_view text);

// Room on the stack for what is parsed, looked at and forgotten: most texts cost no allocation. A value must not outlive it; its
// copies may.
class JsonRoom {
 public:
  JsonRoom() : memory_(first_, sizeof first_) {}
  boost::json::storage_ptr storage() { return &memory_; }

 private:
  alignas(std::max_align_t) unsigned char first_[24 << 10];
  boost::json::monotonic_resource memory_;
};
Result<Json> parse_json(std::string_view text, JsonRoom& room);
std::string to_text(const Json& value);
// Keys sorted, no white space: equal values have equal text.
std::string canonical(const Json& value);

// The value at a path of members, null where any is missing: at(pod, "status", "podIP").
const Json& at(const Json& value, std::string_view key);
// What it gives lives in `value`: a temporary (such as an object that becomes a value) is refused.
const Json& at(const Json&& value, std::string_view key) = delete;
template <class... Keys>
const Json& at(const Json& value, std::string_view key, const Keys&... more) {
  return at(at(value, key), more...);
}
template <class... Keys>
const Json& at(const Json&& value, std::string_view key, const Keys&... more) = delete;

std::string_view as_string(const Json& value, std::string_view otherwise = {});
std::int64_t as_int(const Json& value, std::int64_t otherwise = 0);
bool as_bool(const Json& value, bool otherwise = false);
const JsonObject& as_object(const Json& value);  // empty where it is none
const JsonArray& as_array(const Json& value);    // empty where it is none
const JsonObject& as_object(const Json&& value) = delete;
const JsonArray& as_array(const Json&& value) = delete;

}  // namespace knfe
