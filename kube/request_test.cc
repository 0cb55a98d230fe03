#include "kube/request.h"

#include <doctest/doctest.h>

#include "api/foreign.h"
#include "api/network.h"
#include "test/fakes/json_test.h"

namespace knfe::kube {

using fakes::json;

namespace {

constexpr api::Resource kNodes{"", "v1", "Node", "nodes", false};
const api::Resource kNetworks = api::Network::resource;

Error refused(int status, const std::string& body, const net::Headers& headers = {}) {
  JsonRoom room;
  const auto reply = read_reply({status, headers, body}, "get /x", room);
  REQUIRE_FALSE(reply);
  return reply.error();
}

}  // namespace

TEST_CASE("paths of all kinds of resources") {
  CHECK(path_of(api::Pod::resource, "n", "p") == "/api/v1/namespaces/n/pods/p");
  CHECK(path_of(api::Pod::resource, "") == "/api/v1/pods");
  CHECK(path_of(kNetworks, "n", "a", "status") == "/apis/knfe.io/v1alpha1/namespaces/n/networks/a/status");
  CHECK(path_of(kNodes, "ignored", "a") == "/api/v1/nodes/a");
  CHECK(path_of(kNetworks, "n", "../x?y#z%") == "/apis/knfe.io/v1alpha1/namespaces/n/networks/..%2Fx%3Fy%23z%25");
}

TEST_CASE("reads") {
  const auto get = get_request(kNetworks, {"n", "a"});
  CHECK(get.method == "GET");
  CHECK(get.target == "/apis/knfe.io/v1alpha1/namespaces/n/networks/a");
  CHECK(list_request(kNetworks, {}, 500, "").target == "/apis/knfe.io/v1alpha1/networks?limit=500");
  CHECK(list_request(kNetworks, {"n", "a=b,c", "metadata.name=x"}, 5, "to/ken=").target ==
        "/apis/knfe.io/v1alpha1/namespaces/n/"
        "networks?limit=5&labelSelector=a%3Db%2Cc&fieldSelector=metadata.name%3Dx&continue=to%2Fken%3D");
}

TEST_CASE("a scope says which objects are in it, by namespace and labels") {
  const Json object = json(R"({"metadata": {"name": "a", "namespace": "n", "labels": {"x": "1", "knfe.io/member": "m"}}})");
  for (const char* selector : {"", "x=1", "knfe.io/member", "x=1,knfe.io/member=m"}) {
    CAPTURE(selector);
    CHECK(Scope{"", selector, ""}.selects(object));
    CHECK(Scope{"n", selector, ""}.selects(object));
    CHECK_FALSE(Scope{"other", selector, ""}.selects(object));
  }
  for (const char* selector : {"x=2", "y", "x=1,y", "x=1,knfe.io/member=other"}) {
    CAPTURE(selector);
    CHECK_FALSE(Scope{"", selector, ""}.selects(object));
  }
  CHECK_FALSE(Scope{"", "x", ""}.selects(json(R"({"metadata": {"name": "a"}})")));
}

TEST_CASE("a watch goes on from a version, or first streams what is there") {
  CHECK(watch_request(kNetworks, {"", "l", ""}, "17", 300).target ==
        "/apis/knfe.io/v1alpha1/networks?watch=1&allowWatchBookmarks=true&timeoutSeconds=300&resourceVersion=17&labelSelector=l");
  CHECK(watch_request(kNetworks, {"n", "", ""}, "", 300).target ==
        "/apis/knfe.io/v1alpha1/namespaces/n/networks?watch=1&allowWatchBookmarks=true&timeoutSeconds=300&sendInitialEvents=true&"
        "resourceVersionMatch=NotOlderThan");
}

TEST_CASE("writes") {
  const Json object = json(R"({"metadata": {"name": "a", "namespace": "n"}, "spec": {}})");
  const auto create = create_request(kNetworks, object);
  CHECK(create.method == "POST");
  CHECK(create.target == "/apis/knfe.io/v1alpha1/namespaces/n/networks?fieldValidation=Strict");
  CHECK(create.body == to_text(object));
  CHECK(net::header(create.headers, "Content-Type") == "application/json");

  const auto apply = apply_request(kNetworks, object, "status", "knfe-size");
  CHECK(apply.method == "PATCH");
  CHECK(apply.target ==
        "/apis/knfe.io/v1alpha1/namespaces/n/networks/a/status?fieldManager=knfe-size&force=true&fieldValidation=Strict");
  CHECK(net::header(apply.headers, "Content-Type") == "application/apply-patch+yaml");

  const auto patch = merge_patch_request(kNetworks, {"n", "a"}, json(R"({"x": null})"), "", "knfe");
  CHECK(patch.method == "PATCH");
  CHECK(patch.target == "/apis/knfe.io/v1alpha1/namespaces/n/networks/a?fieldManager=knfe");
  CHECK(patch.body == R"({"x":null})");
  CHECK(net::header(patch.headers, "Content-Type") == "application/merge-patch+json");

  CHECK(update_request(kNetworks, {"n", "a"}, object).method == "PUT");
}

TEST_CASE("a delete names whom it means") {
  CHECK(delete_request(kNetworks, {"n", "a"}, {}).method == "DELETE");
  const auto said = [](const Preconditions& preconditions, const char* what) {
    const Json body = json(delete_request(kNetworks, {"n", "a"}, preconditions).body);
    return canonical(at(body, what));
  };
  CHECK(said({"u", "5"}, "preconditions") == R"({"resourceVersion":"5","uid":"u"})");
  CHECK(said({"u", ""}, "preconditions") == R"({"uid":"u"})");
  CHECK(said({}, "preconditions") == "null");
  CHECK(said({}, "propagationPolicy") == R"("Background")");
}

TEST_CASE("an answer is its object, or what the server says") {
  JsonRoom room;
  CHECK(canonical(read_reply({201, {}, R"({"a": 1})"}, "x", room).value()) == R"({"a":1})");
  CHECK(refused(200, "no JSON").code == Code::kInternal);
  const auto error = refused(403, R"({"kind": "Status", "message": "pods is forbidden", "reason": "Forbidden", "code": 403})");
  CHECK(error.code == Code::kForbidden);
  CHECK(error.message == "pods is forbidden");
  CHECK(error.where == "get /x");
  CHECK(refused(502, "<html>bad gateway</html>").message == "HTTP status 502");
}

TEST_CASE("refusals are told apart by what can be done about them") {
  const auto code = [](int status, const char* reason = "") {
    return refused(status, R"({"kind": "Status", "code": )" + std::to_string(status) + R"(, "reason": ")" + reason + "\"}").code;
  };
  CHECK(code(409, "AlreadyExists") == Code::kAlreadyExists);
  CHECK(code(409, "Conflict") == Code::kConflict);
  CHECK(code(409) == Code::kConflict);
  CHECK(code(410, "Gone") == Code::kGone);
  CHECK(code(410, "Expired") == Code::kGone);
  CHECK(code(400, "BadRequest") == Code::kInvalid);
  CHECK(code(413) == Code::kInvalid);
  CHECK(code(422, "Invalid") == Code::kInvalid);
  CHECK(code(401) == Code::kForbidden);
  CHECK(code(404) == Code::kUnserved);
  CHECK(refused(404, "404 page not found").code == Code::kUnserved);
  CHECK(refused(404, "404 page not found").message == "the API server does not serve this");
  CHECK(refused(404, R"({"kind": "Status", "code": 404, "reason": "NotFound", "details": {"name": "x"}})").code ==
        Code::kNotFound);
  CHECK(code(429) == Code::kTooMany);
  CHECK(code(500) == Code::kInternal);
  CHECK(code(503) == Code::kUnavailable);
  CHECK(code(504) == Code::kTimeout);
  CHECK(code(302) == Code::kInternal);
  CHECK(code(418) == Code::kInternal);
  // In an ERROR event of a watch there is no HTTP status: the object's own counts.
  CHECK(status_error(json(R"({"code": 410, "reason": "Expired"})"), 500, {}).code == Code::kGone);
}

TEST_CASE("what the server asks to wait is kept to, within reason") {
  const auto wait = [](const char* header, const char* body = "{}") {
    return retry_after(refused(429, body, {{"Retry-After", header}})).count();
  };
  CHECK(wait("1") == 1000);
  CHECK(wait("0.25") == 250);
  CHECK(wait("") == 0);
  CHECK(wait("0") == 0);
  CHECK(wait("-5") == 0);
  CHECK(wait("1e300") == 3'600'000);
  CHECK(wait("99999999999999999999999999") == 3'600'000);
  CHECK(wait("inf") == 3'600'000);
  CHECK(wait("nan") == 0);
  CHECK(wait("Wed, 21 Oct 2026 07:28:00 GMT") == 0);
  CHECK(wait("", R"({"details": {"retryAfterSeconds": 7}})") == 7000);
  CHECK(wait("2", R"({"details": {"retryAfterSeconds": 7}})") == 2000);
  CHECK(wait("", R"({"details": {"retryAfterSeconds": 9223372036854775807}})") == 3'600'000);
  CHECK(wait("", R"({"details": {"retryAfterSeconds": -1}})") == 0);
}

}  // namespace knfe::kube
