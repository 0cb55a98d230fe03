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

Result<net::Request> ApiClient::authorised(net::Request request, bool fresh_token) {
  request.target = prefix_ + request.target;
  KNFE_TRY(std::string token, token_.get(fresh_token));
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

void ApiClient::send(const std::shared_ptr<Call>& call, bool fresh_token) {
  auto request = authorised(call->request, fresh_token);
  if (!request) {
    log(Level::kError, "no credentials", {{"error", request.error().text()}});
    // An empty header makes the server say 401, which reaches the caller like any other refusal.
    request = call->request;
  }
  call->exchange = transport_.send(std::move(*request), [this, call, fresh_token](Result<net::Response> response) {
    const int status = response ? response->status : 0;
    ++counts_[{call->verb, call->resource, status}];
    if (status == 401 && !fresh_token) return send(call, true);
    const std::string what = std::string(call->verb) + " " + call->request.target.substr(0, call->request.target.find('?'));
    JsonRoom room;
    const Result<Json> result = response ? read_reply(*response, what, room) : Result<Json>(std::unexpected(response.error()));
    if (auto done = std::exchange(call->done, nullptr)) done(result);
  });
}

net::Handle ApiClient::stream(net::Request request, net::StreamEvents events) {
  auto ready = authorised(request, false);
  return transport_.stream(ready ? std::move(*ready) : std::move(request), std::move(events));
}

}  // namespace knfe::kube
