// ApiClient: the API server as KNFE talks to it - credentials, counting, answers as results.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "kube/config.h"
#include "kube/plugin_token.h"
#include "kube/request.h"

namespace knfe::kube {

class ApiClient {
 public:
  using Done = std::function<void(const Result<Json>&)>;  // the answer lives while it is called: copies may be kept

  // `transport` and this must outlive every handle given out. `loop` runs the plugin that `config` names, if it names one.
  ApiClient(net::Client& transport, const Config& config, net::Loop* loop = nullptr);

  // `resource` ("pods", "members/status") and `verb` are for counting. A 401 is tried once more if there is another token.
  // What has no token because a plugin gives none is not sent, and fails as Code::kUnavailable.
  [[nodiscard]] net::Handle call(std::string_view resource, const char* verb, net::Request request, Done done);
  // User agent and field manager of what is written here.
  const std::string& name() const { return name_; }
  [[nodiscard]] net::Handle stream(net::Request request, net::StreamEvents events);

  // Answered requests so far by {verb, resource, HTTP status; 0: none came}.
  struct Count {
    std::string verb, resource;
    int status;
    auto operator<=>(const Count&) const = default;
  };
  const std::map<Count, std::uint64_t>& counts() const { return counts_; }

 private:
  struct Call;
  void send(const std::shared_ptr<Call>& call, bool again);
  void send_with(const std::string& token, const std::shared_ptr<Call>& call, bool again);
  // As it is sent; an empty token is none.
  net::Request authorised(net::Request request, const std::string& token) const;
  std::string token_at_hand();
  bool may_try_again(const std::string& token);

  net::Client& transport_;
  const std::string prefix_, name_;
  TokenSource token_;
  std::unique_ptr<PluginToken> plugin_;  // null: none
  bool doubted_ = false;                 // a stream was refused with the token: the next one to need it reads it afresh
  std::map<Count, std::uint64_t> counts_;
};

}  // namespace knfe::kube
