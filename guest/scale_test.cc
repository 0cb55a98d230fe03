#include "guest/scale.h"

#include <doctest/doctest.h>

#include "test/fakes/client_test.h"
#include "test/fakes/json_test.h"
#include "test/fakes/time_test.h"

namespace knfe::guest {

namespace {

struct Scaling {
  fakes::Time time;
  net::Loop loop;
  fakes::FakeClient server;
  kube::ApiClient api{server, kube::Config{}};
  std::optional<Result<std::int32_t>> result;

  void ask(const char* text) {
    scale(loop, api, {"n", "f-r"}, parse_resize(text).value(),
          [this](Result<std::int32_t> wanted) { result = std::move(wanted); });
    fakes::settle(loop);
  }
  void pass(Duration duration) {
    time.pass(loop, duration);
    fakes::settle(loop);
  }
  // What is asked now: "GET", or "PATCH {...}".
  std::string asked() {
    const auto open = server.waiting();
    if (open.size() != 1) return std::to_string(open.size()) + " requests";
    CHECK(open.front()->request.target.find("/namespaces/n/membersets/f-r/scale") != std::string::npos);
    const auto& request = open.front()->request;
    return request.method + (request.body.empty() ? "" : " " + request.body);
  }
  void says(int replicas, const char* version) {
    server.only().answer(200, R"({"metadata": {"resourceVersion": ")" + std::string(version) + R"("}, "spec": {"replicas": )" +
                                  std::to_string(replicas) + "}}");
    fakes::settle(loop);
  }
  void refuses(int code, const char* reason) {
    server.only().answer(
        code, R"({"kind": "Status", "code": )" + std::to_string(code) + R"(, "reason": ")" + reason + R"(", "message": "m"})");
    fakes::settle(loop);
  }
  void breaks() {
    server.only().answer(fail(Code::kTimeout, "no answer"));
    fakes::settle(loop);
  }
};

}  // namespace

TEST_CASE("how many members are wanted is said as a number, or relative to now") {
  const auto read = [](const char* text) {
    const auto resize = parse_resize(text);
    return resize ? std::to_string(resize->number) + (resize->relative ? " more" : "") : "?";
  };
  CHECK(read("5") == "5");
  CHECK(read("0") == "0");
  CHECK(read("+2") == "2 more");
  CHECK(read("-1") == "-1 more");
  for (const char* wrong : {"", "+", "five", "1.5", "1001", "99999", "+-1", " 5", "5 "}) {
    CAPTURE(wrong);
    CHECK(read(wrong) == "?");
  }
}

TEST_CASE_FIXTURE(Scaling, "a number is written as it is") {
  ask("5");
  CHECK(asked() == R"(PATCH {"spec":{"replicas":5}})");
  says(5, "8");
  REQUIRE(result);
  CHECK(result->value() == 5);
}

TEST_CASE_FIXTURE(Scaling, "one more is one more than what was read, if that still is so") {
  ask("+1");
  CHECK(asked() == "GET");
  says(3, "7");
  CHECK(asked() == R"(PATCH {"spec":{"replicas":4},"metadata":{"resourceVersion":"7"}})");
  SUBCASE("it is") {
    says(4, "8");
    REQUIRE(result);
    CHECK(result->value() == 4);
  }
  SUBCASE("somebody else was faster") {
    refuses(409, "Conflict");
    pass(Duration(200));
    CHECK(asked() == "GET");
    says(5, "9");
    CHECK(asked() == R"(PATCH {"spec":{"replicas":6},"metadata":{"resourceVersion":"9"}})");
  }
  SUBCASE("no answer comes: once more could be one too many") {
    breaks();
    pass(std::chrono::seconds(60));
    CHECK(asked() == "0 requests");
    REQUIRE(result);
    CHECK(result->error().code == Code::kTimeout);
    CHECK(result->error().hint == "whether it took effect is not known: look before you ask again");
  }
}

TEST_CASE_FIXTURE(Scaling, "a number is asked for again when no answer comes, and not for ever") {
  ask("5");
  for (int i = 0; i < 5; ++i) {
    CHECK(asked() == R"(PATCH {"spec":{"replicas":5}})");
    breaks();
    pass(Duration(200));
  }
  CHECK(asked() == "0 requests");
  REQUIRE(result);
  CHECK(result->error().code == Code::kTimeout);
}

TEST_CASE_FIXTURE(Scaling, "who may not is told what would have to be said") {
  ask("5");
  refuses(403, "Forbidden");
  REQUIRE(result);
  CHECK(result->error().text().find("size.byMembers: true") != std::string::npos);
}

}  // namespace knfe::guest
