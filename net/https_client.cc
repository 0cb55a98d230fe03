#include "net/https_client.h"

#include <algorithm>
#include <charconv>
#include <deque>
#include <unordered_set>

#include "net/exchange.h"
#include "net/message_text.h"

namespace knfe::net {

namespace {

class HttpsClient final : public RenewableClient {
 public:
  HttpsClient(Loop& loop, const Endpoint& endpoint, std::unique_ptr<TlsContext> tls, const ClientSettings& settings)
      : loop_(loop), endpoint_(endpoint), settings_(settings), pool_(loop, endpoint, std::move(tls), settings) {
    authority_ = bracketed(endpoint.host);
    if (endpoint.port != (endpoint.tls ? "443" : "80")) authority_ += ":" + endpoint.port;
    origin_ = (endpoint.tls ? "https://" : "http://") + authority_;
  }

  ~HttpsClient() override {
    for (const auto& exchange : waiting_) exchange->abandon();
    for (const auto& exchange : running_) exchange->abandon();
  }

  Handle send(Request request, std::function<void(Result<Response>)> done) override {
    auto response = std::make_shared<Response>();
    StreamEvents collect;
    collect.on_head = [response](int status, const Headers& headers) {
      response->status = status;
      response->headers = headers;
    };
    collect.on_data = [response](std::string_view piece) { response->body.append(piece); };
    collect.on_end = [response, done = std::move(done)](Result<void> end) {
      if (!end) return done(std::unexpected(std::move(end).error()));
      done(std::move(*response));
    };
    Exchange::Plan plan = plan_for(std::move(request));
    plan.reading.max_body = settings_.max_body;
    auto exchange = std::make_shared<Exchange>(loop_, pool_, std::move(plan), std::move(collect), [this](Exchange& over) {
      const auto place = std::find_if(waiting_.begin(), waiting_.end(), [&](const auto& one) { return one.get() == &over; });
      if (place != waiting_.end()) {
        waiting_.erase(place);
        return;
      }
      running_.erase(over.shared_from_this());
      --in_flight_;
      admit();
    });
    waiting_.push_back(exchange);
    admit();
    return handle_of(exchange);
  }

  Result<void> renew(const Endpoint& endpoint) override {
    if (!endpoint_.tls) return {};
    Endpoint renewed = endpoint_;
    renewed.ca_pem = endpoint.ca_pem;
    renewed.certificate_pem = endpoint.certificate_pem;
    renewed.key_pem = endpoint.key_pem;
    KNFE_TRY(auto tls, TlsContext::make(renewed));
    pool_.renew(std::move(tls), endpoint.proxy);
    return {};
  }

  Handle stream(Request request, StreamEvents events) override {
    Exchange::Plan plan = plan_for(std::move(request));
    plan.timeout_ends_at_head = true;
    auto exchange = std::make_shared<Exchange>(loop_, pool_, std::move(plan), std::move(events),
                                               [this](Exchange& over) { running_.erase(over.shared_from_this()); });
    start(exchange);
    return handle_of(exchange);
  }

 private:
  Exchange::Plan plan_for(Request request) const {
    auto checked = check_request(request);
    std::string where = origin_ + request.target.substr(0, request.target.find('?'));
    const bool get = request.method == "GET", head = request.method == "HEAD";
    return {.request = std::move(request),
            .checked = std::move(checked),
            .authority = authority_,
            .where = std::move(where),
            .repeatable = get,
            .timeout_ends_at_head = false,
            .reading = {.answers_head = head, .max_body = std::nullopt}};
  }

  void admit() {
    while (in_flight_ < settings_.max_in_flight && !waiting_.empty()) {
      auto next = std::move(waiting_.front());
      waiting_.pop_front();
      ++in_flight_;
      start(next);
    }
  }

  void start(const std::shared_ptr<Exchange>& exchange) {
    running_.insert(exchange);
    loop_.post([weak = std::weak_ptr(exchange)] {
      if (auto wanted = weak.lock()) wanted->begin();
    });
  }

  static Handle handle_of(const std::shared_ptr<Exchange>& exchange) {
    return Handle([weak = std::weak_ptr(exchange)] {
      if (auto running = weak.lock()) running->cancel();
    });
  }

  Loop& loop_;
  const Endpoint endpoint_;
  const ClientSettings settings_;
  std::string authority_;
  std::string origin_;
  Pool pool_;
  std::deque<std::shared_ptr<Exchange>> waiting_;  // in order, for their turn
  std::unordered_set<std::shared_ptr<Exchange>> running_;
  std::size_t in_flight_ = 0;  // of running_, those that are not streams
};

bool is_name(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f' && c != '/'; });
}

Result<void> check_place(const std::string& host, const std::string& port) {
  unsigned number = 0;
  const char* end = port.data() + port.size();
  const auto [rest, error] = std::from_chars(port.data(), end, number);
  if (error != std::errc() || rest != end || number == 0 || number > 65535) return fail(Code::kInvalid, "not a port: " + port);
  if (host.empty() || !is_name(host)) return fail(Code::kInvalid, "not a host name or address");
  return {};
}

}  // namespace

Result<std::unique_ptr<RenewableClient>> make_https_client(Loop& loop, Endpoint endpoint, ClientSettings settings) {
  if (auto found = check_place(endpoint.host, endpoint.port); !found) return std::unexpected(std::move(found).error());
  if (const auto& proxy = endpoint.proxy; !proxy.host.empty()) {
    if (auto found = check_place(proxy.host, proxy.port); !found) return std::unexpected(std::move(found).error());
  }
  if (!is_name(endpoint.server_name)) return fail(Code::kInvalid, "not a TLS server name");

  std::unique_ptr<TlsContext> tls;
  if (endpoint.tls) {
    KNFE_TRY(tls, TlsContext::make(endpoint));
  }
  return std::make_unique<HttpsClient>(loop, endpoint, std::move(tls), settings);
}

}  // namespace knfe::net
