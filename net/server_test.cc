#include "net/server.h"

#include <doctest/doctest.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>

#include "net/scripted_peer_test.h"

namespace knfe::net {

namespace asio = boost::asio;
using boost::system::error_code;
using tcp = asio::ip::tcp;

namespace {

std::unique_ptr<Server> serve(
    Loop& loop,
    std::function<Response(const Request&)> handler = [](const Request&) { return Response{.status = 200, .body = "ok"}; }) {
  auto server = Server::listen(loop, "127.0.0.1:0", Server::at_once(std::move(handler)));
  REQUIRE(server);
  return std::move(*server);
}

// A connection that sends bytes as they are and takes what comes until the server closes.
struct RawClient : std::enable_shared_from_this<RawClient> {
  RawClient(Loop& loop, int port) : socket(loop.context()) {
    socket.connect({asio::ip::address_v4::loopback(), static_cast<std::uint16_t>(port)});
  }

  void say(std::string text) {
    output = std::move(text);
    asio::async_write(socket, asio::buffer(output), [self = shared_from_this()](error_code, std::size_t) {});
  }

  void read(const std::function<void()>& at_each, const std::function<void()>& at_end) {
    socket.async_read_some(asio::buffer(piece),
                           [self = shared_from_this(), at_each, at_end](error_code error, std::size_t bytes) {
                             self->input.append(self->piece.data(), bytes);
                             if (error) return at_end();
                             at_each();
                             self->read(at_each, at_end);
                           });
  }

  tcp::socket socket;
  std::string input;
  std::string output;
  std::array<char, 4096> piece{};
};

// What the server answers to these bytes before it closes.
std::string answer_to(const std::string& text) {
  TestLoop loop;
  const auto server = serve(loop);
  auto client = std::make_shared<RawClient>(loop, server->port());
  client->say(text);
  client->read([] {}, [&] { loop.stop(); });
  loop.run();
  return client->input;
}

}  // namespace

TEST_CASE("a handler answers; the connection is kept") {
  TestLoop loop;
  int calls = 0;
  const auto server = serve(loop, [&](const Request& request) {
    ++calls;
    CHECK(header(request.headers, "accept") == "text/plain");
    return Response{.status = 200, .headers = {{"Content-Type", "text/plain"}}, .body = "you want " + request.target};
  });
  auto client = make_https_client(loop, {.host = "127.0.0.1", .port = std::to_string(server->port()), .tls = false});
  REQUIRE(client);
  for (const std::string target : {"/livez?verbose", "/metrics"}) {
    const Handle handle =
        (*client)->send({.target = target, .headers = {{"Accept", "text/plain"}}}, [&](Result<Response> answer) {
          REQUIRE(answer);
          CHECK(answer->status == 200);
          CHECK(header(answer->headers, "Content-Type") == "text/plain");
          CHECK(header(answer->headers, "Connection") == "keep-alive");
          CHECK(answer->body == "you want " + target);
          loop.stop();
        });
    loop.run();
  }
  CHECK(calls == 2);
}

TEST_CASE("requests that come together are answered one after the other") {
  const auto answers = answer_to("GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\nConnection: close\r\n\r\n");
  CHECK(answers.find("200 OK") < answers.rfind("200 OK"));
  CHECK(answers.ends_with("Connection: close\r\n\r\nok"));
}

TEST_CASE("what is not served is told and closed") {
  CHECK(answer_to("GET / HTTP/1.0\r\n\r\n").starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(answer_to("HEAD / HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 405 "));
  CHECK(answer_to("POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n").starts_with("HTTP/1.1 405 "));
  CHECK(answer_to("GET / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc").starts_with("HTTP/1.1 413 "));
  CHECK(answer_to("GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n").starts_with("HTTP/1.1 413 "));
  CHECK(answer_to("\x16\x03\x01\x02").starts_with("HTTP/1.1 400 "));
  CHECK(answer_to("GET / HTTP/1.1\r\nbad\r\n\r\n").starts_with("HTTP/1.1 400 "));
  CHECK(answer_to("GET / HTTP/1.1\r\nA: " + std::string(9000, 'x') + "\r\n\r\n").starts_with("HTTP/1.1 431 "));
}

TEST_CASE("heads are limited also when they come line by line") {
  TestLoop loop;
  const auto server = serve(loop);
  auto client = std::make_shared<RawClient>(loop, server->port());
  std::function<void()> next = [&] {
    asio::async_write(client->socket, asio::buffer(": b\r\nA", 6), [&](error_code error, std::size_t) {
      if (!error) next();
    });
  };
  client->say("GET / HTTP/1.1\r\nA");
  next();
  client->read([] {}, [&] { loop.stop(); });
  loop.run();
  CHECK(client->input.starts_with("HTTP/1.1 431 "));
  client->socket.close();
  loop.post([&] { loop.stop(); });
  loop.run();
}

TEST_CASE("whoever is slow to ask is closed") {
  TestLoop loop;
  const auto server = Server::listen(loop, "127.0.0.1:0", Server::at_once([](const Request&) { return Response{.status = 200}; }),
                                     {.exchange_limit = Duration(20)});
  REQUIRE(server);
  auto client = std::make_shared<RawClient>(loop, (*server)->port());
  client->say("GET / HTTP/1.1\r\n");
  client->read([] {}, [&] { loop.stop(); });
  loop.run();
  CHECK(client->input.empty());
}

TEST_CASE("an answer that takes its time has it, and others are served meanwhile") {
  TestLoop loop;
  Handle later;
  const auto server = Server::listen(loop, "127.0.0.1:0",
                                     [&](const Request& request, const Server::Answer& answer) {
                                       if (request.target == "/fast") return answer({.status = 200, .body = "fast"});
                                       later = loop.after(Duration(100), [answer] { answer({.status = 200, .body = "slow"}); });
                                     },
                                     {.exchange_limit = Duration(30)});
  REQUIRE(server);
  std::string order;
  std::vector<std::shared_ptr<RawClient>> clients;
  for (const char* target : {"/slow", "/fast"}) {
    clients.push_back(std::make_shared<RawClient>(loop, (*server)->port()));
    clients.back()->say(std::string("GET ") + target + " HTTP/1.1\r\nConnection: close\r\n\r\n");
    clients.back()->read([] {},
                         [&, client = clients.back().get()] {
                           order += client->input.substr(client->input.size() - std::min<std::size_t>(client->input.size(), 4));
                           if (order.size() == 8) loop.stop();
                         });
  }
  loop.run();
  CHECK(order == "fastslow");
}

TEST_CASE("an answer that comes when the peer, or the server, is gone goes nowhere") {
  TestLoop loop;
  Server::Answer kept;
  auto server = Server::listen(loop, "127.0.0.1:0", [&](const Request&, const Server::Answer& answer) {
    kept = answer;
    loop.stop();
  });
  REQUIRE(server);
  auto client = std::make_shared<RawClient>(loop, (*server)->port());
  client->say("GET / HTTP/1.1\r\n\r\n");
  client->read([] {}, [] {});
  loop.run();
  server->reset();
  kept({.status = 200});
  client->socket.close();
}

TEST_CASE("64 connections, and no more") {
  TestLoop loop;
  const auto server = serve(loop);
  std::vector<std::shared_ptr<RawClient>> clients;
  int closed = 0;
  for (int i = 0; i < 65; ++i) {
    clients.push_back(std::make_shared<RawClient>(loop, server->port()));
    clients.back()->read([] {},
                         [&] {
                           ++closed;
                           loop.stop();
                         });
  }
  loop.run();
  CHECK(closed == 1);
  // The place of one that leaves is given to the next.
  clients.front()->socket.close();
  loop.run();
  auto next = std::make_shared<RawClient>(loop, server->port());
  next->say("GET / HTTP/1.1\r\n\r\n");
  next->read([&] { loop.stop(); }, [&] { loop.stop(); });
  loop.run();
  CHECK(next->input.starts_with("HTTP/1.1 200 OK"));
  for (const auto& client : clients) client->socket.close();
}

TEST_CASE("destroying the server closes all, also from within its handler") {
  TestLoop loop;
  std::unique_ptr<Server> server;
  server = serve(loop, [&](const Request&) {
    server.reset();
    return Response{.status = 200};
  });
  int closed = 0;
  const auto at_end = [&] {
    if (++closed == 2) loop.stop();
  };
  auto idle = std::make_shared<RawClient>(loop, server->port());
  idle->read([] {}, at_end);
  auto asking = std::make_shared<RawClient>(loop, server->port());
  asking->say("GET / HTTP/1.1\r\n\r\n");
  asking->read([] {}, at_end);
  loop.run();
  CHECK(closed == 2);
  CHECK(asking->input.empty());
}

TEST_CASE("addresses to listen on") {
  Loop loop;
  const auto handler = Server::at_once([](const Request&) { return Response{.status = 200}; });
  const auto every = Server::listen(loop, ":0", handler);
  REQUIRE(every);
  CHECK((*every)->port() > 0);
  tcp::socket socket(loop.context());
  error_code error;
  socket.connect({asio::ip::address_v4::loopback(), static_cast<std::uint16_t>((*every)->port())}, error);
  CHECK_FALSE(error);

  for (const std::string address : {"", "8080", "localhost:0", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:x", "[::1:0"}) {
    CAPTURE(address);
    const auto none = Server::listen(loop, address, handler);
    REQUIRE_FALSE(none);
    CHECK(none.error().code == Code::kInvalid);
    CHECK(none.error().where == address);
  }
  const auto taken = Server::listen(loop, "127.0.0.1:" + std::to_string((*every)->port()), handler);
  REQUIRE_FALSE(taken);
  CHECK(taken.error().code == Code::kUnavailable);
}

}  // namespace knfe::net
