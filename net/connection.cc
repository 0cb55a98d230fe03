#include "net/connection.h"

#include <netinet/tcp.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <charconv>
#include <vector>

#include "net/message_text.h"
#include "net/tunnel.h"

namespace knfe::net {

namespace asio = boost::asio;
using boost::system::error_code;
using tcp = asio::ip::tcp;

namespace {

template <int level, int name>
using IntegerOption = asio::detail::socket_option::integer<level, name>;

// A peer that dies without a word is noticed after 30 s, both when data waits for it and when nothing is said.
void watch_for_silent_death(tcp::socket& socket) {
  error_code ignored;
  socket.set_option(tcp::no_delay(true), ignored);
  socket.set_option(asio::socket_base::keep_alive(true), ignored);
  socket.set_option(IntegerOption<IPPROTO_TCP, TCP_KEEPIDLE>(15), ignored);
  socket.set_option(IntegerOption<IPPROTO_TCP, TCP_KEEPINTVL>(5), ignored);
  socket.set_option(IntegerOption<IPPROTO_TCP, TCP_KEEPCNT>(3), ignored);
  socket.set_option(IntegerOption<IPPROTO_TCP, TCP_USER_TIMEOUT>(30'000), ignored);
}

Attempt judge(error_code error, std::size_t bytes, Attempt::Outcome wanted) {
  if (!error) return Attempt::done(bytes);
  if (error == asio::error::would_block || error == asio::error::try_again) return Attempt::of(wanted);
  if (error == asio::error::eof) return Attempt::of(Attempt::Outcome::kEnd);
  return Attempt::failed({Code::kUnavailable, error.message(), {}, {}, 0});
}

// Pending operations own the connection; what they find when they end depends only on which callback is still wanted.
class TcpConnection final : public Connection, public std::enable_shared_from_this<TcpConnection> {
 public:
  TcpConnection(Loop& loop, const Endpoint& endpoint, std::shared_ptr<TlsContext> tls)
      : loop_(loop), endpoint_(endpoint), tls_context_(std::move(tls)), resolver_(loop.context()), socket_(loop.context()) {}

  void open(Duration limit, std::function<void(Result<void>)> done) override {
    opened_ = std::move(done);
    deadline_ = boot_now() + limit;
    open_timer_ = loop_.after(limit, [this, limit] {
      settle(fail(Code::kUnavailable, "no connection within " + std::to_string(limit.count()) + " ms"));
    });

    error_code not_literal;
    const auto& [host, digits] = first_hop();
    const auto address = asio::ip::make_address(host, not_literal);
    if (!not_literal) {
      std::uint16_t port = 0;
      std::from_chars(digits.data(), digits.data() + digits.size(), port);
      addresses_.emplace_back(address, port);
      asio::post(loop_.context(), [self = shared_from_this()] { self->connect_next(); });
      return;
    }
    resolver_.async_resolve(host, digits,
                            [self = shared_from_this()](error_code error, const tcp::resolver::results_type& found) {
                              if (error) return self->settle(fail(Code::kUnavailable, "name lookup: " + error.message()));
                              for (const auto& entry : found) self->addresses_.push_back(entry.endpoint());
                              std::reverse(self->addresses_.begin(), self->addresses_.end());
                              self->connect_next();
                            });
  }

  Attempt read(std::span<char> into) override {
    Attempt attempt;
    if (tls_) {
      attempt = remember(tls_->read(into));
    } else {
      error_code error;
      const auto bytes = socket_.read_some(asio::buffer(into.data(), into.size()), error);
      attempt = remember(judge(error, bytes, Attempt::Outcome::kWantRead));
    }
    last_read_ = attempt.outcome;
    return attempt;
  }

  Attempt write(std::string_view bytes) override {
    if (tls_) return remember(tls_->write(bytes));
    error_code error;
    const auto sent = socket_.write_some(asio::buffer(bytes), error);
    return remember(judge(error, sent, Attempt::Outcome::kWantWrite));
  }

  void ready(std::function<void()> task) override { wait(last_, ready_, std::move(task)); }

  void readable(std::function<void()> task) override {
    const bool nothing = last_read_ == Attempt::Outcome::kDone && drained();
    wait(nothing ? Attempt::Outcome::kWantRead : last_read_, readable_, std::move(task));
  }

  void writable(std::function<void()> task) override { wait(Attempt::Outcome::kWantWrite, writable_, std::move(task)); }

  bool drained() const override { return tls_ && tls_->drained(); }

  bool speaks_http2() const override { return tls_ && tls_->protocol() == "h2"; }

  bool quiet() override {
    char byte = 0;
    return read({&byte, 1}).outcome == Attempt::Outcome::kWantRead;
  }

  bool uses(const std::shared_ptr<TlsContext>& tls) const override { return tls_context_ == tls; }

  void close() override {
    opened_ = nullptr;
    ready_ = readable_ = writable_ = nullptr;
    open_timer_.reset();
    address_timer_.reset();
    tunnel_.reset();
    if (tls_) tls_->close();
    tls_.reset();
    resolver_.cancel();
    error_code ignored;
    socket_.close(ignored);
  }

 private:
  using Task = std::function<void()>;

  void wait(Attempt::Outcome wanted, Task& place, Task task) {
    KNFE_CHECK(!place);
    place = std::move(task);
    auto wake = [self = shared_from_this(), &place](error_code = {}) {
      if (const auto due = std::exchange(place, nullptr)) self->loop_.turn(due);
    };
    switch (wanted) {
      case Attempt::Outcome::kWantRead:
        return socket_.async_wait(tcp::socket::wait_read, std::move(wake));
      case Attempt::Outcome::kWantWrite:
        return socket_.async_wait(tcp::socket::wait_write, std::move(wake));
      default:
        return asio::post(loop_.context(), std::move(wake));
    }
  }

  Attempt remember(Attempt attempt) {
    last_ = attempt.outcome;
    return attempt;
  }

  // A black hole among several addresses must not eat the time of those behind it: each gets its share of what is left.
  void connect_next() {
    if (!opened_) return;
    if (addresses_.empty()) return settle(fail(Code::kUnavailable, failure_));
    const tcp::endpoint address = addresses_.back();
    const auto share = (deadline_ - boot_now()) / static_cast<int>(addresses_.size());
    addresses_.pop_back();

    error_code error;
    socket_.close(error);
    socket_.open(address.protocol(), error);
    if (!error) socket_.non_blocking(true, error);
    if (error) {
      failure_ = "connect: " + error.message();
      return connect_next();
    }
    watch_for_silent_death(socket_);
    if (!addresses_.empty()) {
      address_timer_ = loop_.after(share, [this] {
        error_code ignored;
        socket_.close(ignored);
      });
    }
    socket_.async_connect(address, [self = shared_from_this()](error_code outcome) {
      self->address_timer_.reset();
      if (!self->opened_) return;
      if (outcome == asio::error::operation_aborted || (!outcome && !self->socket_.is_open())) return self->connect_next();
      if (outcome) {
        self->failure_ = "connect: " + outcome.message();
        return self->connect_next();
      }
      self->connected();
    });
  }

  void connected() {
    if (!proxied()) return at_server();
    tunnel_ = std::make_unique<Tunnel>(socket_.native_handle(), endpoint_);
    dig();
  }

  void dig() {
    if (!opened_) return;
    Attempt attempt = remember(tunnel_->dig());
    if (attempt.outcome == Attempt::Outcome::kFailed) return settle(std::unexpected(std::move(attempt.error)));
    if (attempt.outcome != Attempt::Outcome::kDone) return ready([this] { dig(); });
    tunnel_.reset();
    at_server();
  }

  void at_server() {
    if (!tls_context_) return settle({});
    tls_ = tls_context_->open(socket_.native_handle());
    shake_hands();
  }

  void shake_hands() {
    if (!opened_) return;
    Attempt attempt = remember(tls_->handshake());
    switch (attempt.outcome) {
      case Attempt::Outcome::kDone:
        return settle({});
      case Attempt::Outcome::kWantRead:
      case Attempt::Outcome::kWantWrite:
        return ready([this] { shake_hands(); });
      case Attempt::Outcome::kEnd:
        return settle(fail(Code::kUnavailable, "closed during the TLS handshake"));
      case Attempt::Outcome::kFailed:
        return settle(std::unexpected(std::move(attempt.error)));
    }
  }

  bool proxied() const { return !endpoint_.proxy.host.empty(); }

  std::pair<const std::string&, const std::string&> first_hop() const {
    if (proxied()) return {endpoint_.proxy.host, endpoint_.proxy.port};
    return {endpoint_.host, endpoint_.port};
  }

  // Without its credentials.
  std::string proxy_name() const { return "proxy " + bracketed(endpoint_.proxy.host) + ":" + endpoint_.proxy.port + ": "; }

  void settle(Result<void> result) {
    if (!result && proxied()) result.error().message.insert(0, (tls_ ? "through " : "") + proxy_name());
    auto self = shared_from_this();  // the callback may drop the last owner
    open_timer_.reset();
    if (auto done = std::exchange(opened_, nullptr)) done(std::move(result));
  }

  Loop& loop_;
  const Endpoint endpoint_;
  const std::shared_ptr<TlsContext> tls_context_;
  tcp::resolver resolver_;
  tcp::socket socket_;
  std::unique_ptr<Tunnel> tunnel_;  // while it is dug
  std::unique_ptr<TlsSession> tls_;
  std::vector<tcp::endpoint> addresses_;  // still to try, the next one last
  Instant deadline_{};
  std::string failure_ = "connect: no address answers";  // what to report when none is left
  Attempt::Outcome last_ = Attempt::Outcome::kDone;
  Attempt::Outcome last_read_ = Attempt::Outcome::kDone;
  std::function<void(Result<void>)> opened_;
  Task ready_, readable_, writable_;
  Handle open_timer_;
  Handle address_timer_;
};

}  // namespace

std::shared_ptr<Connection> make_connection(Loop& loop, const Endpoint& endpoint, std::shared_ptr<TlsContext> tls) {
  return std::make_shared<TcpConnection>(loop, endpoint, std::move(tls));
}

}  // namespace knfe::net
