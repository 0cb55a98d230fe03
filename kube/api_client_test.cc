#include "kube/api_client.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "test/fakes/client_test.h"

namespace knfe::kube {

namespace {

net::Request get(const std::string& target) { return {"GET", target, {}, {}}; }

std::string_view bearer(const fakes::FakeClient::Exchange& exchange) {
  return net::header(exchange.request.headers, "Authorization");
}

// A file with a token that can be written anew.
struct TokenFile {
  char path[32] = "/tmp/knfe-token-XXXXXX";
  TokenFile() { ::close(::mkstemp(path)); }
  ~TokenFile() { ::unlink(path); }
  void write(const std::string& text) {
    std::FILE* file = std::fopen(path, "we");
    std::fwrite(text.data(), 1, text.size(), file);
    std::fclose(file);
  }
};

}  // namespace

TEST_CASE("requests carry the token and the server's path, answers come as results") {
  fakes::FakeClient server;
  ApiClient api(server, Config{.path_prefix = "/cluster", .token = "secret"});
  std::string result;
  const auto call = api.call("pods", "get", get("/api/v1/pods/x?y=z"),
                             [&](Result<Json> answer) { result = answer ? to_text(*answer) : answer.error().text(); });
  CHECK(server.only().request.target == "/cluster/api/v1/pods/x?y=z");
  CHECK(bearer(server.only()) == "Bearer secret");
  SUBCASE("good") {
    server.only().answer(200, R"({"a":1})");
    CHECK(result == R"({"a":1})");
  }
  SUBCASE("refused") {
    server.only().answer(403, R"({"message":"no rights","code":403})");
    CHECK(result == "get /api/v1/pods/x: no rights");
    CHECK(result.find("secret") == std::string::npos);
  }
  SUBCASE("lost") {
    server.only().answer(fail(Code::kTimeout, "no answer"));
    CHECK(result == "no answer");
  }
}

TEST_CASE("a token that was rotated is read afresh when the server does not know the old one, once") {
  TokenFile file;
  file.write("old\n");
  fakes::FakeClient server;
  ApiClient api(server, Config{.token_file = file.path});
  std::optional<Result<Json>> result;
  const auto call = api.call("pods", "get", get("/"), [&](Result<Json> answer) { result = std::move(answer); });
  CHECK(bearer(server.only()) == "Bearer old");
  file.write("new\n");
  server.only().answer(401);
  CHECK_FALSE(result);
  CHECK(bearer(server.only()) == "Bearer new");
  SUBCASE("and it is known") {
    server.only().answer(200);
    CHECK(result->has_value());
    const auto next = api.call("pods", "get", get("/"), [](const Result<Json>&) {});
    CHECK(bearer(server.only()) == "Bearer new");
  }
  SUBCASE("and it is not known either") {
    server.only().answer(401);
    CHECK(result->error().code == Code::kForbidden);
  }
}

TEST_CASE("the token that was refused is not sent again at once") {
  fakes::FakeClient server;
  ApiClient api(server, Config{.token = "old"});
  std::optional<Result<Json>> result;
  const auto call = api.call("pods", "get", get("/"), [&](Result<Json> answer) { result = std::move(answer); });
  server.only().answer(401);
  REQUIRE(result);
  CHECK(result->error().code == Code::kForbidden);
}

TEST_CASE("all whom the old token was refused use the new one") {
  fakes::FakeClient server;
  TokenFile file;
  file.write("old\n");
  ApiClient api(server, Config{.token_file = file.path});
  int answered = 0;
  const auto first = api.call("pods", "get", get("/"), [&](const Result<Json>& answer) { answered += answer.has_value(); });
  const auto second = api.call("pods", "get", get("/"), [&](const Result<Json>& answer) { answered += answer.has_value(); });
  const auto sent = server.waiting();
  file.write("new\n");
  for (const auto& exchange : sent) exchange->answer(401);
  for (const auto& exchange : server.waiting()) {
    CHECK(bearer(*exchange) == "Bearer new");
    exchange->answer(200, "{}");
  }
  CHECK(answered == 2);
}

TEST_CASE("a watch that was refused reads the token afresh, too") {
  fakes::FakeClient server;
  TokenFile file;
  file.write("old\n");
  ApiClient api(server, Config{.token_file = file.path});
  const auto refused = api.stream(get("/"), {});
  file.write("new\n");
  server.only().head(401);
  server.only().end();
  const auto next = api.stream(get("/"), {});
  CHECK(bearer(server.only()) == "Bearer new");
}

TEST_CASE("without any token that can be read, the server is the one who says no") {
  fakes::FakeClient server;
  ApiClient api(server, Config{.token_file = "/nonexistent/token"});
  std::optional<Result<Json>> result;
  const auto call = api.call("pods", "get", get("/"), [&](Result<Json> answer) { result = std::move(answer); });
  CHECK(bearer(server.only()).empty());
  server.only().answer(401);
  CHECK(result->error().code == Code::kForbidden);
}

TEST_CASE("a call that was dropped is never answered") {
  fakes::FakeClient server;
  ApiClient api(server, Config{});
  bool called = false;
  auto call = api.call("pods", "get", get("/"), [&](const Result<Json>&) { called = true; });
  const auto exchange = server.waiting().front();
  call.reset();
  CHECK_FALSE(exchange->open);
  exchange->answer(200);
  CHECK_FALSE(called);
}

TEST_CASE("whoever is answered may drop its handle and ask again") {
  fakes::FakeClient server;
  ApiClient api(server, Config{});
  net::Handle call;
  int answers = 0;
  std::function<void(Result<Json>)> again = [&](const Result<Json>&) {
    if (++answers < 3)
      call = api.call("pods", "get", get("/"), again);
    else
      call.reset();
  };
  call = api.call("pods", "get", get("/"), again);
  while (!server.waiting().empty()) server.only().answer(200);
  CHECK(answers == 3);
}

TEST_CASE("answers are counted by verb, resource and status") {
  fakes::FakeClient server;
  ApiClient api(server, Config{});
  for (const int status : {200, 200, 409}) {
    const auto call = api.call("pods", "create", get("/"), [](const Result<Json>&) {});
    server.only().answer(status);
  }
  const auto lost = api.call("members/status", "apply", get("/"), [](const Result<Json>&) {});
  server.only().answer(fail(Code::kUnavailable, "gone"));
  CHECK(api.counts().at({"create", "pods", 200}) == 2);
  CHECK(api.counts().at({"create", "pods", 409}) == 1);
  CHECK(api.counts().at({"apply", "members/status", 0}) == 1);
}

}  // namespace knfe::kube
