#include "net/message_text.h"

#include <doctest/doctest.h>

namespace knfe::net {

TEST_CASE("headers are found without case, the first one wins") {
  const Headers headers{{"Content-Type", "a"}, {"content-type", "b"}};
  CHECK(header(headers, "CONTENT-TYPE") == "a");
  CHECK(header(headers, "content").empty());
}

TEST_CASE("a request as text") {
  Request request{.method = "POST", .target = "/a?b=%20", .headers = {{"Accept", "x/y"}}, .body = "{}"};
  CHECK(request_text(request, "host:1").value() ==
        "POST /a?b=%20 HTTP/1.1\r\nHost: host:1\r\nAccept: x/y\r\nContent-Length: 2\r\n\r\n{}");
  request.body.clear();
  CHECK(request_text(request, "h").value().find("Content-Length: 0\r\n") != std::string::npos);
  request.method = "GET";
  CHECK(request_text(request, "h").value().find("Content-Length") == std::string::npos);
}

TEST_CASE("what would forge a second request is refused, and not repeated in the message") {
  const auto refused = [](const Request& request) {
    const auto text = request_text(request, "h");
    REQUIRE_FALSE(text);
    CHECK(text.error().code == Code::kInvalid);
    CHECK(text.error().text().find("secret") == std::string::npos);
  };
  refused({.method = "GET /"});
  refused({.method = ""});
  refused({.target = "/a b"});
  refused({.target = "/a\r\nX: y"});
  refused({.target = "a"});
  refused({.target = "/\xc3\xa4"});
  refused({.headers = {{"Authorization", "Bearer secret\r\nX: y"}}});
  refused({.headers = {{"Authorization", std::string("secret\0", 7)}}});
  refused({.headers = {{"X\r\nsecret", "y"}}});
  refused({.headers = {{"content-length", "secret"}}});
  refused({.headers = {{"Transfer-Encoding", "secret"}}});
}

TEST_CASE("a response as text") {
  CHECK(response_text({.status = 200, .headers = {{"A", "b"}}, .body = "hi"}, true) ==
        "HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nhi");
  CHECK(response_text({.status = 503, .headers = {{"Connection", "x"}, {"B", "c\r\nd"}}, .body = ""}, false) ==
        "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
}

TEST_CASE("the parameters of a query") {
  CHECK(parameter("/explain?kind=K&name=a.b", "kind") == "K");
  CHECK(parameter("/explain?kind=K&name=a.b", "name") == "a.b");
  CHECK(parameter("/explain?names=x&name=&name=y", "name") == "");
  CHECK(parameter("/explain?name", "name") == "");
  CHECK(parameter("/name=x", "name") == "");
  CHECK(parameter("/?&&=&a=b=c", "a") == "b=c");
}

}  // namespace knfe::net
