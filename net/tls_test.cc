#include <doctest/doctest.h>
#include <openssl/ssl.h>

#include "net/scripted_peer_test.h"

namespace knfe::net {

namespace {

const TestAuthority& authority() {
  static const TestAuthority made("one authority");
  return made;
}

const Identity& server_identity() {
  static const Identity made = authority().issue("server", "DNS:server.example,IP:127.0.0.1");
  return made;
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// What a client that goes to `endpoint` of a fresh server gets: the body, or the error's text.
std::string outcome(const ScriptedPeer::Tls& tls, const std::function<Endpoint(const ScriptedPeer&)>& endpoint) {
  TestLoop loop;
  const ScriptedPeer peer(loop, {{take_request(), say(ok("hello"))}}, tls);
  const auto answer = ask(loop, endpoint(peer));
  if (answer) return answer->body;
  CHECK(answer.error().code == Code::kUnavailable);
  return answer.error().message;
}

}  // namespace

TEST_CASE("a server whose certificate has the address, or the name, is trusted") {
  CHECK(outcome({server_identity()}, [](const auto& peer) { return peer.secure(authority().pem()); }) == "hello");
  CHECK(outcome({server_identity()}, [](const auto& peer) { return peer.secure(authority().pem(), "server.example"); }) ==
        "hello");
}

TEST_CASE("the name goes by SNI; an address does not") {
  for (const std::string name : {"server.example", "127.0.0.1"}) {
    TestLoop loop;
    const ScriptedPeer peer(loop, {{take_request(), say(ok("hello"))}}, ScriptedPeer::Tls{server_identity()});
    REQUIRE(ask(loop, peer.secure(authority().pem(), name)));
    CHECK(peer.seen().server_name == (name == "127.0.0.1" ? "" : name));
  }
}

TEST_CASE("both versions of HTTP are offered, or 1.1 alone; the server chooses") {
  for (const bool http2 : {true, false}) {
    TestLoop loop;
    const ScriptedPeer peer(loop, {{take_request(), say(ok("hello"))}}, ScriptedPeer::Tls{server_identity()});
    auto endpoint = peer.secure(authority().pem());
    endpoint.http2 = http2;
    REQUIRE(ask(loop, endpoint));
    CHECK(peer.seen().offered == (http2 ? "h2,http/1.1" : "http/1.1"));
  }
}

TEST_CASE("requests that wait to learn what the server speaks each get a connection when it is HTTP/1.1") {
  TestLoop loop;
  const std::vector<Step> one{take_request(), say(ok("hello"))};
  const ScriptedPeer peer(loop, {one, one, one}, ScriptedPeer::Tls{server_identity()});
  auto client = make_https_client(loop, peer.secure(authority().pem()));
  REQUIRE(client);
  int answers = 0;
  std::vector<Handle> handles;
  for (int i = 0; i < 3; ++i) {
    handles.push_back((*client)->send({}, [&](const Result<Response>& answer) {
      CHECK(answer);
      if (++answers == 3) loop.stop();
    }));
  }
  loop.run();
  CHECK(peer.seen().connections == 3);
}

TEST_CASE("a server is not trusted for another authority, name or time") {
  static const TestAuthority other("other authority");
  const auto by = [](const std::string& ca, const std::string& name) {
    return [ca, name](const ScriptedPeer& peer) { return peer.secure(ca, name); };
  };
  CHECK(has(outcome({server_identity()}, by(other.pem(), "server.example")), "is not trusted"));
  CHECK(has(outcome({server_identity()}, by("", "server.example")), "is not trusted"));
  CHECK(has(outcome({server_identity()}, by(authority().pem(), "other.example")), "for another name"));
  CHECK(has(outcome({authority().issue("127.0.0.1", "DNS:server.example")}, by(authority().pem(), "127.0.0.1")),
            "for another name"));
  CHECK(has(outcome({authority().issue("server.example", "")}, by(authority().pem(), "server.example")), "for another name"));
  CHECK(has(outcome({authority().issue("server", "DNS:server.example", true)}, by(authority().pem(), "server.example")),
            "is not valid now"));
}

TEST_CASE("insecure means that anybody will do") {
  CHECK(outcome({authority().issue("anybody", "", true)}, [](const auto& peer) {
          auto endpoint = peer.secure("");
          endpoint.insecure = true;
          return endpoint;
        }) == "hello");
}

TEST_CASE("several anchors; a server certificate may itself be one") {
  static const TestAuthority other("other authority");
  CHECK(outcome({server_identity()}, [](const auto& peer) { return peer.secure(other.pem() + authority().pem()); }) == "hello");
  CHECK(outcome({server_identity()}, [](const auto& peer) { return peer.secure(server_identity().certificate_pem); }) == "hello");
}

TEST_CASE("a client certificate is shown, and a refusal is told as such, in both versions of TLS") {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    static const TestAuthority users("users");
    const ScriptedPeer::Tls demanding{server_identity(), users.pem(), version};
    const auto with = [&](const Identity& user) {
      TestLoop loop;
      const ScriptedPeer peer(loop, {{take_request(), say(ok("hello"))}}, demanding);
      auto endpoint = peer.secure(authority().pem());
      endpoint.certificate_pem = user.certificate_pem;
      endpoint.key_pem = user.key_pem;
      const auto answer = ask(loop, endpoint);
      return answer ? answer->body : answer.error().text();
    };
    CHECK(with(users.issue("me", "")) == "hello");
    CHECK(has(with(authority().issue("me", "")), "refuses our certificate"));
    CHECK(with({}) != "hello");
  }
}

TEST_CASE("nothing below TLS 1.2 is spoken") {
  TestLoop loop;
  ScriptedPeer::Tls old{server_identity(), {}, TLS1_1_VERSION};
  const ScriptedPeer peer(loop, {{take_request(), say(ok("hello"))}}, old);
  const auto answer = ask(loop, peer.secure(authority().pem()));
  REQUIRE_FALSE(answer);
  CHECK(answer.error().code == Code::kUnavailable);
}

TEST_CASE("a server that does not speak TLS at all") {
  TestLoop loop;
  const ScriptedPeer peer(loop, {{say("HTTP/1.1 400 Bad Request\r\n\r\n")}});
  const auto answer = ask(loop, peer.secure(authority().pem()));
  REQUIRE_FALSE(answer);
  CHECK(answer.error().code == Code::kUnavailable);
}

TEST_CASE("the session is resumed by the next connection") {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TestLoop loop;
    const std::vector<Step> once{take_request(), say(ok("x", "Connection: close\r\n"))};
    const ScriptedPeer peer(loop, {once, once, once}, ScriptedPeer::Tls{server_identity(), {}, version});
    auto client = make_https_client(loop, peer.secure(authority().pem()));
    REQUIRE(client);
    for (int i = 0; i < 3; ++i) {
      const Handle handle = (*client)->send({}, [&](Result<Response> answer) {
        CHECK(answer);
        loop.stop();
      });
      loop.run();
    }
    CHECK(peer.seen().connections == 3);
    CHECK(peer.seen().resumed == 2);
  }
}

TEST_CASE("a kept TLS connection is reused; one that was closed meanwhile is not") {
  TestLoop loop;
  ScriptedPeer peer(
      loop,
      {{take_request(), say(ok("1")), take_request(), say(ok("2")), pause(), close_properly(), tell([&] { loop.stop(); })},
       {take_request(), say(ok("3"))}},
      ScriptedPeer::Tls{server_identity()});
  auto client = make_https_client(loop, peer.secure(authority().pem()));
  REQUIRE(client);
  std::string bodies;
  for (int i = 0; i < 3; ++i) {
    if (i == 2) {
      peer.proceed();
      loop.run();
    }
    const Handle handle = (*client)->send({.method = "POST"}, [&](Result<Response> answer) {
      bodies += answer ? answer->body : answer.error().text();
      loop.stop();
    });
    loop.run();
  }
  CHECK(bodies == "123");
  CHECK(peer.seen().connections == 2);
}

TEST_CASE("an end without TLS good-bye is no proper end of a body that lasts until the end") {
  for (const bool properly : {true, false}) {
    TestLoop loop;
    const ScriptedPeer peer(loop, {{take_request(), say("HTTP/1.1 200 OK\r\n\r\nhalf"), properly ? close_properly() : cut()}},
                            ScriptedPeer::Tls{server_identity()});
    const auto answer = ask(loop, peer.secure(authority().pem()));
    CHECK(answer.has_value() == properly);
  }
}

TEST_CASE("large bodies in both directions") {
  TestLoop loop;
  const std::string large(3 << 20, 'x');
  const ScriptedPeer peer(loop, {{take_request(), say(ok(large))}}, ScriptedPeer::Tls{server_identity()});
  auto client = make_https_client(loop, peer.secure(authority().pem()));
  REQUIRE(client);
  const Handle handle = (*client)->send({.method = "POST", .body = large}, [&](Result<Response> answer) {
    CHECK(answer->body == large);
    loop.stop();
  });
  loop.run();
  CHECK(peer.seen().requests.at(0).ends_with(large));
}

TEST_CASE("a server that goes away while we send costs the exchange, not the process") {
  TestLoop loop;
  const ScriptedPeer peer(loop, {{cut()}}, ScriptedPeer::Tls{server_identity()});
  auto client = make_https_client(loop, peer.secure(authority().pem()));
  REQUIRE(client);
  const Handle handle = (*client)->send({.method = "POST", .body = std::string(16 << 20, 'x')}, [&](Result<Response> answer) {
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code == Code::kUnavailable);
    loop.stop();
  });
  loop.run();
}

TEST_CASE("certificates and keys that cannot be read are told at once, and not shown") {
  Loop loop;
  const Identity user = authority().issue("me", "");
  const auto refusal = [&](const std::string& ca, const std::string& certificate, const std::string& key) {
    Endpoint endpoint{
        .host = "h", .port = "1", .tls = true, .ca_pem = ca, .certificate_pem = certificate, .key_pem = key, .server_name = {}};
    const auto made = make_https_client(loop, endpoint);
    if (made) return std::string("accepted");
    CHECK(made.error().code == Code::kInvalid);
    CHECK(made.error().text().find("SECRET") == std::string::npos);
    return made.error().where;
  };
  CHECK(refusal(authority().pem(), user.certificate_pem, user.key_pem) == "accepted");
  CHECK(refusal("", "", "") == "accepted");
  CHECK(refusal("SECRET", "", "") == "certificate authority");
  CHECK(refusal(user.key_pem, "", "") == "certificate authority");
  CHECK(refusal(authority().pem() + "-----BEGIN CERTIFICATE-----\nSECRET\n-----END CERTIFICATE-----\n", "", "") ==
        "certificate authority");
  CHECK(refusal("", "SECRET", user.key_pem) == "client certificate");
  CHECK(refusal("", user.certificate_pem, "") == "client certificate");
  CHECK(refusal("", "", user.key_pem) == "client certificate");
  CHECK(refusal("", user.certificate_pem, "SECRET") == "client key");
  CHECK(refusal("", user.certificate_pem, authority().issue("other", "").key_pem) == "client key");
  const std::string encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nSECRET\n-----END ENCRYPTED PRIVATE KEY-----\n";
  CHECK(refusal("", user.certificate_pem, encrypted) == "client key");
}

TEST_CASE("whom a client trusts, and who it is, can be exchanged while it works") {
  static const TestAuthority users("users"), other("another authority");
  TestLoop loop;
  const std::vector<Step> kept{take_request(), say(ok("x"))};
  const std::vector<Step> held{take_request(), say("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n"), pause(), say("y")};
  const ScriptedPeer peer(loop, {kept, kept, held, kept}, ScriptedPeer::Tls{server_identity(), users.pem()});
  auto endpoint = peer.secure(authority().pem());
  const auto mine = users.issue("me", "");
  endpoint.certificate_pem = mine.certificate_pem;
  endpoint.key_pem = mine.key_pem;
  auto client = make_https_client(loop, endpoint);
  REQUIRE(client);
  const auto ask_once = [&] {
    std::string outcome;
    const Handle handle = (*client)->send({}, [&](Result<Response> answer) {
      outcome = answer ? answer->body : answer.error().message;
      loop.stop();
    });
    loop.run();
    return outcome;
  };
  CHECK(ask_once() == "x");
  auto renewed = endpoint;
  renewed.ca_pem = "half of it";
  REQUIRE_FALSE((*client)->renew(renewed));  // and nothing has changed
  renewed.ca_pem = other.pem();
  REQUIRE((*client)->renew(renewed));
  CHECK(has(ask_once(), "is not trusted"));  // the idle connection is used no more
  renewed.ca_pem = other.pem() + authority().pem();
  const auto next = users.issue("me again", "");
  renewed.certificate_pem = next.certificate_pem;
  renewed.key_pem = next.key_pem;
  REQUIRE((*client)->renew(renewed));
  std::string body;
  const Handle under_way =
      (*client)->stream({}, {[&](int, const Headers&) { loop.stop(); }, [&](std::string_view piece) { body += piece; },
                             [&](const Result<void>&) { loop.stop(); }});
  loop.run();
  REQUIRE((*client)->renew(renewed));
  const_cast<ScriptedPeer&>(peer).proceed();
  loop.run();
  CHECK(body == "y");  // what is under way goes on to its end
  CHECK(ask_once() == "x");
  CHECK(peer.seen().connections == 4);
}

}  // namespace knfe::net
