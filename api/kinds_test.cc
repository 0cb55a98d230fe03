#include <doctest/doctest.h>

#include <set>

#include "api/allocation.h"
#include "api/network_service.h"
#include "api/sample_test.h"
#include "api/value_digest.h"
#include "test/fakes/json_test.h"

namespace knfe::api {

using fakes::json;

namespace {

template <class T>
std::set<std::string> names_of(const T&) {
  std::set<std::string> out;
  std::apply([&](const auto&... f) { (out.insert(f.name), ...); }, Fields<T>::list);
  return out;
}

std::set<std::string> keys_of(const Json& object) {
  std::set<std::string> out;
  for (const auto& member : as_object(object)) out.emplace(member.key());
  return out;
}

template <class Value>
void survives(const Value& value) {
  const Json encoded = encode(value);
  CHECK(keys_of(encoded) == names_of(value));  // nothing that is said gets lost
  const auto decoded = decode<Value>(encoded);
  REQUIRE(decoded);
  CHECK(*decoded == value);
  // The text on the wire, too: keys keep their order there, and numbers their kind.
  CHECK(*decode<Value>(json(to_text(encoded))) == value);
  CHECK(digest_of_value(value) == digests::of(encoded, false));
  CHECK(digest_of_value(value, true) == digests::of(encoded, true));
  CHECK(digest_of_status(value) == digest_of_desired(Json(JsonObject{{"metadata", {{"name", "a"}}}, {"status", encoded}})));
}

}  // namespace

TEST_CASE_TEMPLATE("every field of every kind survives the wire", Kind, NetworkService, NetworkFunction, MemberSet, Member,
                   Network, ConnectionPoint, Allocation) {
  survives(sample<decltype(Kind::spec)>());
  survives(sample<decltype(Kind::status)>());
  // Of what says nothing, what is required is said all the same.
  const decltype(Kind::spec) empty{};
  CHECK(digest_of_value(empty) == digests::of(encode(empty), false));
  const Json object = JsonObject{{"metadata", {{"name", "a"}, {"namespace", "n"}, {"resourceVersion", "5"}}},
                                 {"spec", encode(sample<decltype(Kind::spec)>())},
                                 {"status", encode(sample<decltype(Kind::status)>())}};
  const auto decoded = decode_object<Kind>(object);
  REQUIRE(decoded);
  CHECK(decoded->spec == sample<decltype(Kind::spec)>());
  CHECK(decoded->status == sample<decltype(Kind::status)>());
  CHECK(decoded->meta.key.text() == "n/a");
}

TEST_CASE("an object that cannot be read says where") {
  const auto wrong = [](const char* text) { return decode_object<Network>(json(text)).error().where; };
  CHECK(wrong(R"({"metadata": {"name": "a"}})") == "/metadata");
  CHECK(wrong(R"({"metadata": {"resourceVersion": "1"}})") == "/metadata");
  CHECK(wrong(R"([])") == "/metadata");
  CHECK(wrong(R"({"metadata": {"name": "a", "resourceVersion": "1", "labels": {"x": 1}}})") == "/metadata/labels/x");
  CHECK(wrong(R"({"metadata": {"name": "a", "resourceVersion": "1"}, "spec": {"subnets": [{"name": "v4", "cidr": 4}]}})") ==
        "/spec/subnets/0/cidr");
  CHECK(wrong(R"({"metadata": {"name": "a", "resourceVersion": "1"}, "status": {"conditions": [{"type": "Ready"}, 3]}})") ==
        "/status/conditions/1");
}

TEST_CASE("metadata as it is read") {
  const auto meta = decode_meta(json(R"({"metadata": {
    "name": "a", "namespace": "n", "uid": "u", "resourceVersion": "5", "generation": 3, "creationTimestamp": "2026-01-01T00:00:00Z",
    "deletionTimestamp": "2026-01-01T00:00:01Z", "labels": {"l": "1"}, "annotations": {"x": "y"}, "finalizers": ["f"],
    "ownerReferences": [{"apiVersion": "v1", "kind": "K", "name": "o", "uid": "first"},
                        {"apiVersion": "v1", "kind": "K", "name": "p", "uid": "second", "controller": true}]}})"));
  REQUIRE(meta);
  CHECK(meta->deleting);
  CHECK(meta->label("l") == "1");
  CHECK(meta->label("m") == "");
  CHECK(meta->has_finalizer("f"));
  CHECK_FALSE(meta->has_finalizer("g"));
  // Only who controls it counts as its owner.
  CHECK(meta->owned_by("second"));
  CHECK_FALSE(meta->owned_by("first"));
}

TEST_CASE("conditions are found by their type") {
  const Conditions conditions{
      {"Ready", "False", "R", "", "", 0}, {"Stalled", "True", "S", "", "", 0}, {"Odd", "Unknown", "", "", "", 0}};
  CHECK(find(conditions, "Stalled")->reason == "S");
  CHECK(find(conditions, "None") == nullptr);
  CHECK(is_true(conditions, "Stalled"));
  CHECK_FALSE(is_true(conditions, "Ready"));
  CHECK_FALSE(is_true(conditions, "Odd"));
  CHECK_FALSE(is_true(conditions, "None"));
}

}  // namespace knfe::api
