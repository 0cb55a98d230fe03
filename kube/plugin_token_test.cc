#include "kube/plugin_token.h"

#include <doctest/doctest.h>

#include "kube/api_client.h"
#include "test/fakes/client_test.h"
#include "test/fakes/folder_test.h"
#include "test/fakes/time_test.h"

namespace knfe::kube {

using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

// A plugin that writes one more letter into a file at each run and says them all as a token for `life`; it fails while there is a
// file "fail", and hangs while there is a file "hang".
struct Fixture {
  fakes::Time time;
  fakes::Folder folder;
  net::Loop loop;
  fakes::FakeClient server;
  Config config;
  std::optional<ApiClient> api;
  std::string answers;  // of all calls
  std::vector<net::Handle> calls;

  Fixture() { start(100); }
  void start(int life) {
    const std::string script =
        R"(cd "$0"; printf x >> runs; [ ! -e hang ] || exec sleep 600; [ ! -e fail ] || exit 1; )"
        R"(end=$(date -u -d "+$1 seconds" +%Y-%m-%dT%H:%M:%SZ); )"
        R"(echo "{\"kind\":\"ExecCredential\",\"status\":{\"token\":\"$(cat runs)\",\"expirationTimestamp\":\"$end\"}}")";
    config.exec = {"/bin/sh", {"-c", script, folder.path(), std::to_string(life)}, {}, "client.authentication.k8s.io/v1"};
    api.emplace(server, config, &loop);
  }
  std::string runs() const { return folder.read("runs"); }
  void call() {
    calls.push_back(api->call("pods", "get", {"GET", "/", {}, {}},
                              [this](const Result<Json>& answer) { answers += answer ? "ok " : answer.error().text() + " "; }));
  }
  bool sent(std::size_t count) {
    return fakes::until(loop, [&] { return server.waiting().size() == count; });
  }
  std::string bearer() const { return std::string(net::header(server.waiting().back()->request.headers, "Authorization")); }
  void refuse(std::size_t runs_then) {
    folder.write("fail", "");
    call();
    REQUIRE(fakes::until(loop, [&] { return runs().size() == runs_then && !answers.empty(); }));
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "requests and watches wait for one run of the plugin, and the loop goes on meanwhile") {
  folder.write("hang", "");
  call();
  call();
  int ended = 0;
  const auto watch = api->stream({}, {{}, {}, [&](const Result<void>&) { ++ended; }});
  bool ran = false;
  loop.post([&] { ran = true; });
  fakes::settle(loop);
  CHECK(ran);
  REQUIRE(fakes::until(loop, [&] { return runs() == "x"; }));
  CHECK(server.all.empty());
  SUBCASE("and go with its token") {
    folder.remove("hang");
    time.pass(loop, seconds(21));  // the one that hangs is ended, and so has failed
    REQUIRE(fakes::until(loop, [&] { return ended == 1; }));
    time.pass(loop, seconds(2));
    call();
    call();
    const auto next = api->stream({}, {});
    REQUIRE(sent(3));
    CHECK(bearer() == "Bearer xx");
  }
  SUBCASE("and may be dropped") {
    calls.clear();
    time.pass(loop, seconds(21));
    REQUIRE(fakes::until(loop, [&] { return ended == 1; }));
    CHECK(answers == "");
  }
}

TEST_CASE_FIXTURE(Fixture,
                  "a plugin that fails is not run for each request, but ever more seldom; nothing is sent without a token") {
  refuse(1);
  CHECK(answers.find("has failed") != answers.npos);
  for (int i = 0; i < 5; ++i) call();
  fakes::settle(loop);
  CHECK(runs() == "x");
  // After one second, two, four.
  for (const int rest : {1, 2, 4}) {
    const auto before = runs();
    time.pass(loop, milliseconds(rest * 1000 - 300));
    call();
    fakes::settle(loop);
    CHECK(runs() == before);
    time.pass(loop, milliseconds(400));
    answers.clear();
    refuse(before.size() + 1);
  }
  CHECK(server.all.empty());
  SUBCASE("until it succeeds") {
    folder.remove("fail");
    time.pass(loop, seconds(9));
    call();
    REQUIRE(sent(1));
    CHECK(bearer() == "Bearer xxxxx");
  }
  SUBCASE("and a watch is told how long to wait") {
    Error why;
    const auto watch = api->stream({}, {{}, {}, [&](const Result<void>& end) { why = end ? Error{} : end.error(); }});
    time.pass(loop, seconds(1));
    CHECK(why.code == Code::kUnavailable);
    CHECK(why.retry_after_s > 6);
  }
}

TEST_CASE_FIXTURE(Fixture, "a token is used to its end, and a new one got before that without anybody waiting") {
  start(100);  // of which ten are left at its end
  call();
  REQUIRE(sent(1));
  CHECK(bearer() == "Bearer x");
  time.pass(loop, seconds(60));
  call();
  fakes::settle(loop);
  CHECK(runs() == "x");
  time.pass(loop, seconds(10));
  call();
  CHECK(server.waiting().size() == 3);
  CHECK(bearer() == "Bearer x");
  REQUIRE(fakes::until(loop, [&] {
    call();
    return bearer() == "Bearer xx";
  }));
  CHECK(runs() == "xx");
}

TEST_CASE_FIXTURE(Fixture, "a token that the server refuses is replaced once, not for each who was refused") {
  call();
  call();
  REQUIRE(sent(2));
  time.pass(loop, seconds(11));
  SUBCASE("a request's") {
    const auto old = server.waiting();
    old[0]->answer(401);
    REQUIRE(sent(2));
    old[1]->answer(401);
    REQUIRE(sent(2));
  }
  SUBCASE("a watch's") {
    const auto watch = api->stream({}, {});
    server.waiting().back()->head(401);
    call();
    REQUIRE(sent(4));
  }
  CHECK(bearer() == "Bearer xx");
  // A server that refuses each has the last word.
  const auto again = server.waiting().back();
  again->answer(401);
  fakes::settle(loop);
  CHECK(runs() == "xx");
}

}  // namespace knfe::kube
