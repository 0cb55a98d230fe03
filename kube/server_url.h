// ServerUrl: the parts of a kubeconfig's `server`.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace knfe::kube {

struct ServerUrl {
  bool tls = true;
  std::string host = {};  // IPv6 without brackets
  std::string port = {};
  std::string prefix = {};  // path without trailing slash; mostly empty
};

// Errors do not repeat the text: it may hold a password.
Result<ServerUrl> parse_server_url(std::string_view text);

}  // namespace knfe::kube
