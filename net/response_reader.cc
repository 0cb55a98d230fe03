#include "net/response_reader.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

namespace knfe::net {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;

namespace {

constexpr std::size_t kMaxHead = 64 << 10;

Error broken(const error_code& error) {
  const char* hint = error == http::error::body_limit ? "ask for less at once" : "is this the right server and port?";
  return {Code::kInternal, "not an acceptable HTTP answer: " + error.message(), {}, hint, 0};
}

}  // namespace

class ResponseReader::Parser final : public http::basic_parser<false> {
 public:
  Parser(ResponseSink& sink, const Options& options) : sink_(sink) {
    eager(true);
    skip(options.answers_head);
    header_limit(kMaxHead);
    body_limit(options.max_body ? boost::optional<std::uint64_t>(*options.max_body) : boost::none);
  }

  bool interim() const { return status_ / 100 == 1; }

 private:
  using Text = boost::beast::string_view;

  void on_response_impl(int status, Text, int, error_code& error) override {
    status_ = status;
    // We never ask for another protocol; after a 101 the bytes would not be HTTP.
    if (status < 100 || status == 101) error = http::error::bad_status;
  }

  void on_field_impl(http::field, Text name, Text value, error_code& error) override {
    if (head_done_) return;  // a trailer
    // Beast's own limit starts anew with each field that comes alone.
    head_size_ += name.size() + value.size() + 4;
    if (head_size_ > kMaxHead) {
      error = http::error::header_limit;
      return;
    }
    headers_.emplace_back(name, value);
  }

  void on_header_impl(error_code& error) override {
    head_done_ = true;
    if (!interim() && !sink_.on_head(status_, std::move(headers_))) error = asio::error::operation_aborted;
  }

  std::size_t on_body_impl(Text piece, error_code& error) override { return pass(piece, error); }
  std::size_t on_chunk_body_impl(std::uint64_t, Text piece, error_code& error) override { return pass(piece, error); }

  std::size_t pass(std::string_view piece, error_code& error) {
    if (!piece.empty() && !sink_.on_body(piece)) error = asio::error::operation_aborted;
    return piece.size();
  }

  void on_request_impl(http::verb, Text, Text, int, error_code&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  void on_chunk_header_impl(std::uint64_t, Text, error_code&) override {}
  void on_finish_impl(error_code&) override {}

  ResponseSink& sink_;
  Headers headers_;
  std::size_t head_size_ = 0;
  int status_ = 0;
  bool head_done_ = false;
};

ResponseReader::ResponseReader(ResponseSink& sink, Options options)
    : sink_(sink), options_(options), parser_(std::make_unique<Parser>(sink_, options_)) {}

ResponseReader::~ResponseReader() = default;

Result<void> ResponseReader::feed(std::string_view bytes) {
  started_ = started_ || !bytes.empty();
  const bool joined = !rest_.empty();
  if (joined) bytes = rest_.append(bytes);

  std::size_t used = 0;
  while (used < bytes.size() && !parser_->is_done()) {
    error_code error;
    used += parser_->put(asio::buffer(bytes.substr(used)), error);
    if (error == http::error::need_more) break;
    if (error == asio::error::operation_aborted) return fail(Code::kCanceled, "no longer wanted");
    if (error) return std::unexpected(broken(error));
    if (parser_->is_done() && parser_->interim()) parser_ = std::make_unique<Parser>(sink_, options_);
  }

  if (joined) {
    rest_.erase(0, used);
    if (rest_.empty()) rest_.shrink_to_fit();
  } else {
    rest_.assign(bytes.substr(used));
  }
  if (rest_.size() > kMaxHead) return std::unexpected(broken(http::error::header_limit));
  return {};
}

Result<void> ResponseReader::finish() {
  if (complete()) return {};
  if (!started_) return fail(Code::kUnavailable, "the connection ended before an answer came");
  error_code error;
  if (parser_->got_some()) {
    parser_->put_eof(error);
  } else {
    error = http::error::partial_message;
  }
  if (error) return fail(Code::kUnavailable, "the connection ended in the middle of the answer");
  return {};
}

bool ResponseReader::complete() const { return parser_->is_done(); }

bool ResponseReader::keeps_connection() const { return complete() && rest_.empty() && parser_->keep_alive(); }

}  // namespace knfe::net
