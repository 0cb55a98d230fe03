#include "net/message_text.h"

#include <algorithm>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/status.hpp>

namespace knfe::net {

namespace {

bool same_name(std::string_view a, std::string_view b) {
  return boost::beast::iequals({a.data(), a.size()}, {b.data(), b.size()});
}

bool is_token(std::string_view text) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || kMarks.find(c) != kMarks.npos;
  });
}

bool is_target(std::string_view text) {
  return text.starts_with('/') && std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

bool is_value(std::string_view text) {
  return std::none_of(text.begin(), text.end(),
                      [](char c) { return (static_cast<unsigned char>(c) < ' ' && c != '\t') || c == '\x7f'; });
}

bool belongs_to_connection(std::string_view name) {
  constexpr std::string_view kReserved[] = {"Host",    "Content-Length", "Connection", "Transfer-Encoding",
                                            "Upgrade", "Keep-Alive",     "TE",         "Expect"};
  return std::any_of(std::begin(kReserved), std::end(kReserved), [&](auto known) { return same_name(known, name); });
}

void add_header(std::string& text, std::string_view name, std::string_view value) {
  text.append(name).append(": ").append(value).append("\r\n");
}

}  // namespace

std::string_view header(const Headers& headers, std::string_view name) {
  for (const auto& [key, value] : headers) {
    if (same_name(key, name)) return value;
  }
  return {};
}

std::string bracketed(const std::string& host) {
  return host.find(':') == std::string::npos ? host : "[" + host.substr(0, host.find('%')) + "]";
}

std::string parameter(std::string_view target, std::string_view name) {
  auto query = target.substr(std::min(target.size(), target.find('?')));
  while (!query.empty()) {
    query.remove_prefix(1);
    const auto pair = query.substr(0, query.find('&'));
    if (pair.starts_with(name) && pair.substr(name.size()).starts_with('=')) return std::string(pair.substr(name.size() + 1));
    query.remove_prefix(pair.size());
  }
  return {};
}

bool has_body(const Request& request) {
  return !request.body.empty() || request.method == "POST" || request.method == "PUT" || request.method == "PATCH";
}

Result<void> check_request(const Request& request) {
  if (!is_token(request.method)) return fail(Code::kInvalid, "not an HTTP method");
  if (!is_target(request.target)) return fail(Code::kInvalid, "not an HTTP request target");
  for (const auto& [name, value] : request.headers) {
    // The value may be a secret: it is not repeated in the message.
    if (!is_token(name) || !is_value(value) || belongs_to_connection(name)) {
      return fail(Code::kInvalid, "not an acceptable HTTP header: " + (is_token(name) ? name : "its name is none"));
    }
  }
  return {};
}

Result<std::string> request_text(const Request& request, std::string_view host) {
  if (auto checked = check_request(request); !checked) return std::unexpected(std::move(checked).error());
  std::string text = request.method + " " + request.target + " HTTP/1.1\r\n";
  add_header(text, "Host", host);
  for (const auto& [name, value] : request.headers) add_header(text, name, value);
  if (has_body(request)) add_header(text, "Content-Length", std::to_string(request.body.size()));
  return text + "\r\n" + request.body;
}

std::string response_text(const Response& response, bool keep_connection) {
  const auto reason = boost::beast::http::obsolete_reason(static_cast<boost::beast::http::status>(response.status));
  std::string text = "HTTP/1.1 " + std::to_string(response.status) + " ";
  text.append(reason.data(), reason.size()).append("\r\n");
  for (const auto& [name, value] : response.headers) {
    if (is_token(name) && is_value(value) && !belongs_to_connection(name)) add_header(text, name, value);
  }
  add_header(text, "Content-Length", std::to_string(response.body.size()));
  add_header(text, "Connection", keep_connection ? "keep-alive" : "close");
  return text + "\r\n" + response.body;
}

}  // namespace knfe::net
