#include "net/http2_session.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

#include "net/message_text.h"

namespace knfe::net {

namespace {

constexpr std::size_t kMaxHead = 64 << 10;
constexpr std::int32_t kStreamWindow = 4 << 20;
constexpr std::int32_t kConnectionWindow = 32 << 20;

std::string_view text(const std::uint8_t* bytes, std::size_t size) { return {reinterpret_cast<const char*>(bytes), size}; }

nghttp2_nv field(std::string_view name, std::string_view value) {
  const auto bytes = [](std::string_view from) {
    return const_cast<std::uint8_t*>(reinterpret_cast<const std::uint8_t*>(from.data()));
  };
  return {bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
}

Error with(Code code, std::string message) { return {code, std::move(message), {}, {}, 0}; }

}  // namespace

struct Http2Session::Open {
  Stream* stream;
  std::string_view body;  // what of it is still to be handed out
  bool sent = false;      // the server may know of it
  bool head_given = false;
  bool reset = false;  // by the server
  int status = 0;
  Headers headers = {};
  std::size_t head_size = 0;
  const char* objection = nullptr;  // ours
};

// nghttp2 allows to submit from within its callbacks, not to feed or to take. Whatever a stream's owner does, the table is looked
// at anew afterwards.
class Http2Session::Callbacks {
 public:
  static int begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* self) {
    if (auto* open = find(self, frame->hd.stream_id); open && !open->head_given) {
      open->status = 0;
      open->headers.clear();
      open->head_size = 0;
    }
    return 0;
  }

  static int header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name, std::size_t name_size,
                    const std::uint8_t* value, std::size_t value_size, std::uint8_t, void* self) {
    auto* open = find(self, frame->hd.stream_id);
    if (!open) return 0;
    open->head_size += name_size + value_size + 4;
    if (open->head_size > kMaxHead) {
      open->objection = "the head of the answer is too long";
      return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }
    if (open->head_given) return 0;  // a trailer
    if (text(name, name_size) == ":status") {
      const auto digits = text(value, value_size);
      std::from_chars(digits.data(), digits.data() + digits.size(), open->status);
    } else {
      open->headers.emplace_back(text(name, name_size), text(value, value_size));
    }
    return 0;
  }

  static int frame_received(nghttp2_session*, const nghttp2_frame* frame, void* self) {
    auto& session = *static_cast<Http2Session*>(self);
    const auto id = frame->hd.stream_id;
    switch (frame->hd.type) {
      case NGHTTP2_SETTINGS:
        session.greeted_ = true;
        return 0;
      case NGHTTP2_GOAWAY:
        session.leaving_ = true;
        return 0;
      case NGHTTP2_RST_STREAM:
        if (auto* open = find(self, id)) open->reset = true;
        return 0;
      case NGHTTP2_HEADERS:
        if (auto* open = find(self, id); open && !open->head_given && open->status / 100 != 1) {
          open->head_given = true;
          open->stream->on_head(open->status, std::move(open->headers));
        }
        break;
      case NGHTTP2_DATA:
        break;
      default:
        return 0;
    }
    auto* open = find(self, id);
    if (!open || !(frame->hd.flags & NGHTTP2_FLAG_END_STREAM)) return 0;
    // Answered before it was all sent: the rest is not wanted.
    if (!open->body.empty()) nghttp2_submit_rst_stream(session.session_.get(), NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
    session.close(id, {});
    return 0;
  }

  static int data(nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* bytes, std::size_t size, void* self) {
    if (auto* open = find(self, id)) open->stream->on_body(text(bytes, size));
    return 0;
  }

  static int closed(nghttp2_session*, std::int32_t id, std::uint32_t code, void* self) {
    auto* open = find(self, id);
    if (!open) return 0;
    Ending ending{Ending::Kind::kBroken, {}};
    const std::string name = nghttp2_http2_strerror(code);
    if (open->objection) {
      ending.error = with(Code::kInternal, std::string("not an acceptable HTTP answer: ") + open->objection);
    } else if (code == NGHTTP2_REFUSED_STREAM && !open->head_given) {
      ending = {Ending::Kind::kUnprocessed, with(Code::kUnavailable, "the server does not take the request: " + name)};
    } else if (open->reset) {
      ending.error = with(Code::kUnavailable, "the server broke off the answer: " + name);
    } else {
      ending.error = with(Code::kInternal, "not an acceptable HTTP answer: " + name);
    }
    static_cast<Http2Session*>(self)->close(id, std::move(ending));
    return 0;
  }

  static int frame_sent(nghttp2_session*, const nghttp2_frame* frame, void* self) {
    if (frame->hd.type != NGHTTP2_HEADERS) return 0;
    if (auto* open = find(self, frame->hd.stream_id)) open->sent = true;
    return 0;
  }

  static int frame_not_sent(nghttp2_session*, const nghttp2_frame* frame, int error, void* self) {
    if (frame->hd.type != NGHTTP2_HEADERS) return 0;
    static_cast<Http2Session*>(self)->close(
        frame->hd.stream_id,
        {Ending::Kind::kUnprocessed, with(Code::kUnavailable, std::string("not sent: ") + nghttp2_strerror(error))});
    return 0;
  }

  static ssize_t body(nghttp2_session*, std::int32_t id, std::uint8_t* into, std::size_t size, std::uint32_t* flags,
                      nghttp2_data_source*, void* self) {
    auto* open = find(self, id);
    if (!open) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    const auto piece = open->body.substr(0, size);
    std::copy(piece.begin(), piece.end(), into);
    open->body.remove_prefix(piece.size());
    if (open->body.empty()) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(piece.size());
  }

  static int complain(nghttp2_session*, int, const char* message, std::size_t size, void* self) {
    static_cast<Http2Session*>(self)->complaint_.assign(message, size);
    return 0;
  }

 private:
  static Open* find(void* self, std::int32_t id) {
    auto& table = static_cast<Http2Session*>(self)->open_;
    const auto place = table.find(id);
    return place == table.end() ? nullptr : &place->second;
  }
};

void Http2Session::Free::operator()(nghttp2_session* session) const { nghttp2_session_del(session); }

Http2Session::Http2Session() {
  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_option* option = nullptr;
  KNFE_CHECK(nghttp2_session_callbacks_new(&callbacks) == 0 && nghttp2_option_new(&option) == 0);
  nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, Callbacks::begin_headers);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, Callbacks::header);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, Callbacks::frame_received);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, Callbacks::data);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, Callbacks::closed);
  nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, Callbacks::frame_sent);
  nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks, Callbacks::frame_not_sent);
  nghttp2_session_callbacks_set_error_callback2(callbacks, Callbacks::complain);
  nghttp2_option_set_no_closed_streams(option, 1);
  nghttp2_session* session = nullptr;
  KNFE_CHECK(nghttp2_session_client_new2(&session, callbacks, this, option) == 0);
  session_.reset(session);
  nghttp2_option_del(option);
  nghttp2_session_callbacks_del(callbacks);

  const std::array<nghttp2_settings_entry, 3> settings{{{NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
                                                        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kStreamWindow},
                                                        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, kMaxHead}}};
  nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings.data(), settings.size());
  nghttp2_session_set_local_window_size(session, NGHTTP2_FLAG_NONE, 0, kConnectionWindow);
}

Http2Session::~Http2Session() = default;

Error Http2Session::reason(const char* otherwise) const {
  return with(Code::kInternal, "not acceptable as HTTP/2: " + (complaint_.empty() ? std::string(otherwise) : complaint_));
}

Result<void> Http2Session::feed(std::string_view bytes) {
  const auto taken = nghttp2_session_mem_recv(session_.get(), reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  if (taken < 0) return std::unexpected(reason(nghttp2_strerror(static_cast<int>(taken))));
  return {};
}

Result<void> Http2Session::take(std::string& into, std::size_t most) {
  while (into.size() < most) {
    const std::uint8_t* bytes = nullptr;
    const auto size = nghttp2_session_mem_send(session_.get(), &bytes);
    if (size < 0) return std::unexpected(reason(nghttp2_strerror(static_cast<int>(size))));
    if (size == 0) break;
    into.append(text(bytes, static_cast<std::size_t>(size)));
  }
  return {};
}

bool Http2Session::wants_to_send() const { return nghttp2_session_want_write(session_.get()) != 0; }

bool Http2Session::over() const { return !wants_to_send() && nghttp2_session_want_read(session_.get()) == 0; }

Result<std::int32_t> Http2Session::start(Stream& stream, const Request& request, std::string_view authority) {
  if (!accepts()) return fail(Code::kUnavailable, "the connection is at its end");
  const std::string length = has_body(request) ? std::to_string(request.body.size()) : std::string();
  std::vector<nghttp2_nv> head{field(":method", request.method), field(":scheme", "https"), field(":authority", authority),
                               field(":path", request.target)};
  // What repeats is sent once (HPACK), but for the path and the token: nghttp2 never lets the latter into the table.
  for (const auto& [name, value] : request.headers) head.push_back(field(name, value));
  if (has_body(request)) head.push_back(field("content-length", length));

  nghttp2_data_provider body{{0}, Callbacks::body};
  const auto id =
      nghttp2_submit_request(session_.get(), nullptr, head.data(), head.size(), request.body.empty() ? nullptr : &body, nullptr);
  if (id < 0) return fail(Code::kInternal, std::string("HTTP/2: ") + nghttp2_strerror(id));
  open_.emplace(id, Open{&stream, request.body});
  return id;
}

void Http2Session::cancel(std::int32_t id) {
  if (open_.erase(id)) nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
}

void Http2Session::ping() { nghttp2_submit_ping(session_.get(), NGHTTP2_FLAG_NONE, nullptr); }

void Http2Session::close(std::int32_t id, Ending ending) {
  const auto place = open_.find(id);
  if (place == open_.end()) return;
  Stream& stream = *place->second.stream;
  open_.erase(place);
  stream.on_close(std::move(ending));
}

void Http2Session::break_off(const Error& error) {
  leaving_ = true;
  while (!open_.empty()) {
    const auto& [id, open] = *open_.begin();
    close(id, {open.sent ? Ending::Kind::kBroken : Ending::Kind::kUnprocessed, error});
  }
}

bool Http2Session::accepts() const { return !leaving_ && nghttp2_session_check_request_allowed(session_.get()) != 0; }

std::size_t Http2Session::capacity() const {
  return std::min<std::size_t>(most_streams,
                               nghttp2_session_get_remote_settings(session_.get(), NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS));
}

}  // namespace knfe::net
