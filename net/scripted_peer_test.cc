#include "net/scripted_peer_test.h"

#include <doctest/doctest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>
#include <functional>

namespace knfe::net {

namespace asio = boost::asio;
namespace ssl = asio::ssl;
using boost::system::error_code;
using tcp = asio::ip::tcp;
using Stream = ssl::stream<tcp::socket>;

TestLoop::TestLoop() {
  guard_ = after(std::chrono::minutes(1), [this] {
    stop();
    FAIL_CHECK("nothing happened for a minute");
  });
}

std::string ok(const std::string& body, const std::string& headers) {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + headers + "\r\n" + body;
}

class ScriptedPeer::Impl : public std::enable_shared_from_this<ScriptedPeer::Impl> {
 public:
  Impl(Loop& loop, std::vector<std::vector<Step>> scripts, const std::optional<Tls>& tls)
      : acceptor_(loop.context(), {asio::ip::address_v4::loopback(), 0}),
        context_(ssl::context::tls_server),
        scripts_(std::move(scripts)),
        secure_(tls.has_value() && !tls->later) {
    if (!tls) return;
    context_.use_certificate_chain(asio::buffer(tls->identity.certificate_pem));
    context_.use_private_key(asio::buffer(tls->identity.key_pem), ssl::context::pem);
    SSL_CTX_set_session_id_context(context_.native_handle(), reinterpret_cast<const unsigned char*>("peer"), 4);
    SSL_CTX_set_alpn_select_cb(context_.native_handle(), choose, this);
    if (tls->max_version != 0) SSL_CTX_set_max_proto_version(context_.native_handle(), tls->max_version);
    if (tls->client_ca_pem.empty()) return;
    context_.add_certificate_authority(asio::buffer(tls->client_ca_pem));
    context_.set_verify_mode(ssl::verify_peer | ssl::verify_fail_if_no_peer_cert);
  }

  static int choose(SSL*, const unsigned char** chosen, unsigned char* size, const unsigned char* offered, unsigned offered_size,
                    void* self) {
    auto& told = static_cast<Impl*>(self)->seen.offered;
    told.clear();
    for (unsigned i = 0; i < offered_size; i += 1 + offered[i]) {
      if (!told.empty()) told += ',';
      told.append(reinterpret_cast<const char*>(offered) + i + 1, offered[i]);
    }
    static constexpr unsigned char kWanted[] = "\x08http/1.1";
    SSL_select_next_proto(const_cast<unsigned char**>(chosen), size, kWanted, sizeof kWanted - 1, offered, offered_size);
    return SSL_TLSEXT_ERR_OK;
  }

  // One connection and its place in its script.
  struct Link : std::enable_shared_from_this<Link> {
    Link(std::shared_ptr<Impl> of, tcp::socket socket, std::vector<Step> steps)
        : peer(std::move(of)), stream(std::move(socket), peer->context_), script(std::move(steps)), secure(peer->secure_) {}

    std::shared_ptr<Impl> peer;
    Stream stream;
    std::vector<Step> script;
    bool secure;
    std::size_t next = 0;
    std::string input;
    std::array<char, 4096> piece{};

    void begin() {
      stream.next_layer().set_option(tcp::no_delay(true));
      secure ? shake_hands() : advance();
    }

    void shake_hands() {
      secure = true;
      stream.async_handshake(Stream::server, [self = shared_from_this()](error_code error) {
        auto* handle = self->stream.native_handle();
        if (const char* name = SSL_get_servername(handle, TLSEXT_NAMETYPE_host_name)) self->peer->seen.server_name = name;
        if (error) {
          ++self->peer->seen.refused_handshakes;
          return self->close();
        }
        self->peer->seen.resumed += SSL_session_reused(handle);
        self->advance();
      });
    }

    void close() {
      error_code ignored;
      stream.next_layer().shutdown(tcp::socket::shutdown_both, ignored);
      stream.next_layer().close(ignored);
    }

    void close_and_advance() {
      close();
      advance();
    }

    void advance() {
      if (next == script.size()) return;
      const Step& step = script[next++];
      auto self = shared_from_this();
      switch (step.kind) {
        case Step::Kind::kTakeRequest:
          return take_request();
        case Step::Kind::kSend:
          return send(step.text);
        case Step::Kind::kPause:
          peer->paused_.push_back([self] { self->advance(); });
          return peer->let_go();
        case Step::Kind::kTell:
          step.tell();
          return advance();
        case Step::Kind::kClose:
          if (!secure) return close_and_advance();
          // The client's good-bye is not awaited: it may look at the connection only much later.
          SSL_set_shutdown(stream.native_handle(), SSL_RECEIVED_SHUTDOWN);
          return stream.async_shutdown([self](error_code) { self->close_and_advance(); });
        case Step::Kind::kReset:
          stream.next_layer().set_option(asio::socket_base::linger(true, 0));
          stream.next_layer().close();
          return advance();
        case Step::Kind::kCut:
          return close_and_advance();
        case Step::Kind::kAwaitEnd:
          return await_end();
        case Step::Kind::kStartTls:
          return shake_hands();
      }
    }

    template <class Done>
    void read(Done done) {
      if (secure) return stream.async_read_some(asio::buffer(piece), std::move(done));
      stream.next_layer().async_read_some(asio::buffer(piece), std::move(done));
    }

    void take_request() {
      const auto head = input.find("\r\n\r\n");
      if (head != std::string::npos) {
        const auto length = input.find("Content-Length: ");
        const auto body = length < head ? std::stoul(input.substr(length + 16)) : 0;
        if (input.size() >= head + 4 + body) {
          peer->seen.requests.push_back(input.substr(0, head + 4 + body));
          input.erase(0, head + 4 + body);
          return advance();
        }
      }
      read([self = shared_from_this()](error_code error, std::size_t bytes) {
        if (error) return self->close();
        self->input.append(self->piece.data(), bytes);
        self->take_request();
      });
    }

    void await_end() {
      read([self = shared_from_this()](error_code error, std::size_t) { error ? self->advance() : self->await_end(); });
    }

    void send(const std::string& text) {
      auto done = [self = shared_from_this()](error_code error, std::size_t) { error ? self->close() : self->advance(); };
      if (secure) return asio::async_write(stream, asio::buffer(text), std::move(done));
      // First as much as the kernel takes at once; Asio by itself would hand out smaller portions.
      error_code full;
      stream.next_layer().non_blocking(true);
      const auto taken = stream.next_layer().write_some(asio::buffer(text), full);
      asio::async_write(stream.next_layer(), asio::buffer(text) + taken, std::move(done));
    }
  };

  void accept() {
    acceptor_.async_accept([self = shared_from_this()](error_code error, tcp::socket socket) {
      if (error) return;
      const auto index = static_cast<std::size_t>(self->seen.connections++);
      std::vector<Step> script{close_properly()};
      if (index < self->scripts_.size()) script = self->scripts_[index];
      auto link = std::make_shared<Link>(self, std::move(socket), std::move(script));
      self->links_.push_back(link);
      link->begin();
      self->accept();
    });
  }

  void proceed() {
    ++allowed_;
    let_go();
  }

  void let_go() {
    if (allowed_ == 0 || paused_.empty()) return;
    --allowed_;
    auto go = std::move(paused_.front());
    paused_.erase(paused_.begin());
    go();
  }

  void shut() {
    error_code ignored;
    acceptor_.close(ignored);
    paused_.clear();
    for (const auto& link : links_) link->close();
    links_.clear();
  }

  std::string port() const { return std::to_string(acceptor_.local_endpoint().port()); }

  Seen seen;

 private:
  tcp::acceptor acceptor_;
  ssl::context context_;
  std::vector<std::vector<Step>> scripts_;
  const bool secure_;
  int allowed_ = 0;
  std::vector<std::function<void()>> paused_;
  std::vector<std::shared_ptr<Link>> links_;
};

ScriptedPeer::ScriptedPeer(Loop& loop, std::vector<std::vector<Step>> scripts, const std::optional<Tls>& tls)
    : impl_(std::make_shared<Impl>(loop, std::move(scripts), tls)) {
  impl_->accept();
}

ScriptedPeer::~ScriptedPeer() { impl_->shut(); }

const ScriptedPeer::Seen& ScriptedPeer::seen() const { return impl_->seen; }
void ScriptedPeer::proceed() { impl_->proceed(); }
std::string ScriptedPeer::port() const { return impl_->port(); }

Endpoint ScriptedPeer::plain() const {
  Endpoint endpoint;
  endpoint.host = "127.0.0.1";
  endpoint.port = port();
  endpoint.tls = false;
  return endpoint;
}

Endpoint ScriptedPeer::secure(const std::string& ca_pem, const std::string& host) const {
  Endpoint endpoint = plain();
  endpoint.tls = true;
  endpoint.ca_pem = ca_pem;
  endpoint.server_name = host == "127.0.0.1" ? "" : host;
  return endpoint;
}

Result<Response> ask(Loop& loop, const Endpoint& endpoint, const ClientSettings& settings) {
  auto client = make_https_client(loop, endpoint, settings);
  REQUIRE(client);
  Result<Response> answer = fail(Code::kInternal, "no answer");
  const Handle handle = (*client)->send({}, [&](Result<Response> result) {
    answer = std::move(result);
    loop.stop();
  });
  loop.run();
  return answer;
}

}  // namespace knfe::net
