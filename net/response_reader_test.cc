#include "net/response_reader.h"

#include <doctest/doctest.h>

#include <vector>

namespace knfe::net {

namespace {

struct Answer final : ResponseSink {
  bool on_head(int code, Headers fields) override {
    ++heads;
    status = code;
    headers = std::move(fields);
    return !stop_at_head;
  }
  bool on_body(std::string_view piece) override {
    CHECK_FALSE(piece.empty());
    body += piece;
    return !stop_at_body;
  }
  int heads = 0;
  int status = 0;
  Headers headers;
  std::string body;
  bool stop_at_head = false;
  bool stop_at_body = false;
};

const std::string kChunked =
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nA: b\r\n\r\n"
    "5\r\nhello\r\n1;x=\"y\"\r\n \r\n00a\r\n0123456789\r\n0\r\nTrailer: t\r\n\r\n";

Result<void> feed_whole(const std::string& text, Answer& answer, ResponseReader::Options options = {}) {
  ResponseReader reader(answer, options);
  if (auto fed = reader.feed(text); !fed) return fed;
  return reader.finish();
}

}  // namespace

TEST_CASE("an answer reads the same wherever its bytes are split") {
  const std::vector<std::string> answers = {
      kChunked,
      "HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 16\r\n\r\nhello 0123456789",
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nB: c\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 16\r\nA: b\r\n\r\nhello "
      "0123456789",
  };
  for (const auto& text : answers) {
    for (std::size_t first = 0; first <= text.size(); ++first) {
      for (std::size_t second = first; second <= text.size(); second += (second % 7) + 1) {
        Answer answer;
        ResponseReader reader(answer, {});
        REQUIRE(reader.feed(std::string_view(text).substr(0, first)));
        REQUIRE(reader.feed(std::string_view(text).substr(first, second - first)));
        REQUIRE(reader.complete() == (second == text.size()));
        REQUIRE(reader.feed(std::string_view(text).substr(second)));
        REQUIRE(reader.complete());
        REQUIRE(reader.keeps_connection());
        REQUIRE(answer.heads == 1);
        REQUIRE(answer.body == "hello 0123456789");
        REQUIRE(answer.headers.size() == 2);
        REQUIRE(header(answer.headers, "A") == "b");
      }
    }
  }
}

TEST_CASE("body bytes are handed on before the rest is there") {
  Answer answer;
  ResponseReader reader(answer, {});
  REQUIRE(reader.feed("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\nhal"));
  CHECK(answer.body == "hal");
  CHECK_FALSE(reader.complete());
}

TEST_CASE("an end in the middle is an error, whatever frames the body") {
  for (const std::string text :
       {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", "HTTP/1.1 200 OK\r\nContent-Le", "HTTP/1.1 100 C\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"}) {
    Answer answer;
    const auto result = feed_whole(text, answer);
    REQUIRE_FALSE(result);
    CHECK(result.error().code == Code::kUnavailable);
  }
  Answer answer;
  CHECK(feed_whole("HTTP/1.1 200 OK\r\n\r\nuntil the end", answer));
  CHECK(answer.body == "until the end");
}

TEST_CASE("answers without body") {
  for (const std::string text : {"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", "HTTP/1.1 304 Not Modified\r\n\r\n"}) {
    Answer answer;
    ResponseReader reader(answer, {});
    REQUIRE(reader.feed(text));
    CHECK(reader.complete());
  }
  Answer answer;
  ResponseReader reader(answer, {.answers_head = true, .max_body = {}});
  REQUIRE(reader.feed("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"));
  CHECK(reader.complete());
}

TEST_CASE("what keeps the connection and what does not") {
  const auto keeps = [](const std::string& text) {
    Answer answer;
    ResponseReader reader(answer, {});
    REQUIRE(reader.feed(text));
    return reader.keeps_connection();
  };
  CHECK(keeps("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"));
  CHECK_FALSE(keeps("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxtoo much"));
  CHECK_FALSE(keeps("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx"));
  CHECK_FALSE(keeps("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx"));
}

TEST_CASE("what is not an acceptable answer") {
  for (const std::string text :
       {"SSH-2.0-OpenSSH_9.2p1\r\n\r\n", "HTTP/2 200 OK\r\n\r\n", "HTTP/1.1 99 Low\r\n\r\n", "HTTP/1.1 2x0 OK\r\n\r\n",
        "HTTP/1.1 200 OK\nA: b\n\n", "HTTP/1.1 200 OK\r\nno colon\r\n\r\n", "HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n"}) {
    CAPTURE(text);
    Answer answer;
    const auto result = feed_whole(text, answer);
    REQUIRE_FALSE(result);
    CHECK(result.error().code == Code::kInternal);
  }
}

TEST_CASE("heads and chunk lines are limited, also when they come in drops") {
  // The last one lets the parser take each field before the next has come.
  const std::string endless_heads[] = {"HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;",
                                       "HTTP/1.1 200 OK\r\nA"};
  for (const auto& start : endless_heads) {
    for (const std::string drop : {"A: b\r\n", "aaaaaaaaaaaaaaaa", ": b\r\nA"}) {
      Answer answer;
      ResponseReader reader(answer, {});
      Result<void> fed = reader.feed(start);
      std::size_t taken = 0;
      while (fed && taken < (1 << 20)) {
        fed = reader.feed(drop);
        taken += drop.size();
      }
      REQUIRE_FALSE(fed);
      CHECK(fed.error().code == Code::kInternal);
      CHECK(taken < (80 << 10));
    }
  }
}

TEST_CASE("bodies beyond the limit are refused before they are handed on") {
  const ResponseReader::Options four{.answers_head = false, .max_body = 4};
  for (const std::string text : {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "HTTP/1.1 200 OK\r\n\r\nhello",
                                 "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"}) {
    Answer answer;
    const auto result = feed_whole(text, answer, four);
    REQUIRE_FALSE(result);
    CHECK(result.error().code == Code::kInternal);
    CHECK(answer.body.size() <= 4);
  }
  Answer answer;
  CHECK(feed_whole("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhell", answer, four));
}

TEST_CASE("a sink that says stop is not asked again") {
  Answer at_head;
  at_head.stop_at_head = true;
  auto result = feed_whole(kChunked, at_head);
  REQUIRE_FALSE(result);
  CHECK(result.error().code == Code::kCanceled);
  CHECK(at_head.body.empty());

  Answer at_body;
  at_body.stop_at_body = true;
  result = feed_whole(kChunked, at_body);
  REQUIRE_FALSE(result);
  CHECK(result.error().code == Code::kCanceled);
  CHECK(at_body.body == "hello");
}

}  // namespace knfe::net
