#include "kube/server_url.h"

#include <algorithm>
#include <charconv>

namespace knfe::kube {

namespace {

std::unexpected<Error> refused(std::string message) {
  return fail(Code::kInvalid, std::move(message), {}, "write https://HOST:PORT");
}

bool is_port(const std::string& text) {
  unsigned port = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, port);
  return error == std::errc() && rest == end && port > 0 && port <= 65535;
}

}  // namespace

Result<ServerUrl> parse_server_url(std::string_view text) {
  ServerUrl url;
  const auto colon = text.find("://");
  std::string scheme(text.substr(0, colon == text.npos ? 0 : colon));
  std::transform(scheme.begin(), scheme.end(), scheme.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (scheme != "https" && scheme != "http") return refused("the server's URL begins neither with https:// nor with http://");
  url.tls = scheme == "https";
  text.remove_prefix(colon + 3);
  if (std::any_of(text.begin(), text.end(), [](char c) { return c <= ' ' || c >= '\x7f'; }))
    return refused("the server's URL has bytes that no URL has");
  if (text.find_first_of("?#@") != text.npos) return refused("the server's URL has a query, a fragment or a user");

  std::string_view authority = text.substr(0, text.find('/'));
  std::string_view path = text.substr(authority.size());
  while (path.ends_with('/')) path.remove_suffix(1);
  url.prefix = path;

  const auto bracket = authority.find(']');
  const auto before_port = authority.find(':', bracket == authority.npos ? 0 : bracket);
  std::string_view host = authority.substr(0, before_port);
  if (before_port == authority.npos) {
    url.port = url.tls ? "443" : "80";
  } else {
    url.port = authority.substr(before_port + 1);
    if (!is_port(url.port)) return refused("the server's URL has no port between 1 and 65535");
  }
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
    if (host.find(':') == host.npos) return refused("the server's URL has no IPv6 address in its brackets");
  } else if (host.find_first_of("[]") != host.npos) {
    return refused("the server's URL has a stray bracket");
  }
  if (host.empty()) return refused("the server's URL has no host");
  url.host = host;
  return url;
}

}  // namespace knfe::kube
