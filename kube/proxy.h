// Proxy: the HTTP proxy that leads to a server, if one does - as a kubeconfig's proxy-url says, or the environment, by the rules
// of kubectl (Go's httpproxy).
#pragma once

#include <string>
#include <string_view>

#include "net/https_client.h"

namespace knfe::kube {

// Of http://[USER[:PASSWORD]@]HOST[:PORT], percent-encoded. Errors do not repeat the text: it may hold a password.
Result<net::Proxy> parse_proxy_url(std::string_view text);

// What $HTTPS_PROXY and $NO_PROXY mean for an https server; none (an empty host) where it is to be reached directly. Loopback
// addresses and `localhost` always are. The former may leave http:// out.
Result<net::Proxy> proxy_for(std::string_view https_proxy, std::string_view no_proxy, const std::string& host,
                             const std::string& port);

}  // namespace knfe::kube
