// YAML as JSON values, in both directions, by libyaml.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"

namespace knfe {

// One document; an empty text is null. Words without quotes become null, booleans (true and false only, never yes or on),
// integers and floats as the core schema of YAML 1.2 says, but a leading zero means octal as everywhere in Kubernetes
// (0644 is 420); quoted ones are strings. Keys are texts as written.
// Refused: anchors, aliases and merge keys (they multiply), tags other than the JSON ones, duplicate keys, numbers that
// JSON cannot hold, more than 64 levels, more than 4 MiB. Errors say file:line:column, and repeat no value.
Result<Json> parse_yaml(std::string_view text, std::string_view file);

// Block style, members in the order of the object, long texts folded where YAML can. Every text that some YAML 1.1 reader
// would take for something else ("yes", "0x1", "1:20") is quoted; bytes that are not UTF-8 become U+FFFD.
// parse_yaml(to_yaml(x)) == x for all UTF-8 texts and finite numbers.
std::string to_yaml(const Json& value);

}  // namespace knfe
