#include "api/fields.h"

#include <doctest/doctest.h>

#include "api/network.h"
#include "api/schema.h"
#include "test/fakes/json_test.h"

namespace knfe::api {

using fakes::json;

namespace {

struct Inner {
  std::string name;
  std::int32_t number = 0;
  bool operator==(const Inner&) const = default;
};
struct Outer {
  std::string must, may;
  bool flag = false, must_flag = false;
  std::int64_t count = 7;
  std::optional<std::int32_t> bound;
  std::optional<Inner> inner;
  std::vector<Inner> list;
  std::vector<std::string> must_list;
  StringMap map;
  Json any;
  bool operator==(const Outer&) const = default;
};

}  // namespace

template <>
struct Fields<Inner> {
  static constexpr const char* doc = "Inside.";
  static constexpr const char* key = "name";
  static constexpr auto list =
      std::tuple{field("name", &Inner::name, "Name.", {.required = true}), field("a/b", &Inner::number, "Number.")};
};
template <>
struct Fields<Outer> {
  static constexpr const char* doc = "Outside.";
  static constexpr auto list = std::tuple{field("must", &Outer::must, "Text.", {.required = true}),
                                          field("may", &Outer::may, "Text."),
                                          field("flag", &Outer::flag, "Flag."),
                                          field("mustFlag", &Outer::must_flag, "Flag.", {.required = true}),
                                          field("count", &Outer::count, "Number."),
                                          field("bound", &Outer::bound, "Number."),
                                          field("inner", &Outer::inner, "Value."),
                                          field("list", &Outer::list, "Values."),
                                          field("mustList", &Outer::must_list, "Texts.", {.required = true}),
                                          field("map", &Outer::map, "Texts."),
                                          field("any", &Outer::any, "Anything.")};
};

namespace {

void refused(const std::string& text, const std::string& pointer, const std::string& message) {
  INFO(text);
  const auto decoded = decode<Outer>(json(text), "/spec");
  REQUIRE_FALSE(decoded);
  CHECK(decoded.error().code == Code::kInvalid);
  CHECK(decoded.error().where == pointer);
  CHECK(decoded.error().message == message);
}

}  // namespace

TEST_CASE("a value of the wrong kind is refused with a pointer to it") {
  refused(R"([])", "/spec", "must be an object");
  refused(R"({"must": 1})", "/spec/must", "must be a string");
  refused(R"({"flag": "true"})", "/spec/flag", "must be true or false");
  refused(R"({"count": "1"})", "/spec/count", "must be an integer");
  refused(R"({"count": 1.5})", "/spec/count", "must be an integer");
  refused(R"({"count": 18446744073709551615})", "/spec/count", "must be an integer");
  refused(R"({"bound": 2147483648})", "/spec/bound", "must be an integer");
  refused(R"({"bound": -2147483649})", "/spec/bound", "must be an integer");
  refused(R"({"inner": "x"})", "/spec/inner", "must be an object");
  refused(R"({"list": {}})", "/spec/list", "must be a list");
  refused(R"({"list": [{"name": "a"}, {"name": []}]})", "/spec/list/1/name", "must be a string");
  refused(R"({"mustList": ["a", 2]})", "/spec/mustList/1", "must be a string");
  refused(R"({"map": ["a"]})", "/spec/map", "must be an object");
  refused(R"({"map": {"a": 1}})", "/spec/map/a", "must be a string");
}

TEST_CASE("what is missing or null leaves the default, what is unknown is skipped") {
  const auto decoded = decode<Outer>(json(R"({"unknown": {"x": []}, "count": null, "bound": null, "list": null, "flag": null})"));
  REQUIRE(decoded);
  CHECK(*decoded == Outer{});
  CHECK(decode<Outer>(Json())->count == 7);
}

TEST_CASE("only what says something is encoded, and what is required always") {
  CHECK(canonical(encode(Outer{})) == R"({"count":7,"must":"","mustFlag":false,"mustList":[]})");
  Outer full{"a", "b", true, true, 0, 0, Inner{}, {{"x", 1}}, {"y"}, {{"k", ""}}, JsonArray{}};
  CHECK(canonical(encode(full)) ==
        R"({"any":[],"bound":0,"count":0,"flag":true,"inner":{"a/b":0,"name":""},"list":[{"a/b":1,"name":"x"}],"map":{"k":""},)"
        R"("may":"b","must":"a","mustFlag":true,"mustList":["y"]})");
  CHECK(*decode<Outer>(encode(full)) == full);
}

TEST_CASE("anything is kept to the letter") {
  const auto any = json(R"({"a": null, "b": [], "c": {}, "d": 1.50, "e": [null, {"z": 1, "a": 2}]})");
  Outer value;
  value.any = any;
  CHECK(to_text(decode<Outer>(encode(value))->any) == to_text(any));
}

TEST_CASE("the extremes of integers survive") {
  for (const std::int64_t number : {INT64_MIN + 1, std::int64_t{-1}, std::int64_t{0}, INT64_MAX}) {
    Outer value;
    value.count = number;
    CHECK(decode<Outer>(encode(value))->count == number);
  }
  CHECK(decode<Outer>(json(R"({"bound": -2147483648})"))->bound == INT32_MIN);
}

TEST_CASE("the schema says what a field may hold") {
  const Json schema = schema_of<Outer>({});
  CHECK(canonical(at(schema, "required")) == R"(["must","mustFlag","mustList"])");
  const Json& properties = at(schema, "properties");
  CHECK(canonical(at(properties, "must")) == R"({"description":"Text.","maxLength":253,"type":"string"})");
  CHECK(canonical(at(properties, "count")) == R"({"description":"Number.","format":"int64","type":"integer"})");
  CHECK(canonical(at(properties, "bound")) == R"({"description":"Number.","format":"int32","type":"integer"})");
  CHECK(as_bool(at(properties, "any", "x-kubernetes-preserve-unknown-fields")));
  CHECK(canonical(at(properties, "list", "x-kubernetes-list-map-keys")) == R"(["name"])");
  CHECK(as_string(at(properties, "mustList", "x-kubernetes-list-type")) == "atomic");
  CHECK(as_int(at(properties, "mustList", "maxItems")) == 64);
  CHECK(as_int(at(properties, "map", "maxProperties")) == 64);
}

TEST_CASE("bounds, enumerations, defaults and rules reach the schema") {
  const Json text = schema_of<std::string>({.otherwise = "\"b\"", .one_of = "a|b"});
  CHECK(canonical(text) == R"({"default":"b","enum":["a","b"],"type":"string"})");
  const Json number = schema_of<std::int32_t>({.otherwise = "5", .minimum = 0, .maximum = 9});
  CHECK(canonical(number) == R"({"default":5,"format":"int32","maximum":9,"minimum":0,"type":"integer"})");
  const Json list = schema_of<std::vector<std::string>>({.pattern = "^x",
                                                         .max_length = 5,
                                                         .min_items = 1,
                                                         .max_items = 3,
                                                         .set = true,
                                                         .rules = {{{"self.size() > 0", "one at least"}}}});
  CHECK(canonical(list) ==
        R"({"items":{"maxLength":5,"pattern":"^x","type":"string"},"maxItems":3,"minItems":1,"type":"array",)"
        R"("x-kubernetes-list-type":"set","x-kubernetes-validations":[{"message":"one at least","rule":"self.size() > 0"}]})");
  // Rules of the type and of the field stand together.
  const Json subnet = schema_of<Subnet>({.rules = {{{"true", "of the field"}}}});
  CHECK(as_array(at(subnet, "x-kubernetes-validations")).size() == 3);
}

}  // namespace knfe::api
