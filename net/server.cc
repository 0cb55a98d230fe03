#include "net/server.h"

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <charconv>
#include <optional>
#include <unordered_set>

#include "net/message_text.h"

namespace knfe::net {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;
using tcp = asio::ip::tcp;

namespace {

constexpr std::size_t kMaxHead = 8 << 10;
constexpr Duration kAcceptPause = std::chrono::seconds(1);  // when no descriptor is left: trying at once would spin

class Session;
using Sessions = std::unordered_set<std::shared_ptr<Session>>;

// One connection. It lives in the server's set; its pending operation keeps its memory, and finds a closed socket.
class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(Loop& loop, tcp::socket socket, std::shared_ptr<const Server::Handler> handler, Duration limit, Sessions& all)
      : loop_(loop), socket_(std::move(socket)), handler_(std::move(handler)), limit_(limit), all_(all) {}

  void start() {
    parser_.emplace();
    parser_->header_limit(kMaxHead);
    parser_->eager(true);
    head_size_ = 0;
    timer_ = loop_.after(limit_, [this] { leave(); });
    if (input_.empty()) return receive();
    digest();
  }

  void close() {
    timer_.reset();
    closed_ = true;
    error_code ignored;
    socket_.close(ignored);
  }

 private:
  void receive() {
    socket_.async_read_some(asio::buffer(piece_), [self = shared_from_this()](error_code error, std::size_t bytes) {
      if (self->closed_) return;
      if (error) return self->leave();
      self->input_.append(self->piece_.data(), bytes);
      self->digest();
    });
  }

  void digest() {
    error_code error;
    const auto taken = parser_->put(asio::buffer(input_), error);
    input_.erase(0, taken);
    head_size_ += taken;
    // Beast's own limit starts anew with each field that comes alone.
    if (error == http::error::need_more && head_size_ + input_.size() > kMaxHead) error = http::error::header_limit;
    if (error == http::error::need_more) return receive();
    if (error) return answer(refusal(error), false);
    if (!parser_->is_done()) return receive();
    const auto& message = parser_->get();
    if (message.method() != http::verb::get) {
      return answer({.status = 405, .headers = {{"Allow", "GET"}}, .body = "only GET\n"}, false);
    }
    Request request;
    request.target = message.target();
    for (const auto& field : message) request.headers.emplace_back(field.name_string(), field.value());
    timer_.reset();
    const auto handler = handler_;  // it may destroy the server
    (*handler)(request, [weak = weak_from_this(), keep = parser_->keep_alive()](const Response& response) {
      if (const auto self = weak.lock(); self && !self->closed_) self->answer(response, keep);
    });
  }

  static Response refusal(const error_code& error) {
    if (error == http::error::header_limit) return {.status = 431, .headers = {}, .body = "the head is too long\n"};
    if (error == http::error::unexpected_body) return {.status = 413, .headers = {}, .body = "no body is wanted\n"};
    return {.status = 400, .headers = {}, .body = "not HTTP/1.1\n"};
  }

  void answer(const Response& response, bool keep_connection) {
    timer_ = loop_.after(limit_, [this] { leave(); });
    output_ = response_text(response, keep_connection);
    asio::async_write(socket_, asio::buffer(output_),
                      [self = shared_from_this(), keep_connection](error_code error, std::size_t) {
                        if (self->closed_) return;
                        if (error || !keep_connection) return self->leave();
                        self->start();
                      });
  }

  void leave() {
    auto self = shared_from_this();
    close();
    all_.erase(self);
  }

  Loop& loop_;
  tcp::socket socket_;
  const std::shared_ptr<const Server::Handler> handler_;
  const Duration limit_;
  Sessions& all_;  // not touched once closed: the server may be gone
  std::optional<http::request_parser<http::empty_body>> parser_;
  std::size_t head_size_ = 0;
  std::array<char, 2048> piece_{};
  std::string input_;
  std::string output_;
  Handle timer_;
  bool closed_ = false;
};

class HttpServer final : public Server {
 public:
  HttpServer(Loop& loop, tcp::acceptor acceptor, Handler handler, const ServerSettings& settings)
      : loop_(loop),
        settings_(settings),
        handler_(std::make_shared<const Handler>(std::move(handler))),
        acceptor_(std::make_shared<tcp::acceptor>(std::move(acceptor))) {
    accept();
  }

  ~HttpServer() override {
    error_code ignored;
    acceptor_->close(ignored);
    for (const auto& session : sessions_) session->close();
  }

  int port() const override {
    error_code ignored;
    return acceptor_->local_endpoint(ignored).port();
  }

 private:
  // The acceptor tells the callback, by being closed, that the server is gone.
  void accept() {
    acceptor_->async_accept([this, acceptor = acceptor_](error_code error, tcp::socket socket) {
      if (!acceptor->is_open()) return;
      if (error) {
        pause_ = loop_.after(kAcceptPause, [this] { accept(); });
        return;
      }
      if (sessions_.size() < settings_.max_connections) {
        auto session = std::make_shared<Session>(loop_, std::move(socket), handler_, settings_.exchange_limit, sessions_);
        sessions_.insert(session);
        session->start();
      }
      accept();
    });
  }

  Loop& loop_;
  const ServerSettings settings_;
  const std::shared_ptr<const Handler> handler_;
  const std::shared_ptr<tcp::acceptor> acceptor_;
  Handle pause_;
  Sessions sessions_;
};

tcp::acceptor bind(Loop& loop, const asio::ip::address& host, std::uint16_t port, error_code& error) {
  tcp::acceptor acceptor(loop.context());
  const tcp::endpoint where(host, port);
  acceptor.open(where.protocol(), error);
  if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
  // The address for all hosts takes both families on one socket.
  if (!error && host.is_v6()) acceptor.set_option(asio::ip::v6_only(!host.is_unspecified()), error);
  if (!error) acceptor.bind(where, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  return acceptor;
}

}  // namespace

Server::Handler Server::at_once(std::function<Response(const Request&)> handler) {
  return [handler = std::move(handler)](const Request& request, const Answer& answer) { answer(handler(request)); };
}

Result<std::unique_ptr<Server>> Server::listen(Loop& loop, const std::string& address, Handler handler,
                                               const ServerSettings& settings) {
  const auto colon = address.rfind(':');
  if (colon == std::string::npos) return fail(Code::kInvalid, "not host:port", address);
  std::string host = address.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  std::uint16_t port = 0;
  const char* end = address.data() + address.size();
  const auto [rest, bad_port] = std::from_chars(address.data() + colon + 1, end, port);
  if (bad_port != std::errc() || rest != end) return fail(Code::kInvalid, "not a port", address);

  error_code error;
  const auto where = host.empty() ? asio::ip::address(asio::ip::address_v6::any()) : asio::ip::make_address(host, error);
  if (error) return fail(Code::kInvalid, "not an IP address", address);
  auto acceptor = bind(loop, where, port, error);
  // A kernel without IPv6 has no such family.
  if (error && host.empty()) acceptor = bind(loop, asio::ip::address_v4::any(), port, error);
  if (error) return fail(Code::kUnavailable, "cannot listen: " + error.message(), address);
  return std::make_unique<HttpServer>(loop, std::move(acceptor), std::move(handler), settings);
}

Response text_response(int status, std::string body) {
  return {status, {{"Content-Type", "text/plain; charset=utf-8"}}, std::move(body)};
}

}  // namespace knfe::net
