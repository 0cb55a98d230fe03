#include "api/digest.h"

#include <doctest/doctest.h>

#include <set>

#include "api/object.h"
#include "test/fakes/json_test.h"

namespace knfe::api {

using fakes::json;

namespace {

// A Member as an API server returns it: defaults added, fields of others in between, list-maps in an order of its own.
const char* kLive = R"({
  "apiVersion": "knfe.io/v1alpha1", "kind": "Member",
  "metadata": {"name": "m-0", "namespace": "n", "uid": "u", "resourceVersion": "9", "generation": 2,
    "labels": {"knfe.io/role": "r", "foreign": "x"}, "finalizers": ["foreign/f", "knfe.io/member-runs"],
    "ownerReferences": [{"apiVersion": "v1", "kind": "K", "name": "foreign", "uid": "f"},
                        {"apiVersion": "knfe.io/v1alpha1", "kind": "MemberSet", "name": "m", "uid": "s", "controller": true, "blockOwnerDeletion": true}],
    "managedFields": [
      {"manager": "kubectl", "operation": "Update", "fieldsV1": {"f:metadata": {"f:labels": {"f:foreign": {}}}}},
      {"manager": "knfe", "operation": "Update", "fieldsV1": {"f:spec": {"f:role": {}}}},
      {"manager": "knfe", "operation": "Apply", "subresource": "status", "fieldsV1": {"f:status": {"f:conditions": {"k:{\"type\":\"Ready\"}": {".": {}, "f:type": {}, "f:status": {}}}}}},
      {"manager": "knfe", "operation": "Apply", "fieldsV1": {
        "f:metadata": {"f:labels": {"f:knfe.io/role": {}}, "f:finalizers": {"v:\"knfe.io/member-runs\"": {}},
                       "f:ownerReferences": {"k:{\"uid\":\"s\"}": {}}},
        "f:spec": {"f:role": {}, "f:ordinal": {},
          "f:connectionPoints": {"k:{\"name\":\"core\"}": {".": {}, "f:name": {}, "f:networkRef": {"f:name": {}}},
                                 "k:{\"name\":\"access\"}": {".": {}, "f:name": {}}}}}}]},
  "spec": {"desired": "Serving", "ordinal": 0, "role": "r",
    "connectionPoints": [{"name": "foreign", "interface": "z"}, {"name": "access", "interface": "theirs"}, {"name": "core", "networkRef": {"name": "net"}}]},
  "status": {"conditions": [{"type": "Joined", "status": "True"}, {"type": "Ready", "status": "False", "message": "theirs"}]}})";

const char* kDesired = R"({
  "apiVersion": "knfe.io/v1alpha1", "kind": "Member",
  "metadata": {"name": "m-0", "namespace": "n", "labels": {"knfe.io/role": "r"}, "finalizers": ["knfe.io/member-runs"],
    "ownerReferences": [{"apiVersion": "knfe.io/v1alpha1", "kind": "MemberSet", "name": "m", "uid": "s", "controller": true, "blockOwnerDeletion": true}]},
  "spec": {"role": "r", "ordinal": 0, "connectionPoints": [{"name": "core", "networkRef": {"name": "net"}}, {"name": "access"}]}})";

Json with(Json object, std::string_view pointer, Json value) {
  boost::json::error_code error;
  Json* at_it = object.find_pointer(boost::json::string_view(pointer.data(), pointer.size()), error);
  REQUIRE(at_it != nullptr);
  *at_it = std::move(value);
  return object;
}

bool holds(const Json& live, const Json& desired) { return digest_of_owned(live, "knfe", "") == digest_of_desired(desired); }

// What is wanted, as it is seen after an apply of just that.
Json applied(const Json& spec, const Json& owned) {
  return JsonObject{{"metadata",
                     {{"name", "a"},
                      {"resourceVersion", "1"},
                      {"managedFields",
                       JsonArray{JsonObject{{"manager", "knfe"}, {"operation", "Apply"}, {"fieldsV1", {{"f:spec", owned}}}}}}}},
                    {"spec", spec}};
}
Json wanted(const Json& spec) { return JsonObject{{"metadata", {{"name", "a"}}}, {"spec", spec}}; }

}  // namespace

TEST_CASE("what is owned counts, and nothing else") {
  CHECK(digest_of_owned(json(kLive), "knfe", "status") ==
        digest_of_desired(json(R"({"status": {"conditions": [{"status": "False", "type": "Ready"}]}})")));
  CHECK(digest_of_owned(json(kLive), "knfe", "status") !=
        digest_of_desired(json(R"({"status": {"conditions": [{"status": "False", "type": "Ready", "message": "theirs"}]}})")));
}

TEST_CASE("a manager that has applied nothing owns nothing") {
  CHECK(digest_of_owned(json(kLive), "kubectl", "") == 0);  // it updated
  CHECK(digest_of_owned(json(kLive), "knfe", "scale") == 0);
  CHECK(digest_of_owned(json(kLive), "other", "") == 0);
  CHECK(digest_of_owned(json(R"({"metadata": {}})"), "knfe", "") == 0);
  CHECK(digest_of_desired(json("{}")) != 0);
}

TEST_CASE("what others, defaults and the server have added makes no difference") {
  const Json live = json(kLive), desired = json(kDesired);
  CHECK(holds(live, desired));
  CHECK(holds(with(live, "/metadata/labels/foreign", "changed"), desired));
  CHECK(holds(with(live, "/spec/desired", "Left"), desired));
  CHECK(holds(with(live, "/spec/connectionPoints/0/name", "changed"), desired));
  CHECK(holds(with(live, "/spec/connectionPoints/1/interface", "changed"), desired));
  CHECK(holds(with(live, "/metadata/resourceVersion", "10"), desired));
  CHECK(holds(with(live, "/status/conditions", JsonArray{}), desired));
}

TEST_CASE("what somebody has changed, taken away or taken over makes a difference") {
  const Json live = json(kLive), desired = json(kDesired);
  CHECK_FALSE(holds(with(live, "/spec/role", "changed"), desired));
  CHECK_FALSE(holds(with(live, "/metadata/labels/knfe.io~1role", "changed"), desired));
  CHECK_FALSE(holds(with(live, "/metadata/finalizers", JsonArray{}), desired));
  CHECK_FALSE(holds(with(live, "/metadata/ownerReferences/1/controller", false), desired));
  CHECK_FALSE(holds(with(live, "/spec/connectionPoints/2/networkRef/name", "changed"), desired));
  CHECK_FALSE(holds(with(live, "/spec/connectionPoints", JsonArray{}), desired));
  // Same value, but not ours any more: an apply would take it back.
  CHECK_FALSE(holds(with(live, "/metadata/managedFields/3/fieldsV1/f:spec", json(R"({"f:ordinal": {}})")), desired));
}

TEST_CASE("what is wanted now and was not before, or the other way round, makes a difference") {
  const Json live = json(kLive), desired = json(kDesired);
  CHECK_FALSE(holds(live, with(desired, "/spec/ordinal", 1)));
  CHECK_FALSE(holds(live, with(desired, "/spec/connectionPoints", JsonArray{})));
  CHECK_FALSE(holds(live, with(desired, "/metadata/labels", JsonObject{{"knfe.io/role", "r"}, {"more", "x"}})));
  CHECK_FALSE(holds(live, with(desired, "/metadata/labels", JsonObject{})));
}

TEST_CASE("the identity that an apply names is not part of what it wants") {
  const auto plain = digest_of_desired(json(R"({"spec": {"a": 1}})"));
  CHECK(
      digest_of_desired(json(
          R"({"apiVersion": "v1", "kind": "K", "metadata": {"name": "a", "namespace": "n", "uid": "u", "resourceVersion": "1"}, "spec": {"a": 1}})")) ==
      plain);
  CHECK(digest_of_desired(json(R"({"metadata": {"labels": {"a": "b"}}, "spec": {"a": 1}})")) != plain);
}

TEST_CASE("lists of objects have no order, but inside a workload order counts") {
  const auto same = [](const char* a, const char* b) { return digest_of_desired(json(a)) == digest_of_desired(json(b)); };
  CHECK(same(R"({"spec": {"list": [{"a": 1}, {"a": 2, "b": [{"x": 1}, {"x": 2}]}]}})",
             R"({"spec": {"list": [{"b": [{"x": 2}, {"x": 1}], "a": 2}, {"a": 1}]}})"));
  CHECK_FALSE(same(R"({"spec": {"list": ["a", "b"]}})", R"({"spec": {"list": ["b", "a"]}})"));
  CHECK_FALSE(same(R"({"spec": {"workload": {"list": [{"a": 1}, {"a": 2}]}}})",
                   R"({"spec": {"workload": {"list": [{"a": 2}, {"a": 1}]}}})"));
  CHECK(same(R"({"spec": {"workload": {"b": 1, "a": 2}}})", R"({"spec": {"workload": {"a": 2, "b": 1}}})"));
  CHECK_FALSE(same(R"({"spec": {"list": [{"a": 1}]}})", R"({"spec": {"list": [{"a": 1}, {"a": 1}]}})"));
}

TEST_CASE("entries of list-maps are found by keys of any kind") {
  const Json owned = json(R"({"f:ports": {"k:{\"port\":80,\"protocol\":\"TCP\"}": {".": {}, "f:port": {}, "f:protocol": {}}}})");
  const Json live = json(
      R"({"ports": [{"port": 81, "protocol": "TCP"}, {"port": 80, "protocol": "UDP"}, {"port": 80, "protocol": "TCP", "name": "theirs"}]})");
  CHECK(holds(applied(live, owned), wanted(json(R"({"ports": [{"port": 80, "protocol": "TCP"}]})"))));
  CHECK_FALSE(holds(applied(live, owned), wanted(json(R"({"ports": [{"port": 81, "protocol": "TCP"}]})"))));
  // A number that came unsigned is the same number.
  Json odd = live;
  odd.as_object()["ports"].as_array()[2].as_object()["port"] = std::uint64_t{80};
  CHECK(holds(applied(odd, owned), wanted(json(R"({"ports": [{"port": 80, "protocol": "TCP"}]})"))));
}

TEST_CASE("entries of sets are found by their value") {
  const Json owned = json(R"({"f:list": {"v:\"a\"": {}, "v:3": {}}})");
  CHECK(holds(applied(json(R"({"list": ["x", "a", 3]})"), owned), wanted(json(R"({"list": ["a", 3]})"))));
  CHECK_FALSE(holds(applied(json(R"({"list": ["x", 3]})"), owned), wanted(json(R"({"list": ["a", 3]})"))));
}

TEST_CASE("empty and null values that are wanted are there, too") {
  CHECK(holds(applied(json(R"({"a": {}, "b": [], "c": ""})"), json(R"({"f:a": {}, "f:b": {}, "f:c": {}})")),
              wanted(json(R"({"a": {}, "b": [], "c": ""})"))));
  // Inside anything (a pod template) the API server keeps a null that somebody wrote.
  CHECK(
      holds(applied(json(R"({"a": null, "b": 1})"), json(R"({"f:a": {}, "f:b": {}})")), wanted(json(R"({"a": null, "b": 1})"))));
  CHECK_FALSE(holds(applied(json(R"({"b": 1})"), json(R"({"f:a": {}, "f:b": {}})")), wanted(json(R"({"a": null, "b": 1})"))));
}

TEST_CASE("ownership of any shape is read without harm") {
  for (const char* fields :
       {"3", "[]", R"({"f:spec": 3})", R"({"f:spec": {"k:{broken": {}, "v:": {}, "i:0": {}, "x": {}, "f:": {}}})",
        R"({"f:spec": {"f:list": {"k:[]": {}, "k:3": {}, "v:{": {}, "i:0": {}, "f:x": {}, "": {}}}})"}) {
    INFO(fields);
    Json live = applied(json(R"({"list": [1, {"a": 2}], "": 1})"), {});
    live.at_pointer("/metadata/managedFields/0/fieldsV1") = json(fields);
    CHECK(digest_of_owned(live, "knfe", "") != digest_of_desired(wanted(json(R"({"list": [1, {"a": 2}]})"))));
  }
  CHECK(digest_of_owned(json(R"({"metadata": {"managedFields": [1, null, {"manager": 4}, {}]}})"), "knfe", "") == 0);
}

TEST_CASE("texts that differ anywhere, and values of other kinds, have other digests") {
  std::set<std::uint64_t> seen;
  const auto note = [&](const Json& value) { seen.insert(digest_of_desired(JsonObject{{"spec", value}})); };
  for (std::size_t length = 0; length < 40; ++length) {
    note(Json(std::string(length, 'a')));
    for (std::size_t place = 0; place < length; ++place) {
      std::string text(length, 'a');
      text[place] = 'b';
      note(Json(text));
    }
  }
  for (const char* other : {"0", "1", "-1", "1.5", "true", "false", "null", "[]", "{}", R"([""])", R"({"": ""})", R"([[]])",
                            R"(["a", "b"])", R"([["a"], "b"])", R"([{"a": 1}, {"b": 2}])", R"([{"a": 2}, {"b": 1}])",
                            R"([{"a": 1, "b": 2}])", R"([{"a": 1}, {"a": 1}])", R"([{"a": 1}])"})
    note(json(other));
  CHECK(seen.size() == 40 + 40 * 39 / 2 + 19);
}

TEST_CASE("hashes are fixed: names of Allocations are made of them") {
  CHECK(hex64(hash64("")) == "ecba3df2c3383c52");
  CHECK(hex64(0) == "0000000000000000");
  CHECK(hex64(UINT64_MAX) == "ffffffffffffffff");
  CHECK(hash64("a", 1) != hash64("a", 2));
}

}  // namespace knfe::api
