#include "kube/proxy.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <optional>

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

struct Address {
  bool v4 = false;
  std::array<unsigned char, 16> bytes{};  // of IPv4 as IPv6: ::ffff:0:0/96

  bool loopback() const {
    return v4 ? bytes[12] == 127 : *this == Address{false, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};
  }
  bool operator==(const Address&) const = default;
};

std::optional<Address> parse_address(std::string_view text) {
  constexpr unsigned char kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  const std::string whole(text);
  Address address;
  if (inet_pton(AF_INET, whole.c_str(), address.bytes.data() + 12) == 1) {
    std::memcpy(address.bytes.data(), kMapped, sizeof kMapped);
    address.v4 = true;
    return address;
  }
  if (inet_pton(AF_INET6, whole.c_str(), address.bytes.data()) != 1) return std::nullopt;
  address.v4 = std::memcmp(address.bytes.data(), kMapped, sizeof kMapped) == 0;
  return address;
}

struct Network {
  Address base;
  unsigned bits = 0;

  bool has(const Address& address) const {
    if (address.v4 != base.v4) return false;
    for (unsigned i = 0; i < bits; ++i) {
      const unsigned mask = 0x80u >> i % 8;
      if ((address.bytes[i / 8] & mask) != (base.bytes[i / 8] & mask)) return false;
    }
    return true;
  }
};

std::optional<Network> parse_network(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == text.npos) return std::nullopt;
  const auto base = parse_address(text.substr(0, slash));
  unsigned bits = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data() + slash + 1, end, bits);
  if (!base || error != std::errc() || rest != end || bits > (base->v4 ? 32u : 128u)) return std::nullopt;
  return Network{*base, bits + (base->v4 ? 96 : 0)};
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
  if (const auto network = parse_network(entry)) return address && network->has(*address);
  const auto [name, only_port] = split_port(entry);
  if (name.empty() || (!only_port.empty() && only_port != port)) return false;
  if (const auto other = parse_address(name)) return address == other;
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
  const auto address = parse_address(host);
  const auto name = lower(host);
  if (https_proxy.empty() || name == "localhost" || (address && address->loopback())) return net::Proxy{};
  while (!no_proxy.empty()) {
    const auto entry = lower(trimmed(take_until(no_proxy, ',')));
    if (!entry.empty() && goes_past(entry, name, address, port)) return net::Proxy{};
  }
  const bool has_scheme = https_proxy.find("://") != https_proxy.npos;
  return parse_proxy_url(has_scheme ? std::string(https_proxy) : "http://" + std::string(https_proxy));
}

}  // namespace knfe::kube
