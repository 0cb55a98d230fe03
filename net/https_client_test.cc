#include "net/https_client.h"

#include <doctest/doctest.h>

#include "net/scripted_peer_test.h"

namespace knfe::net {

namespace {

std::unique_ptr<Client> client_of(Loop& loop, const Endpoint& endpoint, const ClientSettings& settings = {}) {
  auto made = make_https_client(loop, endpoint, settings);
  REQUIRE(made);
  return std::move(*made);
}

// Sends one request and runs the loop until its answer is there.
Result<Response> ask(Loop& loop, Client& client, Request request = {}) {
  Result<Response> answer = fail(Code::kInternal, "no answer");
  const Handle handle = client.send(std::move(request), [&](Result<Response> result) {
    answer = std::move(result);
    loop.stop();
  });
  loop.run();
  return answer;
}

Code code_of(const Result<Response>& answer) {
  REQUIRE_FALSE(answer);
  return answer.error().code;
}

}  // namespace

TEST_CASE("a request and its answer") {
  TestLoop loop;
  ScriptedPeer peer(loop, {{take_request(), say("HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\nA: b\r\n\r\n"), say("gone!")}});
  const auto client = client_of(loop, peer.plain());
  const auto answer =
      ask(loop, *client, {.method = "PUT", .target = "/x?y", .headers = {{"C", "d"}}, .body = std::string(300'000, 'z')});
  REQUIRE(answer);
  CHECK(answer->status == 404);
  CHECK(header(answer->headers, "a") == "b");
  CHECK(answer->body == "gone!");
  REQUIRE(peer.seen().requests.size() == 1);
  const auto& request = peer.seen().requests[0];
  CHECK(request.starts_with("PUT /x?y HTTP/1.1\r\nHost: 127.0.0.1:" + peer.port() +
                            "\r\nC: d\r\nContent-Length: 300000\r\n\r\nzzz"));
}

TEST_CASE("a name is looked up") {
  TestLoop loop;
  ScriptedPeer peer(loop, {{take_request(), say(ok("hi"))}});
  auto endpoint = peer.plain();
  endpoint.host = "localhost";
  const auto client = client_of(loop, endpoint);
  const auto answer = ask(loop, *client);
  REQUIRE(answer);
  CHECK(answer->body == "hi");
}

TEST_CASE("a connection is kept and reused, each exchange alone on it") {
  TestLoop loop;
  ScriptedPeer peer(loop,
                    {{take_request(), say(ok("1")), take_request(), pause(), say(ok("2"))}, {take_request(), say(ok("3"))}});
  const auto client = client_of(loop, peer.plain());
  REQUIRE(ask(loop, *client)->body == "1");
  std::string second;
  const Handle handle = client->send({}, [&](Result<Response> answer) { second = answer->body; });
  const auto third = ask(loop, *client, {.target = "/3"});
  CHECK(third->body == "3");  // overtakes the one that waits
  CHECK(second.empty());
  peer.proceed();
  CHECK(peer.seen().connections == 2);
  while (second.empty()) {
    loop.post([&] { loop.stop(); });
    loop.run();
  }
  CHECK(second == "2");
}

TEST_CASE("what may not go any more is not sent, and leaves the connection to who comes next") {
  TestLoop loop;
  ScriptedPeer peer(loop, {{take_request(), say(ok("1"))}});
  const auto client = client_of(loop, peer.plain());
  const auto refused = ask(loop, *client, {.method = "POST", .may_go = [] { return false; }});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Code::kCanceled);
  CHECK(ask(loop, *client)->body == "1");
  CHECK(peer.seen().connections == 1);
}

TEST_CASE("connections that the server will close, or that said too much, are not reused") {
  for (const auto& first : {ok("1", "Connection: close\r\n"), ok("1") + "more", std::string("HTTP/1.1 200 OK\r\n\r\n1")}) {
    TestLoop loop;
    std::vector<Step> script{take_request(), say(first)};
    if (first.find("Content-Length") == std::string::npos) script.push_back(close_properly());
    ScriptedPeer peer(loop, {script, {take_request(), say(ok("2"))}});
    const auto client = client_of(loop, peer.plain());
    REQUIRE(ask(loop, *client)->body == "1");
    CHECK(ask(loop, *client, {.method = "POST"})->body == "2");
    CHECK(peer.seen().connections == 2);
  }
}

TEST_CASE("no more idle connections than allowed") {
  TestLoop loop;
  ScriptedPeer peer(loop, {{take_request(), say(ok("1"))}, {take_request(), say(ok("2"))}});
  const auto client = client_of(loop, peer.plain(), {.max_idle = 0});
  CHECK(ask(loop, *client)->body == "1");
  CHECK(ask(loop, *client)->body == "2");
}

TEST_CASE("a kept connection that was closed meanwhile is not used, whatever the method") {
  TestLoop loop;
  ScriptedPeer peer(loop, {{take_request(), say(ok("1")), pause(), close_properly(), tell([&] { loop.stop(); })},
                           {take_request(), say(ok("2"))}});
  const auto client = client_of(loop, peer.plain());
  REQUIRE(ask(loop, *client)->body == "1");
  peer.proceed();
  loop.run();
  CHECK(ask(loop, *client, {.method = "POST"})->body == "2");
  CHECK(peer.seen().connections == 2);
}

TEST_CASE("a stale connection: GET is sent once more, nothing else is") {
  for (const auto& die : {close_properly(), reset()}) {
    for (const std::string method : {"GET", "POST", "DELETE"}) {
      TestLoop loop;
      ScriptedPeer peer(loop, {{take_request(), say(ok("1")), take_request(), die}, {take_request(), say(ok("2"))}});
      const auto client = client_of(loop, peer.plain());
      REQUIRE(ask(loop, *client)->body == "1");
      const auto answer = ask(loop, *client, {.method = method});
      if (method == "GET") {
        REQUIRE(answer);
        CHECK(answer->body == "2");
      } else {
        CHECK(code_of(answer) == Code::kUnavailable);
        CHECK(peer.seen().requests.size() == 2);
      }
    }
  }
}

TEST_CASE("GET is not repeated after a part of the answer, nor on a fresh connection, nor for ever") {
  TestLoop loop;
  ScriptedPeer partly(
      loop, {{take_request(), say(ok("1")), take_request(), say("H"), close_properly()}, {take_request(), say(ok("2"))}});
  auto client = client_of(loop, partly.plain());
  REQUIRE(ask(loop, *client)->body == "1");
  CHECK(code_of(ask(loop, *client)) == Code::kUnavailable);
  CHECK(partly.seen().connections == 1);

  ScriptedPeer fresh(loop, {{take_request(), close_properly()}, {take_request(), say(ok("2"))}});
  client = client_of(loop, fresh.plain());
  CHECK(code_of(ask(loop, *client)) == Code::kUnavailable);
  CHECK(fresh.seen().connections == 1);

  ScriptedPeer twice(
      loop, {{take_request(), say(ok("1")), take_request(), reset()}, {take_request(), reset()}, {take_request(), say(ok("3"))}});
  client = client_of(loop, twice.plain());
  REQUIRE(ask(loop, *client)->body == "1");
  CHECK(code_of(ask(loop, *client)) == Code::kUnavailable);
  CHECK(twice.seen().connections == 2);
}

TEST_CASE("what is sent once more goes over a fresh connection, not over another kept one") {
  TestLoop loop;
  const std::vector<Step> stale{take_request(), pause(), say(ok("1")), take_request(), reset()};
  ScriptedPeer peer(loop, {stale, stale, {take_request(), say(ok("3"))}});
  const auto client = client_of(loop, peer.plain());
  int answers = 0;
  const auto count = [&](Result<Response> answer) {
    CHECK(answer);
    if (++answers == 2) loop.stop();
  };
  const Handle one = client->send({}, count);
  const Handle two = client->send({}, count);
  peer.proceed();
  peer.proceed();
  loop.run();
  CHECK(ask(loop, *client)->body == "3");
  CHECK(peer.seen().requests.size() == 4);
}

TEST_CASE("an answer that comes before the whole request was taken still counts") {
  TestLoop loop;
  ScriptedPeer peer(loop, {{say("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"), close_properly()}});
  const auto client = client_of(loop, peer.plain());
  Request large{.method = "POST", .body = std::string(64 << 20, 'x')};
  const auto answer = ask(loop, *client, std::move(large));
  REQUIRE(answer);
  CHECK(answer->status == 413);
}

TEST_CASE("an end in the middle of the answer is an error") {
  TestLoop loop;
  ScriptedPeer peer(loop, {{take_request(), say("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell"), close_properly()}});
  const auto client = client_of(loop, peer.plain());
  const auto answer = ask(loop, *client, {.target = "/pods?token=secret"});
  CHECK(code_of(answer) == Code::kUnavailable);
  CHECK(answer.error().where == "http://127.0.0.1:" + peer.port() + "/pods");
}

TEST_CASE("bodies beyond the limit and heads that are none are refused") {
  TestLoop loop;
  ScriptedPeer peer(loop, {{take_request(), say(ok("12345"))}, {take_request(), say("ICY 200 OK\r\n\r\n")}});
  const auto client = client_of(loop, peer.plain(), {.max_body = 4});
  CHECK(code_of(ask(loop, *client)) == Code::kInternal);
  CHECK(code_of(ask(loop, *client)) == Code::kInternal);
}

TEST_CASE("no answer in time") {
  TestLoop loop;
  ScriptedPeer peer(
      loop, {{take_request(), say("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell"), await_end(), tell([&] { loop.stop(); })}});
  const auto client = client_of(loop, peer.plain());
  CHECK(code_of(ask(loop, *client, {.timeout = Duration(30)})) == Code::kTimeout);
  loop.run();  // until the peer saw the connection closed
}

TEST_CASE("no connection: refused, in no time, or no such name") {
  TestLoop loop;
  Endpoint endpoint;
  {
    const ScriptedPeer gone(loop, {});
    endpoint = gone.plain();
  }
  auto client = client_of(loop, endpoint);
  CHECK(code_of(ask(loop, *client)) == Code::kUnavailable);

  // TLS towards a server that never says a word.
  ScriptedPeer silent(loop, {{pause()}});
  endpoint = silent.secure("");
  client = client_of(loop, endpoint, {.connect_timeout = Duration(30)});
  const auto answer = ask(loop, *client);
  CHECK(code_of(answer) == Code::kUnavailable);
  CHECK(answer.error().message == "no connection within 30 ms");

  endpoint.host = "no-such-name.invalid";
  client = client_of(loop, endpoint);
  CHECK(code_of(ask(loop, *client)) == Code::kUnavailable);
}

TEST_CASE("exchanges beyond the limit wait in order; their time runs") {
  TestLoop loop;
  ScriptedPeer peer(loop, {{take_request(), pause(), say(ok("1")), take_request(), say(ok("2")), take_request(), say(ok("3"))}});
  const auto client = client_of(loop, peer.plain(), {.max_in_flight = 1});
  std::string order;
  std::vector<Handle> handles;
  for (const std::string target : {"/1", "/2", "/3"}) {
    handles.push_back(client->send({.target = target}, [&](Result<Response> answer) {
      order += answer->body;
      if (order == "t123") loop.stop();
    }));
  }
  handles.push_back(client->send({.target = "/4", .timeout = Duration(20)}, [&](Result<Response> answer) {
    CHECK(code_of(answer) == Code::kTimeout);
    order += "t";
    peer.proceed();
  }));
  loop.run();
  CHECK(order == "t123");
  CHECK(peer.seen().requests.size() == 3);
}

TEST_CASE("a dropped handle: no callback, the connection closed, its captures freed, its place given on") {
  TestLoop loop;
  ScriptedPeer peer(loop, {{take_request(), tell([&] { loop.stop(); }), await_end(), tell([&] { loop.stop(); })},
                           {take_request(), say(ok("2"))}});
  const auto client = client_of(loop, peer.plain(), {.max_in_flight = 1});
  auto held = std::make_shared<int>();
  Handle running = client->send({}, [held](Result<Response>) { FAIL_CHECK("called"); });
  Handle waiting = client->send({}, [held](Result<Response>) { FAIL_CHECK("called"); });
  loop.run();
  running.reset();
  waiting.reset();
  CHECK(held.use_count() == 1);
  loop.run();
  CHECK(ask(loop, *client)->body == "2");
}

TEST_CASE("a callback may send again, drop its own handle, or destroy the client") {
  TestLoop loop;
  ScriptedPeer peer(loop, {{take_request(), say(ok("1")), take_request(), say(ok("2"))}});
  auto client = client_of(loop, peer.plain());
  Handle first;
  Handle second;
  Handle third;
  first = client->send({}, [&](Result<Response> one) {
    CHECK(one->body == "1");
    first.reset();
    second = client->send({}, [&](Result<Response> two) {
      CHECK(two->body == "2");
      third = client->send({}, [](Result<Response>) { FAIL_CHECK("called"); });
      client.reset();
      loop.stop();
    });
  });
  loop.run();
  CHECK(peer.seen().connections == 1);
}

TEST_CASE("destroying the client drops what is under way, in every stage") {
  TestLoop loop;
  ScriptedPeer peer(loop, {{take_request(), tell([&] { loop.stop(); }), await_end(), tell([&] { loop.stop(); })}});
  auto client = client_of(loop, peer.plain(), {.max_in_flight = 1});
  const auto never = [](Result<Response>) { FAIL_CHECK("called"); };
  const Handle receiving = client->send({}, never);
  const Handle waiting = client->send({}, never);
  loop.run();
  const Handle opening = client->stream({}, {.on_head = {}, .on_data = {}, .on_end = [](Result<void>) { FAIL_CHECK("called"); }});
  client.reset();
  loop.run();
  CHECK(peer.seen().requests.size() == 1);
}

TEST_CASE("a request that cannot be sent fails by callback, not inline") {
  TestLoop loop;
  const ScriptedPeer peer(loop, {});
  const auto client = client_of(loop, peer.plain());
  bool sent = false;
  const Handle handle = client->send({.target = "no slash"}, [&](Result<Response> answer) {
    CHECK(sent);
    CHECK(code_of(answer) == Code::kInvalid);
    loop.stop();
  });
  sent = true;
  loop.run();
  CHECK(peer.seen().connections == 0);
}

TEST_CASE("endpoints that are none") {
  Loop loop;
  for (const std::string port : {"", "0", "65536", "http", "80 ", "-1"})
    CHECK_FALSE(make_https_client(loop, {.host = "h", .port = port, .tls = false}, {}));
  for (const auto& host : {std::string(), std::string("a b"), std::string("a\0b", 3), std::string("a/b")}) {
    CHECK_FALSE(make_https_client(loop, {.host = host, .port = "1", .tls = false}, {}));
  }
  CHECK(make_https_client(loop, {.host = "h", .port = "1", .tls = false}, {}));
}

}  // namespace knfe::net
