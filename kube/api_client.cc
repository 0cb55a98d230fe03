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

ApiClient::ApiClient(net::Client& transport, const Config& config)
    : transport_(transport), prefix_(config.path_prefix), name_(config.name), token_(config) {}

Result<net::Request> ApiClient::authorised(net::Request request) {
  request.target = prefix_ + request.target;
  KNFE_TRY(const std::string token, token_.get(std::exchange(doubted_, false)));
  if (!token.empty()) request.headers.emplace_back("Authorization", "Bearer " + token);
  request.headers.emplace_back("User-Agent", name_);
  return request;
}

net::Handle ApiClient::call(std::string_view resource, const char* verb, net::Request request, Done done) {
  auto call = std::make_shared<Call>(Call{std::string(resource), verb, std::move(request), std::move(done), {}});
  send(call, false);
  return net::Handle([call] {
    call->done = nullptr;
    call->exchange.reset();
  });
}

// With a token that is another one by now. The same again would only be refused again.
bool ApiClient::may_try_again(const std::string& authorization) {
  const auto token = token_.get(true);
  return token && "Bearer " + *token != authorization;
}

void ApiClient::send(const std::shared_ptr<Call>& call, bool again) {
  auto request = authorised(call->request);
  if (!request) {
    log(Level::kError, "no credentials", {{"error", request.error().text()}});
    // An empty header makes the server say 401, which reaches the caller like any other refusal.
    request = call->request;
  }
  std::string used(net::header(request->headers, "Authorization"));
  call->exchange =
      transport_.send(std::move(*request), [this, call, again, used = std::move(used)](Result<net::Response> response) {
        const int status = response ? response->status : 0;
        ++counts_[{call->verb, call->resource, status}];
        if (status == 401 && !again && may_try_again(used)) return send(call, true);
        const std::string what = std::string(call->verb) + " " + call->request.target.substr(0, call->request.target.find('?'));
        JsonRoom room;
        const Result<Json> result =
            response ? read_reply(*response, what, room) : Result<Json>(std::unexpected(response.error()));
        if (auto done = std::exchange(call->done, nullptr)) done(result);
      });
}

net::Handle ApiClient::stream(net::Request request, net::StreamEvents events) {
  auto ready = authorised(request);
  events.on_head = [this, tell = std::move(events.on_head)](int status, const net::Headers& headers) {
    doubted_ = doubted_ || status == 401;
    if (tell) tell(status, headers);
  };
  return transport_.stream(ready ? std::move(*ready) : std::move(request), std::move(events));
}

}  // namespace knfe::kube
