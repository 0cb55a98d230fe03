#include "kube/api_client.h"

#include "base/log.h"

namespace knfe::kube {

struct ApiClient::Call {
  std::string resource;
  const char* verb;
  net::Request request;
  Done done;
  net::Handle exchange;
};

ApiClient::ApiClient(net::Client& transport, const Config& config, net::Loop* loop)
    : transport_(transport), prefix_(config.path_prefix), name_(config.name), token_(config) {
  KNFE_CHECK(loop || config.exec.command.empty());
  if (!config.exec.command.empty()) plugin_ = std::make_unique<PluginToken>(*loop, config.exec);
}

net::Request ApiClient::authorised(net::Request request, const std::string& token) const {
  request.target = prefix_ + request.target;
  if (!token.empty()) request.headers.emplace_back("Authorization", "Bearer " + token);
  request.headers.emplace_back("User-Agent", name_);
  return request;
}

std::string ApiClient::token_at_hand() {
  const bool doubted = std::exchange(doubted_, false);
  auto token = token_.get(doubted);
  if (!token && doubted) {
    doubted_ = true;  // its file is being exchanged, perhaps: until then the one before
    token = token_.get(false);
  }
  if (token) return std::move(*token);
  // Without one the server says 401, which reaches the caller like any other refusal.
  log(Level::kError, "no credentials", {{"error", token.error().text()}});
  return {};
}

net::Handle ApiClient::call(std::string_view resource, const char* verb, net::Request request, Done done) {
  auto call = std::make_shared<Call>(Call{std::string(resource), verb, std::move(request), std::move(done), {}});
  send(call, false);
  return net::Handle([call] {
    call->done = nullptr;
    call->exchange.reset();
  });
}

// Whether there is another token by now. The same again would only be refused again.
bool ApiClient::may_try_again(const std::string& token) {
  if (plugin_) return true;  // which makes another one
  const auto now = token_.get(true);
  return now && *now != token;
}

void ApiClient::send(const std::shared_ptr<Call>& call, bool again) {
  if (!plugin_) return send_with(token_at_hand(), call, again);
  if (const auto* token = plugin_->at_hand()) return send_with(*token, call, again);
  call->exchange = plugin_->wait([this, call, again](const Result<std::string>& token) {
    if (token) return send_with(*token, call, again);
    if (auto done = std::exchange(call->done, nullptr)) done(std::unexpected(token.error()));
  });
}

void ApiClient::send_with(const std::string& token, const std::shared_ptr<Call>& call, bool again) {
  call->exchange =
      transport_.send(authorised(call->request, token), [this, call, again, token](const Result<net::Response>& response) {
        const int status = response ? response->status : 0;
        ++counts_[{call->verb, call->resource, status}];
        if (status == 401 && plugin_) plugin_->refused(token);
        if (status == 401 && !again && may_try_again(token)) return send(call, true);
        const std::string what = std::string(call->verb) + " " + call->request.target.substr(0, call->request.target.find('?'));
        JsonRoom room;
        const Result<Json> result =
            response ? read_reply(*response, what, room) : Result<Json>(std::unexpected(response.error()));
        if (auto done = std::exchange(call->done, nullptr)) done(result);
      });
}

net::Handle ApiClient::stream(net::Request request, net::StreamEvents events) {
  if (!plugin_) {
    events.on_head = [this, tell = std::move(events.on_head)](int status, const net::Headers& headers) {
      doubted_ = doubted_ || status == 401;
      if (tell) tell(status, headers);
    };
    return transport_.stream(authorised(std::move(request), token_at_hand()), std::move(events));
  }
  const auto open = [this](const net::Request& what, const std::string& token, net::StreamEvents heard) {
    heard.on_head = [this, token, then = std::move(heard.on_head)](int status, const net::Headers& headers) {
      if (status == 401) plugin_->refused(token);
      if (then) then(status, headers);
    };
    return transport_.stream(authorised(what, token), std::move(heard));
  };
  if (const auto* token = plugin_->at_hand()) return open(request, *token, std::move(events));
  const auto exchange = std::make_shared<net::Handle>();
  *exchange =
      plugin_->wait([open, request = std::move(request), events = std::move(events), exchange](const Result<std::string>& token) {
        if (token) {
          *exchange = open(request, *token, events);
        } else if (events.on_end) {
          events.on_end(std::unexpected(token.error()));
        }
      });
  return net::Handle([exchange] { exchange->reset(); });
}

}  // namespace knfe::kube
