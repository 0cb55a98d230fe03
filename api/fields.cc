#include "api/fields.h"

namespace knfe::api {

std::string Where::text() const {
  if (!above_) return std::string(name_);
  return above_->text() + "/" + (index_ ? std::to_string(*index_) : std::string(name_));
}

std::unexpected<Error> wrong_kind(const Where& where, const char* wanted) {
  return fail(Code::kInvalid, std::string("must be ") + wanted, where.text());
}

namespace {

JsonArray split(std::string_view text, char separator) {
  JsonArray out;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(separator, begin), text.size());
    out.push_back(Json(text.substr(begin, end - begin)));
    begin = end + 1;
  }
  return out;
}

}  // namespace

void describe_rules(JsonObject& schema, const Rules& rules) {
  JsonArray out;
  if (const auto* already = schema.if_contains("x-kubernetes-validations")) out = already->as_array();
  for (const auto& rule : rules) {
    if (rule.rule) out.push_back(JsonObject{{"rule", rule.rule}, {"message", rule.message}});
  }
  if (!out.empty()) schema["x-kubernetes-validations"] = std::move(out);
}

void describe_scalar(JsonObject& schema, const Is& is) {
  if (is.otherwise) schema["default"] = boost::json::parse(is.otherwise);
  if (is.one_of) schema["enum"] = split(is.one_of, '|');
  if (is.pattern) schema["pattern"] = is.pattern;
  if (is.format) schema["format"] = is.format;
  if (is.min_length) schema["minLength"] = is.min_length;
  if (schema["type"] == "string" && !is.one_of && !is.format) schema["maxLength"] = is.max_length ? is.max_length : 253;
  if (is.minimum) schema["minimum"] = *is.minimum;
  if (is.maximum) schema["maximum"] = *is.maximum;
  describe_rules(schema, is.rules);
}

void describe_list(JsonObject& schema, const Is& is, const char* key) {
  schema["maxItems"] = is.max_items ? is.max_items : 64;
  if (is.min_items) schema["minItems"] = is.min_items;
  if (*key) {
    schema["x-kubernetes-list-type"] = "map";
    schema["x-kubernetes-list-map-keys"] = split(key, ',');
  } else {
    schema["x-kubernetes-list-type"] = is.set ? "set" : "atomic";
  }
  if (is.otherwise) schema["default"] = boost::json::parse(is.otherwise);
  describe_rules(schema, is.rules);
}

}  // namespace knfe::api
