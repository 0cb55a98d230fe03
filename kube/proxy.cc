#include "kube/proxy.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/address.h"
#include "kube/server_url.h"

namespace knfe::kube {

namespace {

std::unexpected<Error> refused(std::string message) {
  return fail(Code::kInvalid, std::move(message), {}, "write http://HOST:PORT, or http://USER:PASSWORD@HOST:PORT");
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const auto first = text.find_first_not_of(kBlanks);
  return first == text.npos ? std::string_view() : text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

// What stands before `mark`, which goes with it; all of it if there is no mark.
std::string_view take_until(std::string_view& text, char mark) {
  const auto piece = text.substr(0, text.find(mark));
  text.remove_prefix(std::min(text.size(), piece.size() + 1));
  return piece;
}

std::optional<std::string> decoded(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    unsigned byte = static_cast<unsigned char>(text[0]);
    std::size_t taken = 1;
    if (text[0] == '%') {
      if (text.size() < 3) return std::nullopt;
      const auto [rest, error] = std::from_chars(text.data() + 1, text.data() + 3, byte, 16);
      if (error != std::errc() || rest != text.data() + 3) return std::nullopt;
      taken = 3;
    }
    out += static_cast<char>(byte);
    text.remove_prefix(taken);
  }
  return out;
}

bool is_loopback(const Address& address) { return address.v6 ? address.value == 1 : address.value >> 24 == 127; }

// An IPv4 address may stand as IPv6, ::ffff:10.0.0.1 (RFC 4291 section 2.5.5.2).
std::optional<Address> address_of(const std::string& text) {
  auto address = parse_address(text);
  if (address && address->v6 && address->value >> 32 == 0xffff) return Address{false, address->value & 0xffffffff};
  return address;
}

// An entry of NO_PROXY as host and port; the port is mostly empty.
std::pair<std::string_view, std::string_view> split_port(std::string_view entry) {
  const auto colon = entry.rfind(':');
  if (colon == entry.npos) return {entry, {}};
  auto host = entry.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) return {host.substr(1, host.size() - 2), entry.substr(colon + 1)};
  // More colons, and no brackets: an IPv6 address alone.
  if (host.find(':') != host.npos || host.starts_with('[')) return {entry, {}};
  return {host, entry.substr(colon + 1)};
}

// Whether a host that is no address is of this domain: with "example.org", or "*.example.org", or ".example.org".
bool within(const std::string& host, std::string_view domain) {
  if (domain.starts_with("*.")) domain.remove_prefix(1);
  return domain.starts_with('.') ? host.ends_with(domain) : host == domain || host.ends_with("." + std::string(domain));
}

bool goes_past(std::string_view entry, const std::string& host, const std::optional<Address>& address, const std::string& port) {
  if (entry == "*") return true;
  if (const auto network = parse_prefix(std::string(entry), HostBits::kDropped)) return address && network->contains(*address);
  const auto [name, only_port] = split_port(entry);
  if (name.empty() || (!only_port.empty() && only_port != port)) return false;
  if (const auto other = address_of(std::string(name))) return address == other;
  return !address && within(host, name);
}

}  // namespace

Result<net::Proxy> parse_proxy_url(std::string_view text) {
  const auto colon = text.find("://");
  const auto scheme = lower(text.substr(0, colon == text.npos ? 0 : colon));
  if (scheme == "https") return refused("a proxy that is spoken to by TLS is not supported");
  if (scheme.starts_with("socks")) return refused("a SOCKS proxy is not supported");
  if (scheme != "http") return refused("the proxy's URL does not begin with http://");
  text.remove_prefix(colon + 3);
  auto authority = text.substr(0, text.find_first_of("/?#"));
  if (text.find('@', authority.size()) != text.npos) return refused("the proxy's URL has a user or password that is not encoded");

  net::Proxy proxy;
  if (const auto mark = authority.rfind('@'); mark != authority.npos) {
    auto password = authority.substr(0, mark);
    const auto user = decoded(take_until(password, ':'));
    const auto secret = decoded(password);
    if (!user || !secret) return refused("the proxy's URL has a user or password that is not encoded");
    proxy.credentials = *user + ":" + *secret;
    authority.remove_prefix(mark + 1);
  }
  const auto place = parse_server_url("http://" + std::string(authority));
  if (!place) return refused("the proxy's URL has no host, or no port between 1 and 65535");
  proxy.host = place->host;
  proxy.port = place->port;
  return proxy;
}

Result<net::Proxy> proxy_for(std::string_view https_proxy, std::string_view no_proxy, const std::string& host,
                             const std::string& port) {
  const auto address = address_of(host);
  const auto name = lower(host);
  if (https_proxy.empty() || name == "localhost" || (address && is_loopback(*address))) return net::Proxy{};
  while (!no_proxy.empty()) {
    const auto entry = lower(trimmed(take_until(no_proxy, ',')));
    if (!entry.empty() && goes_past(entry, name, address, port)) return net::Proxy{};
  }
  const bool has_scheme = https_proxy.find("://") != https_proxy.npos;
  return parse_proxy_url(has_scheme ? std::string(https_proxy) : "http://" + std::string(https_proxy));
}

}  // namespace knfe::kube
