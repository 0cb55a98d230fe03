#include <doctest/doctest.h>

#include "net/http2_peer_test.h"

namespace knfe::net {

namespace {

using Call = Http2Peer::Call;
constexpr std::uint32_t kInternalError = 2, kRefusedStream = 7, kCancel = 8;

std::unique_ptr<RenewableClient> client_of(Loop& loop, const Http2Peer& peer, const ClientSettings& settings = {}) {
  auto made = make_https_client(loop, peer.endpoint(), settings);
  REQUIRE(made);
  return std::move(*made);
}

// Requests that are under way, and what came of them: "/a=200 body" or "/a=Timeout", in the order of their ends.
struct Asking {
  Loop& loop;
  Client& client;
  std::vector<std::string> ends = {};
  std::vector<Handle> handles = {};
  std::size_t wanted = 0;

  void ask(Request request) {
    ++wanted;
    handles.push_back(client.send(request, [this, target = request.target](const Result<Response>& answer) {
      ends.push_back(target + "=" +
                     (answer ? std::to_string(answer->status) + " " + answer->body : std::string(name(answer.error().code))));
      if (ends.size() == wanted) loop.stop();
    }));
  }
  void run() { loop.run(); }
};

std::string ask(Loop& loop, Client& client, Request request = {}) {
  Asking asking{loop, client};
  asking.ask(std::move(request));
  asking.run();
  return asking.ends.at(0);
}

void turn(Loop& loop) {
  loop.post([&] { loop.stop(); });
  loop.run();
}

void answer_all(Http2Peer& peer) {
  peer.on_call = [&peer](const Call& call) { peer.answer(call, 200, "ok"); };
}

}  // namespace

TEST_CASE("HTTP/2: a request and its answer") {
  TestLoop loop;
  Http2Peer peer(loop);
  const std::string large(2 << 20, 'z');  // more than the windows of either side
  peer.on_call = [&](const Call& call) {
    peer.begin(call, 103, {{"link", "x"}});
    peer.answer(call, 404, large, {{"retry-after", "7"}});
  };
  const auto client = client_of(loop, peer);
  const Handle handle = client->send({.method = "PUT", .target = "/x?y", .headers = {{"Some-Header", "d"}}, .body = large},
                                     [&](Result<Response> answer) {
                                       REQUIRE(answer);
                                       CHECK(answer->status == 404);
                                       CHECK(header(answer->headers, "Retry-After") == "7");
                                       CHECK(header(answer->headers, "Link").empty());
                                       CHECK(answer->body == large);
                                       loop.stop();
                                     });
  loop.run();
  REQUIRE(peer.seen().calls.size() == 1);
  const auto& call = peer.seen().calls[0];
  CHECK(call.of(":method") == "PUT");
  CHECK(call.of(":scheme") == "https");
  CHECK(call.of(":authority") == "127.0.0.1:" + peer.endpoint().port);
  CHECK(call.path() == "/x?y");
  CHECK(call.of("some-header") == "d");
  CHECK(call.of("content-length") == std::to_string(large.size()));
  CHECK(call.body == large);
}

TEST_CASE("HTTP/2: one connection for all, and one write for what is asked in one turn") {
  TestLoop loop;
  Http2Peer peer(loop);
  answer_all(peer);
  const auto client = client_of(loop, peer);
  Asking asking{loop, *client};
  for (int i = 0; i < 50; ++i) asking.ask({.target = "/first"});  // before it is known what the server speaks
  asking.run();
  const int before = peer.seen().reads;
  loop.post([&] {
    for (int i = 0; i < 50; ++i) loop.post([&] { asking.ask({.method = "PATCH", .target = "/second", .body = "{}"}); });
  });
  asking.run();
  CHECK(peer.seen().calls.size() == 100);
  CHECK(peer.seen().connections == 1);
  CHECK(peer.seen().reads - before <= 2);  // one, and perhaps an acknowledgement
}

TEST_CASE("HTTP/2: beyond the server's limit of streams another connection is opened") {
  for (const std::uint32_t most : {1u, 2u, 3u}) {
    TestLoop loop;
    Http2Peer peer(loop, {.max_streams = most});
    std::vector<Call> held;
    peer.on_call = [&](const Call& call) {
      held.push_back(call);
      if (held.size() < 6) return;
      for (const auto& one : held) peer.answer(one, 200, "ok");
    };
    const auto client = client_of(loop, peer);
    Asking asking{loop, *client};
    for (int i = 0; i < 6; ++i) asking.ask({.method = "POST"});
    asking.run();
    CHECK(peer.seen().calls.size() == 6);
    CHECK(peer.seen().connections == static_cast<int>(6 / most));
  }
}

TEST_CASE("HTTP/2: giving up one request resets its stream, and nothing else") {
  TestLoop loop;
  Http2Peer peer(loop);
  const auto client = client_of(loop, peer);
  peer.on_call = [&](const Call& call) {
    if (call.path() == "/other") peer.begin(call, 200);
    if (call.path() == "/") loop.stop();
  };
  std::string story;
  const Handle other = client->stream({.target = "/other"}, {.on_data = [&](std::string_view piece) { story += piece; }});
  auto held = std::make_shared<int>();
  Handle handle = client->send({.method = "POST"}, [held](const Result<Response>&) { FAIL_CHECK("called"); });
  loop.run();
  handle.reset();
  CHECK(held.use_count() == 1);
  peer.on_reset = [&](std::uint32_t code) {
    CHECK(code == kCancel);
    peer.piece(peer.seen().calls[0], "still there");
    answer_all(peer);
  };
  CHECK(ask(loop, *client) == "/=200 ok");
  while (story.empty()) turn(loop);
  CHECK(peer.seen().connections == 1);
}

TEST_CASE("HTTP/2: the room of a request that is given up is for who waits, while another connection comes to nothing") {
  TestLoop loop;
  Http2Peer peer(loop, {.max_streams = 1});
  const auto client = client_of(loop, peer);
  peer.on_call = [&](const Call&) { loop.stop(); };
  Handle first = client->send({.target = "/first"}, [](const Result<Response>&) { FAIL_CHECK("called"); });
  loop.run();
  Asking asking{loop, *client};
  asking.ask({.target = "/second"});
  while (peer.seen().connections < 2) turn(loop);
  peer.mute(1);
  answer_all(peer);
  first.reset();
  asking.run();
  CHECK(asking.ends.at(0) == "/second=200 ok");
  CHECK(peer.seen().calls.at(1).connection == 0);
}

TEST_CASE("HTTP/2: who gets the room of another's request may have more to send than the socket takes") {
  TestLoop loop;
  Http2Peer peer(loop, {.max_streams = 1, .instead_of_greeting = {}, .window = 1u << 30});
  const auto client = client_of(loop, peer);
  peer.on_call = [&](const Call&) { loop.stop(); };
  Handle first = client->send({.target = "/first"}, [](const Result<Response>&) { FAIL_CHECK("called"); });
  loop.run();
  peer.raw(0, std::string("\0\0\4\x08\0\0\0\0\0\x3f\xff\0\0", 13));  // WINDOW_UPDATE of the connection
  Asking asking{loop, *client};
  asking.ask({.method = "POST", .target = "/second", .body = std::string(64u << 20, 'x')});
  while (peer.seen().connections < 2) turn(loop);
  peer.mute(1);
  for (int i = 0; i < 200; ++i) turn(loop);
  answer_all(peer);
  first.reset();
  asking.run();
  CHECK(asking.ends.at(0) == "/second=200 ok");
}

TEST_CASE("HTTP/2: after a GOAWAY what the server has not taken goes elsewhere, and the rest ends where it is") {
  TestLoop loop;
  Http2Peer peer(loop);
  std::vector<Call> held;
  peer.on_call = [&](const Call& call) {
    if (call.connection == 1) return peer.answer(call, 200, "second");
    held.push_back(call);
    if (held.size() < 3) return;
    peer.go_away(0, held[0].stream);
    peer.answer(held[0], 200, "first");
  };
  const auto client = client_of(loop, peer);
  Asking asking{loop, *client};
  for (const std::string target : {"/1", "/2", "/3"}) asking.ask({.method = "POST", .target = target});
  asking.run();
  std::sort(asking.ends.begin(), asking.ends.end());
  CHECK(asking.ends == std::vector<std::string>{"/1=200 first", "/2=200 second", "/3=200 second"});
  CHECK(ask(loop, *client, {.target = "/4"}) == "/4=200 second");
  CHECK(peer.seen().connections == 2);
  while (peer.seen().ended == 0) turn(loop);  // the first, when its last stream had ended
}

TEST_CASE("HTTP/2: a server that takes nobody is asked a few times, not for ever") {
  for (const bool goes_away : {false, true}) {
    TestLoop loop;
    Http2Peer peer(loop);
    peer.on_call = [&](const Call& call) { goes_away ? peer.go_away(call.connection, 0) : peer.reset(call, kRefusedStream); };
    const auto client = client_of(loop, peer);
    CHECK(ask(loop, *client, {.method = "POST"}) == "/=Unavailable");
    CHECK(peer.seen().calls.size() == 4);
  }
}

TEST_CASE("HTTP/2: what may not go any more when a connection is there is not sent, nor sent again") {
  TestLoop loop;
  Http2Peer peer(loop);
  bool may_go = false;
  peer.on_call = [&](const Call& call) {
    may_go = false;
    peer.reset(call, kRefusedStream);
  };
  const auto client = client_of(loop, peer);
  const auto asked = [&] { return ask(loop, *client, {.method = "POST", .may_go = [&] { return may_go; }}); };
  CHECK(asked() == "/=Canceled");
  CHECK(peer.seen().calls.empty());
  may_go = true;
  CHECK(asked() == "/=Canceled");
  CHECK(peer.seen().calls.size() == 1);
}

TEST_CASE("HTTP/2: what a server refuses unseen is sent again; what it broke off is not") {
  for (const std::uint32_t code : {kRefusedStream, kInternalError, kCancel, 0u}) {
    for (const bool head : {false, true}) {
      TestLoop loop;
      Http2Peer peer(loop);
      peer.on_call = [&](const Call& call) {
        if (peer.seen().calls.size() > 1) return peer.answer(call, 200, "ok");
        if (head) peer.begin(call, 200);
        loop.post([&peer, call, code] { peer.reset(call, code); });
      };
      const auto client = client_of(loop, peer);
      const bool again = code == kRefusedStream && !head;
      CHECK(ask(loop, *client, {.method = "POST"}) == (again ? "/=200 ok" : "/=Unavailable"));
      CHECK(peer.seen().calls.size() == (again ? 2 : 1));
    }
  }
}

TEST_CASE("HTTP/2: a connection that dies: only GET is sent again, once, and only if the connection was no fresh one") {
  for (const std::string method : {"GET", "POST", "DELETE"}) {
    for (const bool fresh : {false, true}) {
      TestLoop loop;
      Http2Peer peer(loop);
      const auto client = client_of(loop, peer);
      answer_all(peer);
      if (!fresh) REQUIRE(ask(loop, *client) == "/=200 ok");
      peer.on_call = [&](const Call& call) { call.connection == 0 ? peer.cut(0) : peer.answer(call, 200, "again"); };
      const bool again = method == "GET" && !fresh;
      CHECK(ask(loop, *client, {.method = method}) == (again ? "/=200 again" : "/=Unavailable"));
      CHECK(peer.seen().connections == (again ? 2 : 1));
    }
  }
}

TEST_CASE("HTTP/2: an answer that is not whole is none") {
  // What the server does to a request of which it has given the head and a piece of the body.
  const std::vector<std::pair<std::string, std::function<void(Http2Peer&, const Call&)>>> breaks{
      {"Unavailable", [](Http2Peer& peer, const Call&) { peer.cut(0); }},
      {"Unavailable", [](Http2Peer& peer, const Call& call) { peer.reset(call, 0); }},
      {"Internal", [](Http2Peer& peer, const Call& call) { peer.finish(call); }},  // fewer bytes than it has said
      {"Internal", [](Http2Peer& peer, const Call& call) { peer.piece(call, "too many"); }}};
  for (const auto& [expected, broken] : breaks) {
    TestLoop loop;
    Http2Peer peer(loop);
    peer.on_call = [&](const Call& call) {
      peer.begin(call, 200, {{"content-length", "5"}});
      peer.piece(call, "hell");
      loop.post([&, call] { broken(peer, call); });
    };
    const auto client = client_of(loop, peer);
    CHECK(ask(loop, *client, {.method = "POST"}) == "/=" + expected);
    CHECK(peer.seen().calls.size() == 1);
  }
}

TEST_CASE("HTTP/2: heads and bodies have their limits, and one stream's does not end the others") {
  TestLoop loop;
  Http2Peer peer(loop);
  peer.on_call = [&](const Call& call) {
    if (call.path() == "/head") {
      Headers many;
      for (int i = 0; i < 25; ++i) many.emplace_back("x-" + std::to_string(i), std::string(3000, 'a') + std::to_string(i));
      return peer.answer(call, 200, "", many);
    }
    peer.answer(call, 200, call.path() == "/body" ? "12345" : "1234");
  };
  const auto client = client_of(loop, peer, {.max_body = 4});
  CHECK(ask(loop, *client, {.target = "/body"}) == "/body=Internal");
  CHECK(ask(loop, *client, {.target = "/head"}) == "/head=Internal");
  CHECK(ask(loop, *client, {.target = "/fits"}) == "/fits=200 1234");
  CHECK(peer.seen().connections == 1);
}

TEST_CASE("HTTP/2: an answer that comes before the whole request was taken counts") {
  TestLoop loop;
  Http2Peer peer(loop);
  peer.on_head = [&](const Call& call) { peer.answer(call, 413, "too large"); };
  const auto client = client_of(loop, peer);
  CHECK(ask(loop, *client, {.method = "POST", .body = std::string(16 << 20, 'x')}) == "/=413 too large");
  while (peer.seen().resets.empty()) turn(loop);
  peer.on_head = nullptr;
  answer_all(peer);
  CHECK(ask(loop, *client) == "/=200 ok");
  CHECK(peer.seen().connections == 1);
}

TEST_CASE("HTTP/2: a server that falls silent is asked by a PING, and taken for dead without an answer") {
  TestLoop loop;
  Http2Peer peer(loop);
  Call held;
  peer.on_call = [&](const Call& call) {
    held = call;
    peer.begin(call, 200);
  };
  const auto client = client_of(loop, peer, {.silence = Duration(20), .patience = Duration(200)});
  Result<void> end;
  const Handle watch = client->stream({}, {.on_end = [&](Result<void> result) {
                                        end = std::move(result);
                                        loop.stop();
                                      }});
  while (peer.seen().pings < 3) turn(loop);  // alive, and asked again and again
  CHECK(end);
  peer.mute(0);
  loop.run();
  REQUIRE_FALSE(end);
  CHECK(end.error().code == Code::kUnavailable);
  CHECK(end.error().message.find("PING") != std::string::npos);
}

TEST_CASE("HTTP/2: while a connection gives no sign of life, others do not wait for it") {
  TestLoop loop;
  Http2Peer peer(loop);
  answer_all(peer);
  const auto client = client_of(loop, peer);
  REQUIRE(ask(loop, *client) == "/=200 ok");
  peer.mute(0);
  CHECK(ask(loop, *client, {.method = "PUT", .timeout = Duration(30)}) == "/=Timeout");
  CHECK(ask(loop, *client, {.method = "PUT"}) == "/=200 ok");
  CHECK(peer.seen().connections == 2);
}

TEST_CASE("HTTP/2: a request that is late on a living connection does not cost the connection") {
  TestLoop loop;
  Http2Peer peer(loop);
  const auto client = client_of(loop, peer);
  Call held;
  Handle soon;
  peer.on_call = [&](const Call& call) {
    if (call.path() == "/watch") peer.begin(held = call, 200);
    if (call.path() == "/late") soon = loop.after(Duration(20), [&] { peer.piece(held, "event"); });
    if (call.path() == "/") peer.answer(call, 200, "ok");
  };
  const Handle watch = client->stream({.target = "/watch"}, {});
  CHECK(ask(loop, *client, {.target = "/late", .timeout = Duration(100)}) == "/late=Timeout");
  CHECK(ask(loop, *client) == "/=200 ok");
  CHECK(peer.seen().connections == 1);
}

TEST_CASE("HTTP/2: a server that greets by something else is sent nothing") {
  for (const std::string greeting : {"HTTP/1.1 400 Bad Request\r\n\r\n", "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c"}) {
    TestLoop loop;
    Http2Peer peer(loop, {.instead_of_greeting = greeting});
    const auto client = client_of(loop, peer);
    CHECK(ask(loop, *client, {.method = "POST"}) == "/=Internal");
    CHECK(peer.seen().calls.empty());
  }
}

TEST_CASE("HTTP/2: a server that breaks the protocol ends the connection, not this process") {
  const std::string garbage[] = {
      std::string("\x00\x00\x04\x00\x00\x00\x00\x00\x63uuuu", 13),               // data for a stream that never was
      std::string("\x00\xff\xff\x00\x00\x00\x00\x00\x01", 9),                    // a frame that is too large
      std::string("\x00\x00\x04\x08\x00\x00\x00\x00\x00\x7f\xff\xff\xff", 13),   // a window beyond all bounds
      std::string("\x00\x00\x04\x01\x04\x00\x00\x00\x01\xff\xff\xff\xff", 13)};  // a head that does not decompress
  for (const auto& bytes : garbage) {
    TestLoop loop;
    Http2Peer peer(loop);
    peer.on_call = [&](const Call& call) {
      if (call.connection == 1) return peer.answer(call, 200, "ok");
      loop.post([&] { peer.raw(0, bytes); });
    };
    const auto client = client_of(loop, peer);
    CHECK(ask(loop, *client, {.method = "POST"}) == "/=Internal");
    CHECK(ask(loop, *client) == "/=200 ok");
  }
}

TEST_CASE("HTTP/2: what wants to be apart has a connection that no others use") {
  TestLoop loop;
  Http2Peer peer(loop);
  answer_all(peer);
  const auto client = client_of(loop, peer);
  CHECK(ask(loop, *client, {.target = "/a"}) == "/a=200 ok");
  CHECK(ask(loop, *client, {.target = "/lease", .apart = true}) == "/lease=200 ok");
  CHECK(ask(loop, *client, {.target = "/b"}) == "/b=200 ok");
  CHECK(ask(loop, *client, {.target = "/lease", .apart = true}) == "/lease=200 ok");
  std::string where;
  for (const auto& call : peer.seen().calls) where += std::to_string(call.connection);
  CHECK(where == "0101");
}

TEST_CASE("HTTP/2: with new certificates there are new connections, and what is under way goes on") {
  TestLoop loop;
  Http2Peer peer(loop);
  const auto client = client_of(loop, peer);
  Call held;
  peer.on_call = [&](const Call& call) {
    if (call.path() == "/watch") {
      peer.begin(held = call, 200);
      return loop.stop();
    }
    peer.answer(call, 200, "ok");
  };
  std::string story;
  const Handle watch =
      client->stream({.target = "/watch"}, {.on_data = [&](std::string_view piece) { story += piece; },
                                            .on_end = [&](const Result<void>& end) { story += end ? " end" : " broken"; }});
  loop.run();
  REQUIRE(client->renew(peer.endpoint()));
  CHECK(ask(loop, *client) == "/=200 ok");
  CHECK(peer.seen().calls[1].connection == 1);
  peer.piece(held, "event");
  peer.finish(held);
  while (peer.seen().ended == 0) turn(loop);
  CHECK(story == "event end");
}

TEST_CASE("HTTP/2: a callback may drop its handle or destroy the client") {
  for (const bool whole_client : {false, true}) {
    TestLoop loop;
    Http2Peer peer(loop);
    peer.on_call = [&](const Call& call) {
      peer.begin(call, 200);
      peer.piece(call, "a");
      loop.post([&, call] { peer.piece(call, "b"); });
    };
    auto client = client_of(loop, peer);
    std::string story;
    Handle handle;
    handle = client->stream({}, {.on_data =
                                     [&](std::string_view piece) {
                                       story += piece;
                                       whole_client ? client.reset() : handle.reset();
                                     },
                                 .on_end = [&](const Result<void>&) { story += " end"; }});
    while (peer.seen().ended == 0 && peer.seen().resets.empty()) turn(loop);
    CHECK(story == "a");
  }
}

TEST_CASE("HTTP/2: a limit that the server lowers holds for what comes") {
  TestLoop loop;
  Http2Peer peer(loop);
  answer_all(peer);
  const auto client = client_of(loop, peer);
  REQUIRE(ask(loop, *client) == "/=200 ok");
  peer.allow(0, 1);
  REQUIRE(ask(loop, *client) == "/=200 ok");
  std::vector<Call> held;
  peer.on_call = [&](const Call& call) {
    held.push_back(call);
    if (held.size() < 2) return;
    for (const auto& one : held) peer.answer(one, 200, "ok");
  };
  Asking asking{loop, *client};
  asking.ask({});
  asking.ask({});
  asking.run();
  CHECK(held[0].connection != held[1].connection);
}

}  // namespace knfe::net
