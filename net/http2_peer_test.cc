#include "net/http2_peer_test.h"

#include <nghttp2/nghttp2.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>
#include <map>

namespace knfe::net {

namespace asio = boost::asio;
namespace ssl = asio::ssl;
using boost::system::error_code;
using tcp = asio::ip::tcp;

namespace {

const TestAuthority& authority() {
  static const TestAuthority made("authority of HTTP/2 peers");
  return made;
}

int choose_h2(SSL*, const unsigned char** chosen, unsigned char* size, const unsigned char* offered, unsigned offered_size,
              void*) {
  static constexpr unsigned char kWanted[] = "\x02h2";
  return SSL_select_next_proto(const_cast<unsigned char**>(chosen), size, kWanted, 3, offered, offered_size) ==
                 OPENSSL_NPN_NEGOTIATED
             ? SSL_TLSEXT_ERR_OK
             : SSL_TLSEXT_ERR_NOACK;
}

std::string_view text(const std::uint8_t* bytes, std::size_t size) { return {reinterpret_cast<const char*>(bytes), size}; }

nghttp2_nv field(const std::string& name, const std::string& value) {
  const auto bytes = [](const std::string& from) { return reinterpret_cast<std::uint8_t*>(const_cast<char*>(from.data())); };
  return {bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
}

}  // namespace

class Http2Peer::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(Loop& loop, Traits wanted, Http2Peer& peer)
      : owner(&peer),
        traits(std::move(wanted)),
        context(ssl::context::tls_server),
        acceptor(loop.context(), {asio::ip::address_v4::loopback(), 0}) {
    const auto identity = authority().issue("server", "IP:127.0.0.1");
    context.use_certificate_chain(asio::buffer(identity.certificate_pem));
    context.use_private_key(asio::buffer(identity.key_pem), ssl::context::pem);
    SSL_CTX_set_alpn_select_cb(context.native_handle(), choose_h2, nullptr);
  }

  struct Answer {
    std::string text;
    bool ended = false;
  };

  struct Link : std::enable_shared_from_this<Link> {
    Link(std::shared_ptr<Impl> of, tcp::socket socket, int number)
        : impl(std::move(of)), stream(std::move(socket), impl->context), index(number) {}
    ~Link() { nghttp2_session_del(session); }

    std::shared_ptr<Impl> impl;
    ssl::stream<tcp::socket> stream;
    const int index;
    nghttp2_session* session = nullptr;
    std::map<std::int32_t, Call> calls;
    std::map<std::int32_t, Answer> answers;
    std::array<char, 65536> piece{};
    std::string sending;
    bool writing = false, muted = false, counted = false, receiving = false;

    static Link& of(void* self) { return *static_cast<Link*>(self); }

    static int on_header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name, std::size_t name_size,
                         const std::uint8_t* value, std::size_t value_size, std::uint8_t, void* self) {
      auto& call = of(self).calls[frame->hd.stream_id];
      call.connection = of(self).index;
      call.stream = frame->hd.stream_id;
      call.headers.emplace_back(text(name, name_size), text(value, value_size));
      return 0;
    }

    static int on_data(nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* bytes, std::size_t size, void* self) {
      of(self).calls[id].body += text(bytes, size);
      return 0;
    }

    static int on_frame(nghttp2_session*, const nghttp2_frame* frame, void* self) {
      auto& link = of(self);
      auto& impl = *link.impl;
      if (frame->hd.type == NGHTTP2_RST_STREAM) {
        impl.seen.resets.push_back(frame->rst_stream.error_code);
        if (impl.owner->on_reset) impl.owner->on_reset(frame->rst_stream.error_code);
      }
      if (frame->hd.type == NGHTTP2_PING && !(frame->hd.flags & NGHTTP2_FLAG_ACK)) ++impl.seen.pings;
      if (frame->hd.type == NGHTTP2_HEADERS && impl.owner->on_head) impl.owner->on_head(link.calls[frame->hd.stream_id]);
      if ((frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA) && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM)) {
        const Call call = link.calls[frame->hd.stream_id];
        impl.seen.calls.push_back(call);
        if (impl.owner->on_call) impl.owner->on_call(call);
      }
      return 0;
    }

    static ssize_t supply(nghttp2_session*, std::int32_t id, std::uint8_t* into, std::size_t size, std::uint32_t* flags,
                          nghttp2_data_source*, void* self) {
      auto& answer = of(self).answers[id];
      const auto taken = answer.text.substr(0, size);
      std::copy(taken.begin(), taken.end(), into);
      answer.text.erase(0, taken.size());
      if (answer.text.empty() && answer.ended) {
        *flags |= NGHTTP2_DATA_FLAG_EOF;
      } else if (taken.empty()) {
        return NGHTTP2_ERR_DEFERRED;
      }
      return static_cast<ssize_t>(taken.size());
    }

    void start() {
      stream.next_layer().set_option(tcp::no_delay(true));
      nghttp2_session_callbacks* callbacks = nullptr;
      nghttp2_session_callbacks_new(&callbacks);
      nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
      nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
      nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
      nghttp2_option* option = nullptr;
      nghttp2_option_new(&option);
      nghttp2_option_set_no_http_messaging(option, 1);  // it may answer nonsense
      nghttp2_option_set_max_send_header_block_length(option, 1 << 20);
      nghttp2_session_server_new2(&session, callbacks, this, option);
      nghttp2_option_del(option);
      nghttp2_session_callbacks_del(callbacks);
      stream.async_handshake(ssl::stream_base::server, [self = shared_from_this()](error_code error) {
        if (error) return self->close();
        if (!self->impl->traits.instead_of_greeting.empty()) {
          self->muted = true;
          return self->write(self->impl->traits.instead_of_greeting);
        }
        const std::array<nghttp2_settings_entry, 2> settings{
            {{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, self->impl->traits.max_streams},
             {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, self->impl->traits.window}}};
        nghttp2_submit_settings(self->session, NGHTTP2_FLAG_NONE, settings.data(), settings.size());
        self->flush();
        self->read();
      });
    }

    void read() {
      stream.async_read_some(asio::buffer(piece), [self = shared_from_this()](error_code error, std::size_t size) {
        if (error) {
          ++self->impl->seen.ended;
          if (self->impl->owner && self->impl->owner->on_end) self->impl->owner->on_end(self->index);
          return self->close();
        }
        if (self->muted || !self->impl->owner) return;
        self->counted = self->counted || !self->impl->seen.calls.empty();
        self->impl->seen.reads += self->counted;
        self->receiving = true;  // nghttp2 does not send from within its callbacks
        const auto taken =
            nghttp2_session_mem_recv(self->session, reinterpret_cast<const std::uint8_t*>(self->piece.data()), size);
        self->receiving = false;
        if (taken < 0) return self->close();
        self->flush();
        self->read();
      });
    }

    void flush() {
      if (muted || writing || receiving || !stream.next_layer().is_open()) return;
      std::string out;
      const std::uint8_t* bytes = nullptr;
      for (ssize_t size = 0; (size = nghttp2_session_mem_send(session, &bytes)) > 0;)
        out += text(bytes, static_cast<std::size_t>(size));
      write(std::move(out));
    }

    void write(std::string bytes) {
      if (bytes.empty()) return;
      writing = true;
      sending = std::move(bytes);
      asio::async_write(stream, asio::buffer(sending), [self = shared_from_this()](error_code error, std::size_t) {
        self->writing = false;
        if (!error) self->flush();
      });
    }

    void close() {
      error_code ignored;
      stream.next_layer().shutdown(tcp::socket::shutdown_both, ignored);
      stream.next_layer().close(ignored);
    }
  };

  void accept() {
    acceptor.async_accept([self = shared_from_this()](error_code error, tcp::socket socket) {
      if (error) return;
      auto link = std::make_shared<Link>(self, std::move(socket), self->seen.connections++);
      self->links.push_back(link);
      link->start();
      self->accept();
    });
  }

  void shut() {
    owner = nullptr;
    error_code ignored;
    acceptor.close(ignored);
    for (const auto& link : links) link->close();
    links.clear();
  }

  Link& at(const Call& call) { return *links[static_cast<std::size_t>(call.connection)]; }
  Link& at(int connection) { return *links[static_cast<std::size_t>(connection)]; }

  Http2Peer* owner;
  const Traits traits;
  Seen seen;
  ssl::context context;
  tcp::acceptor acceptor;
  std::vector<std::shared_ptr<Link>> links;
};

Http2Peer::Http2Peer(Loop& loop, Traits traits) : impl_(std::make_shared<Impl>(loop, std::move(traits), *this)) {
  impl_->accept();
}
Http2Peer::~Http2Peer() { impl_->shut(); }

void Http2Peer::answer(const Call& call, int status, const std::string& body, Headers headers) {
  impl_->at(call).answers[call.stream] = {body, true};
  begin(call, status, std::move(headers));
}

void Http2Peer::begin(const Call& call, int status, Headers headers) {
  auto& link = impl_->at(call);
  link.answers[call.stream];
  headers.insert(headers.begin(), {":status", std::to_string(status)});
  std::vector<nghttp2_nv> head;
  for (const auto& [name, value] : headers) head.push_back(field(name, value));
  if (status / 100 == 1) {
    nghttp2_submit_headers(link.session, NGHTTP2_FLAG_NONE, call.stream, nullptr, head.data(), head.size(), nullptr);
  } else {
    nghttp2_data_provider body{{0}, Impl::Link::supply};
    nghttp2_submit_response(link.session, call.stream, head.data(), head.size(), &body);
  }
  link.flush();
}

void Http2Peer::piece(const Call& call, const std::string& text) {
  auto& link = impl_->at(call);
  link.answers[call.stream].text += text;
  nghttp2_session_resume_data(link.session, call.stream);
  link.flush();
}

void Http2Peer::finish(const Call& call) {
  impl_->at(call).answers[call.stream].ended = true;
  piece(call, {});
}

void Http2Peer::reset(const Call& call, std::uint32_t code) {
  nghttp2_submit_rst_stream(impl_->at(call).session, NGHTTP2_FLAG_NONE, call.stream, code);
  impl_->at(call).flush();
}

void Http2Peer::go_away(int connection, std::int32_t last, std::uint32_t code) {
  nghttp2_submit_goaway(impl_->at(connection).session, NGHTTP2_FLAG_NONE, last, code, nullptr, 0);
  impl_->at(connection).flush();
}

void Http2Peer::allow(int connection, std::uint32_t max_streams) {
  const nghttp2_settings_entry entry{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, max_streams};
  nghttp2_submit_settings(impl_->at(connection).session, NGHTTP2_FLAG_NONE, &entry, 1);
  impl_->at(connection).flush();
}

void Http2Peer::raw(int connection, const std::string& bytes) { impl_->at(connection).write(bytes); }
void Http2Peer::cut(int connection) { impl_->at(connection).close(); }
void Http2Peer::mute(int connection) { impl_->at(connection).muted = true; }

const Http2Peer::Seen& Http2Peer::seen() const { return impl_->seen; }

Endpoint Http2Peer::endpoint() const {
  Endpoint endpoint;
  endpoint.host = "127.0.0.1";
  endpoint.port = std::to_string(impl_->acceptor.local_endpoint().port());
  endpoint.ca_pem = authority().pem();
  return endpoint;
}

}  // namespace knfe::net
