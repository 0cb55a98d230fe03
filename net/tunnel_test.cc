#include "net/tunnel.h"

#include <doctest/doctest.h>

#include "net/scripted_peer_test.h"

namespace knfe::net {

namespace {

const TestAuthority& authority() {
  static const TestAuthority made("one authority");
  return made;
}

ScriptedPeer::Tls behind_a_proxy() {
  static const Identity server = authority().issue("server", "DNS:server.example");
  ScriptedPeer::Tls tls{server};
  tls.later = true;
  return tls;
}

// server.example:6443 through `peer`; no resolver knows that name.
Endpoint through(const ScriptedPeer& peer, const std::string& credentials = {}) {
  Endpoint endpoint;
  endpoint.host = "server.example";
  endpoint.port = "6443";
  endpoint.ca_pem = authority().pem();
  endpoint.proxy = {"127.0.0.1", peer.port(), credentials};
  return endpoint;
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// The error's text when a proxy answers CONNECT so.
std::string refusal(std::vector<Step> answer, const std::string& credentials = {}) {
  TestLoop loop;
  answer.insert(answer.begin(), take_request());
  const ScriptedPeer proxy(loop, {std::move(answer)}, behind_a_proxy());
  const auto got = ask(loop, through(proxy, credentials));
  REQUIRE_FALSE(got);
  CHECK(got.error().code == Code::kUnavailable);
  const std::string text = got.error().text();
  CHECK(has(text, "proxy 127.0.0.1:" + proxy.port() + ": "));
  CHECK_FALSE(has(text, "SECRET"));
  return text;
}

}  // namespace

TEST_CASE("a proxy opens the way, and looks the name up; TLS is with the server") {
  TestLoop loop;
  const ScriptedPeer proxy(
      loop, {{take_request(), say("HTTP/1.1 200 Connection established\r\n\r\n"), start_tls(), take_request(), say(ok("hello"))}},
      behind_a_proxy());
  const auto answer = ask(loop, through(proxy));
  REQUIRE(answer);
  CHECK(answer->body == "hello");
  REQUIRE(proxy.seen().requests.size() == 2);
  CHECK(proxy.seen().requests[0] == "CONNECT server.example:6443 HTTP/1.1\r\nHost: server.example:6443\r\n\r\n");
  CHECK(proxy.seen().server_name == "server.example");
}

TEST_CASE("who we are is told to the proxy, and to nobody else") {
  TestLoop loop;
  const ScriptedPeer proxy(loop, {{take_request(), say("HTTP/1.0 200\n\n"), start_tls(), take_request(), say(ok("hello"))}},
                           behind_a_proxy());
  REQUIRE(ask(loop, through(proxy, "me:open sesame")));
  REQUIRE(proxy.seen().requests.size() == 2);
  CHECK(has(proxy.seen().requests[0], "\r\nProxy-Authorization: Basic bWU6b3BlbiBzZXNhbWU=\r\n"));
  CHECK_FALSE(has(proxy.seen().requests[1], "Proxy-Authorization"));
}

TEST_CASE("an IPv6 address goes in brackets") {
  TestLoop loop;
  const ScriptedPeer proxy(loop, {{take_request(), say("HTTP/1.1 500 No\r\n\r\n")}}, behind_a_proxy());
  auto endpoint = through(proxy);
  endpoint.host = "fd00::1";
  CHECK_FALSE(ask(loop, endpoint));
  REQUIRE(proxy.seen().requests.size() == 1);
  CHECK(proxy.seen().requests[0].starts_with("CONNECT [fd00::1]:6443 HTTP/1.1\r\n"));
}

TEST_CASE("a proxy's answer in pieces, with headers, one of which looks like a body's length") {
  TestLoop loop;
  ScriptedPeer proxy(loop,
                     {{take_request(), say("HTTP/1.1 2"), pause(), say("00 OK\r\nVia: somebody\r\nContent-Length: 5\r\n\r"),
                       pause(), say("\n"), start_tls(), take_request(), say(ok("hello"))}},
                     behind_a_proxy());
  const Handle first = loop.after(Duration(20), [&] { proxy.proceed(); });
  const Handle second = loop.after(Duration(40), [&] { proxy.proceed(); });
  const auto answer = ask(loop, through(proxy));
  REQUIRE(answer);
  CHECK(answer->body == "hello");
}

TEST_CASE("who is not known to the proxy does not come again soon") {
  TestLoop loop;
  const ScriptedPeer proxy(loop, {{take_request(), say("HTTP/1.1 407 No\r\n\r\n")}}, behind_a_proxy());
  const auto answer = ask(loop, through(proxy, "me:SECRET"));
  REQUIRE_FALSE(answer);
  CHECK(answer.error().retry_after_s == 30);
}

TEST_CASE("a proxy's refusal names it and what to do, never the credentials") {
  CHECK(has(refusal({say("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")}), "(407) (give it as http://USER:PASSWORD@HOST"));
  CHECK(has(refusal({say("HTTP/1.1 407 No\r\n\r\n")}, "me:SECRET"),
            "it wants to know who we are (407) (are its user and password right?)"));
  CHECK(has(refusal({say("HTTP/1.1 403 SECRET\r\nContent-Length: 6\r\n\r\nSECRET")}),
            "it does not let us through to server.example:6443 (403)"));
  CHECK(has(refusal({say("HTTP/1.1 502 Bad Gateway\r\n\r\n")}), "it does not reach server.example:6443 (502)"));
  CHECK(has(refusal({say("HTTP/1.1 404 Not Found\r\n\r\n")}), "it refuses CONNECT to server.example:6443 (404)"));
}

TEST_CASE("what is no proxy, or ends, or never ends, is told") {
  CHECK(has(refusal({say("SSH-2.0-OpenSSH_9.2 SECRET\r\n\r\n")}), "it does not answer in HTTP/1.1"));
  CHECK(has(refusal({say("HTTP/1.1 200OK\r\n\r\n")}), "it does not answer in HTTP/1.1"));
  CHECK(has(refusal({say("HTTP/1.1 200 OK\r\n"), cut()}), "it closes instead of an answer to CONNECT"));
  CHECK(has(refusal({reset()}), "Connection reset"));
  const std::string field = "X: " + std::string(1000, 'x') + "\r\n";
  std::string endless = "HTTP/1.1 200 OK\r\n";
  while (endless.size() <= 20'000) endless += field;
  CHECK(has(refusal({say(endless), await_end()}), "its answer to CONNECT is too long"));
}

TEST_CASE("what a proxy says behind its answer is taken for the server's, whose TLS it is not") {
  CHECK(has(refusal({say("HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 400 Bad Request\r\n\r\n"), await_end()}), "through proxy "));
}

TEST_CASE("the way through a proxy takes no longer than a connection may") {
  TestLoop loop;
  const ScriptedPeer proxy(loop, {{take_request(), say("HTTP/1.1 200 OK\r\n"), await_end()}}, behind_a_proxy());
  ClientSettings settings;
  settings.connect_timeout = Duration(50);
  const auto answer = ask(loop, through(proxy), settings);
  REQUIRE_FALSE(answer);
  CHECK(answer.error().message == "proxy 127.0.0.1:" + proxy.port() + ": no connection within 50 ms");
}

TEST_CASE("a proxy that is not there is told as such") {
  TestLoop loop;
  auto endpoint = through(ScriptedPeer(loop, {}));  // gone again
  const auto answer = ask(loop, endpoint);
  REQUIRE_FALSE(answer);
  CHECK(answer.error().message == "proxy 127.0.0.1:" + endpoint.proxy.port + ": connect: Connection refused");
}

TEST_CASE("a proxy that is none is refused at once") {
  Loop loop;
  Endpoint endpoint;
  endpoint.host = "server.example";
  endpoint.port = "6443";
  endpoint.proxy = {"a/b", "3128", {}};
  CHECK_FALSE(make_https_client(loop, endpoint));
  endpoint.proxy = {"p", "0", {}};
  CHECK_FALSE(make_https_client(loop, endpoint));
}

}  // namespace knfe::net
