#include "net/http2_session.h"

#include <doctest/doctest.h>

namespace knfe::net {

namespace {

// An empty SETTINGS frame: all that a server must say.
const std::string kGreeting("\0\0\0\x04\0\0\0\0\0", 9);

struct Told final : Http2Session::Stream {
  bool on_head(int, Headers) override { return true; }
  bool on_body(std::string_view) override { return true; }
  void on_close(Ending ending) override { ends.push_back(ending.kind); }
  std::vector<Ending::Kind> ends;
};

}  // namespace

TEST_CASE("what never left is known not to have been carried out; what left is not") {
  Http2Session session;
  REQUIRE(session.feed(kGreeting));
  CHECK(session.greeted());
  const Request request{.method = "POST", .target = "/", .body = "{}"};
  Told sent, kept;
  REQUIRE(session.start(sent, request, "host"));
  std::string output;
  REQUIRE(session.take(output, 1 << 20));
  REQUIRE(session.start(kept, request, "host"));
  session.break_off({Code::kUnavailable, "cut", {}, {}, 0});
  CHECK(sent.ends == std::vector{Ending::Kind::kBroken});
  CHECK(kept.ends == std::vector{Ending::Kind::kUnprocessed});
  CHECK_FALSE(session.start(sent, request, "host"));
}

TEST_CASE("what repeats in heads is sent once, but for the token") {
  Http2Session session;
  REQUIRE(session.feed(kGreeting));
  const auto size_of = [&](const Request& request) {
    Told told;
    std::string output;
    const auto id = session.start(told, request, "a-server-of-some-name.example:6443");
    REQUIRE(id);
    REQUIRE(session.take(output, 1 << 20));
    session.cancel(*id);
    std::string rest;
    REQUIRE(session.take(rest, 1 << 20));
    return output.size();
  };
  const Request plain{.target = "/x", .headers = {{"Accept", "application/json"}, {"User-Agent", std::string(1000, 'u')}}};
  const Request secret{.target = "/x", .headers = {{"Authorization", "Bearer " + std::string(1000, 't')}}};
  size_of(plain);
  CHECK(size_of(plain) < 20);
  size_of(secret);
  CHECK(size_of(secret) > 600);
}

TEST_CASE("a server that floods is left") {
  // Frames that each want an answer, or a place in memory.
  const std::string ping("\0\0\x08\x06\0\0\0\0\0pingpong", 17);
  const std::string continuation("\0\0\0\x09\0\0\0\0\x01", 9);
  std::string pings, heads("\0\0\0\x01\0\0\0\0\x01", 9);
  for (int i = 0; i < 2000; ++i) pings += ping;
  for (int i = 0; i < 100; ++i) heads += continuation;
  for (const auto& flood : {pings, heads}) {
    Http2Session session;
    REQUIRE(session.feed(kGreeting));
    Told told;
    const Request request{.target = "/"};
    REQUIRE(session.start(told, request, "host"));
    std::string output;
    REQUIRE(session.take(output, 1 << 20));
    CHECK_FALSE(session.feed(flood));
  }
}

}  // namespace knfe::net
