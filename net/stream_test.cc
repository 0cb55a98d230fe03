#include <doctest/doctest.h>

#include "net/scripted_peer_test.h"

namespace knfe::net {

namespace {

const std::string kHead = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

std::unique_ptr<Client> client_of(Loop& loop, const Endpoint& endpoint, const ClientSettings& settings = {}) {
  auto made = make_https_client(loop, endpoint, settings);
  REQUIRE(made);
  return std::move(*made);
}

// What a stream told, in one line: "200 abc cd end".
struct Story {
  StreamEvents events() {
    return {.on_head = [this](int status, const Headers&) { told += std::to_string(status); },
            .on_data =
                [this](std::string_view piece) {
                  told += " ";
                  told += piece;
                  if (at_data) at_data();
                },
            .on_end =
                [this](Result<void> end) {
                  told += end ? " end" : " " + std::string(name(end.error().code));
                  if (at_end) at_end();
                }};
  }
  std::string told;
  std::function<void()> at_data;
  std::function<void()> at_end;
};

}  // namespace

TEST_CASE("pieces arrive as they are sent, chunk lines split anywhere") {
  TestLoop loop;
  // Each pause ends when the piece before it was delivered: nothing may wait for what follows.
  ScriptedPeer peer(loop, {{take_request(), say(kHead + "3\r\nab"), pause(), say("c\r"), say("\n2"), say("\r\nde\r\n"), pause(),
                            say("1\r\nf\r\n0\r\n"), say("\r\n")}});
  const auto client = client_of(loop, peer.plain());
  Story story;
  story.at_data = [&] {
    if (story.told == "200 ab" || story.told == "200 ab c de") peer.proceed();
  };
  story.at_end = [&] { loop.stop(); };
  const Handle handle = client->stream({}, story.events());
  loop.run();
  CHECK(story.told == "200 ab c de f end");
}

TEST_CASE("a stream that ended properly leaves its connection for the next") {
  TestLoop loop;
  ScriptedPeer peer(loop, {{take_request(), say(kHead + "1\r\na\r\n0\r\n\r\n"), take_request(), say(ok("b"))}});
  const auto client = client_of(loop, peer.plain());
  for (const std::string expected : {"200 a end", "200 b end"}) {
    Story story;
    story.at_end = [&] { loop.stop(); };
    const Handle handle = client->stream({}, story.events());
    loop.run();
    CHECK(story.told == expected);
  }
  CHECK(peer.seen().connections == 1);
}

TEST_CASE("the body of a refusal comes as data too") {
  TestLoop loop;
  ScriptedPeer peer(loop, {{take_request(), say("HTTP/1.1 410 Gone\r\nContent-Length: 3\r\n\r\nold")}});
  const auto client = client_of(loop, peer.plain());
  Story story;
  story.at_end = [&] { loop.stop(); };
  const Handle handle = client->stream({}, story.events());
  loop.run();
  CHECK(story.told == "410 old end");
}

TEST_CASE("a peer that closes or resets in the middle ends the stream with an error") {
  for (const auto& die : {close_properly(), reset()}) {
    TestLoop loop;
    ScriptedPeer peer(loop, {{take_request(), say(kHead + "5\r\nab"), pause(), die}});
    const auto client = client_of(loop, peer.plain());
    Story story;
    story.at_data = [&] { peer.proceed(); };
    story.at_end = [&] { loop.stop(); };
    const Handle handle = client->stream({}, story.events());
    loop.run();
    CHECK(story.told == "200 ab Unavailable");
  }
}

TEST_CASE("the time limit ends with the head") {
  TestLoop loop;
  ScriptedPeer peer(loop, {{take_request(), say(kHead), pause(), say("1\r\na\r\n0\r\n\r\n")}, {take_request(), await_end()}});
  const auto client = client_of(loop, peer.plain());
  Story slow;
  slow.at_end = [&] { loop.stop(); };
  const Handle first = client->stream({.timeout = Duration(40)}, slow.events());
  const Handle later = loop.after(Duration(60), [&] { peer.proceed(); });
  loop.run();
  CHECK(slow.told == "200 a end");

  const auto other = client_of(loop, peer.plain());
  Story never;
  never.at_end = [&] { loop.stop(); };
  const Handle second = other->stream({.timeout = Duration(20)}, never.events());
  loop.run();
  CHECK(never.told == " Timeout");
}

TEST_CASE("a stream may have a limit of its own, from its head") {
  TestLoop loop;
  ScriptedPeer peer(loop, {{take_request(), say(kHead + "1\r\na\r\n"), await_end()}});
  const auto client = client_of(loop, peer.plain());
  Story story;
  story.at_end = [&] { loop.stop(); };
  const Handle handle = client->stream({.longest = std::chrono::milliseconds(50)}, story.events());
  loop.run();
  CHECK(story.told == "200 a Timeout");
}

TEST_CASE("streams do not take the places of other exchanges") {
  TestLoop loop;
  ScriptedPeer peer(loop, {{take_request(), say(kHead)}, {take_request(), say(kHead)}, {take_request(), say(ok("x"))}});
  const auto client = client_of(loop, peer.plain(), {.max_in_flight = 1});
  Story story;
  const Handle one = client->stream({}, story.events());
  const Handle two = client->stream({}, story.events());
  const Handle asked = client->send({}, [&](Result<Response> answer) {
    CHECK(answer->body == "x");
    loop.stop();
  });
  loop.run();
  CHECK(peer.seen().connections == 3);
}

TEST_CASE("a handle dropped within an event ends the events at once, more pieces being there") {
  for (const int drop_at_head : {0, 1}) {
    TestLoop loop;
    ScriptedPeer peer(loop,
                      {{take_request(), say(kHead + "1\r\na\r\n1\r\nb\r\n0\r\n\r\n"), await_end(), tell([&] { loop.stop(); })}});
    auto client = client_of(loop, peer.plain());
    Story story;
    Handle handle;
    auto events = story.events();
    if (drop_at_head) events.on_head = [&](int, const Headers&) { handle.reset(); };
    story.at_data = [&] { handle.reset(); };
    handle = client->stream({}, std::move(events));
    loop.run();
    CHECK(story.told == (drop_at_head ? "" : "200 a"));
  }
}

TEST_CASE("a client destroyed within an event ends the events at once") {
  TestLoop loop;
  ScriptedPeer peer(loop,
                    {{take_request(), say(kHead + "1\r\na\r\n1\r\nb\r\n0\r\n\r\n"), await_end(), tell([&] { loop.stop(); })}});
  auto client = client_of(loop, peer.plain());
  Story story;
  story.at_data = [&] { client.reset(); };
  const Handle handle = client->stream({}, story.events());
  loop.run();
  CHECK(story.told == "200 a");
}

TEST_CASE("a long stream goes through whole, and lets others on the loop have their turn") {
  TestLoop loop;
  constexpr std::size_t kSize = 8 << 20;
  ScriptedPeer peer(loop, {{take_request(), say("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(kSize) + "\r\n\r\n"),
                            say(std::string(kSize, 'x'))}});
  const auto client = client_of(loop, peer.plain(), {.max_body = 1000});  // the limit is not for streams
  std::size_t got = 0;
  std::size_t largest_piece = 0;
  std::size_t largest_turn = 0;
  std::size_t seen = 0;
  std::function<void()> other = [&] {
    largest_turn = std::max(largest_turn, got - seen);
    seen = got;
    loop.post(other);
  };
  loop.post(other);
  StreamEvents events;
  events.on_data = [&](std::string_view piece) {
    got += piece.size();
    largest_piece = std::max(largest_piece, piece.size());
  };
  events.on_end = [&](Result<void> end) {
    CHECK(end);
    loop.stop();
  };
  const Handle handle = client->stream({}, std::move(events));
  loop.run();
  CHECK(got == kSize);
  CHECK(largest_piece <= (16 << 10));
  CHECK(largest_turn <= (256 << 10));  // of megabytes that the kernel holds ready
}

}  // namespace knfe::net
