#include "api/schema.h"

namespace knfe::api {

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

void describe_rules(JsonObject& schema, std::span<const Rule> rules) {
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

JsonObject describe_list_of(const Shape& shape, const Is& is) {
  Is of_item;
  if (shape.item->kind != Shape::Kind::kObject) {
    of_item = is;
    of_item.rules = {};
    of_item.otherwise = nullptr;
  }
  JsonObject schema{{"type", "array"}, {"items", schema_of(*shape.item, of_item)}};
  describe_list(schema, is, shape.item->key);
  return schema;
}

JsonObject describe_object(const Shape& shape, const Is& is) {
  JsonObject schema{{"type", "object"}};
  JsonObject properties;
  JsonArray required;
  for (const auto& member : shape.members) {
    JsonObject property{{"description", member.doc}};
    for (auto& [key, value] : schema_of(*member.shape, *member.is)) property[key] = std::move(value);
    properties[member.name] = std::move(property);
    if (member.is->required) required.push_back(member.name);
  }
  schema["properties"] = std::move(properties);
  if (!required.empty()) schema["required"] = std::move(required);
  if (shape.atomic) schema["x-kubernetes-map-type"] = "atomic";
  if (is.otherwise) schema["default"] = boost::json::parse(is.otherwise);
  if (shape.rules) describe_rules(schema, *shape.rules);
  describe_rules(schema, is.rules);
  return schema;
}

}  // namespace

JsonObject schema_of(const Shape& shape, const Is& is) {
  using Kind = Shape::Kind;
  JsonObject schema;
  switch (shape.kind) {
    case Kind::kAnything:
      schema = {{"type", "object"}, {"x-kubernetes-preserve-unknown-fields", true}};
      break;
    case Kind::kText:
      schema = {{"type", "string"}};
      break;
    case Kind::kBool:
      schema = {{"type", "boolean"}};
      break;
    case Kind::kInt32:
      schema = {{"type", "integer"}, {"format", "int32"}};
      break;
    case Kind::kInt64:
      schema = {{"type", "integer"}, {"format", "int64"}};
      break;
    case Kind::kTexts:
      schema = {{"type", "object"},
                {"maxProperties", is.max_items ? is.max_items : 64},
                {"additionalProperties", JsonObject{{"type", "string"}, {"maxLength", 1024}}}};
      describe_rules(schema, is.rules);
      return schema;
    case Kind::kList:
      return describe_list_of(shape, is);
    case Kind::kObject:
      return describe_object(shape, is);
  }
  describe_scalar(schema, is);
  return schema;
}

}  // namespace knfe::api
