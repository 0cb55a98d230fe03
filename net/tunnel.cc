#include "net/tunnel.h"

#include <openssl/evp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

#include "net/message_text.h"

namespace knfe::net {

namespace {

constexpr std::size_t kMaxHead = 16 << 10;

Attempt failed(std::string message, std::string hint = {}) {
  return Attempt::failed({Code::kUnavailable, std::move(message), {}, std::move(hint), 0});
}

Attempt not_now(Attempt::Outcome wanted) {
  const int reason = errno;
  if (reason == EAGAIN || reason == EWOULDBLOCK || reason == EINTR) return Attempt::of(wanted);
  return failed(std::generic_category().message(reason));
}

std::string base64(const std::string& bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');  // and an end, which OpenSSL writes
  const auto* from = reinterpret_cast<const unsigned char*>(bytes.data());
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), from, static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(size));
  return text;
}

// Behind the empty line that ends a head, if it is there: lines end by LF, with or without CR.
std::size_t end_of_head(std::string_view text) {
  for (auto line = text.find('\n'); line != text.npos; line = text.find('\n', line + 1)) {
    const auto next = text.substr(line + 1, 2);
    if (next.starts_with('\n')) return line + 2;
    if (next == "\r\n") return line + 3;
  }
  return text.npos;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Of "HTTP/1.1 200 ...", or empty.
std::string_view status_of(std::string_view head) {
  if (head.size() < 13 || !head.starts_with("HTTP/1.") || !is_digit(head[7]) || head[8] != ' ') return {};
  const auto status = head.substr(9, 3);
  const bool whole = head[12] == ' ' || head[12] == '\r' || head[12] == '\n';
  return whole && std::all_of(status.begin(), status.end(), is_digit) ? status : std::string_view();
}

}  // namespace

Tunnel::Tunnel(int socket, const Endpoint& endpoint)
    : socket_(socket), server_(bracketed(endpoint.host) + ":" + endpoint.port), named_(!endpoint.proxy.credentials.empty()) {
  request_ = "CONNECT " + server_ + " HTTP/1.1\r\nHost: " + server_ + "\r\n";
  if (named_) request_ += "Proxy-Authorization: Basic " + base64(endpoint.proxy.credentials) + "\r\n";
  request_ += "\r\n";
}

Attempt Tunnel::dig() {
  while (!request_.empty()) {
    if (auto asked = ask(); asked.outcome != Attempt::Outcome::kDone) return asked;
  }
  while (end_of_head(head_) == std::string::npos) {
    if (auto heard = hear(); heard.outcome != Attempt::Outcome::kDone) return heard;
  }
  return judge();
}

Attempt Tunnel::ask() {
  const auto sent = ::send(socket_, request_.data(), request_.size(), MSG_NOSIGNAL);
  if (sent < 0) return not_now(Attempt::Outcome::kWantWrite);
  request_.erase(0, static_cast<std::size_t>(sent));
  return Attempt::done(static_cast<std::size_t>(sent));
}

// Looks first, and takes no more than belongs to the head.
Attempt Tunnel::hear() {
  std::array<char, 2048> piece;
  const auto there = ::recv(socket_, piece.data(), std::min(piece.size(), kMaxHead - head_.size()), MSG_PEEK);
  if (there < 0) return not_now(Attempt::Outcome::kWantRead);
  if (there == 0) return failed("it closes instead of an answer to CONNECT");
  const auto before = head_.size();
  head_.append(piece.data(), static_cast<std::size_t>(there));
  head_.resize(std::min(head_.size(), end_of_head(head_)));
  const auto taken = ::recv(socket_, piece.data(), head_.size() - before, 0);
  if (taken != static_cast<ssize_t>(head_.size() - before)) return failed("what it said is gone");
  if (head_.size() == kMaxHead && end_of_head(head_) == std::string::npos) return failed("its answer to CONNECT is too long");
  return Attempt::done(static_cast<std::size_t>(taken));
}

Attempt Tunnel::judge() const {
  const auto status = status_of(head_);
  if (status.empty()) return failed("it does not answer in HTTP/1.1", "is it an HTTP proxy?");
  if (status.starts_with('2')) return Attempt::done(0);
  const auto answered = " (" + std::string(status) + ")";
  if (status == "407") {
    auto refused = failed("it wants to know who we are" + answered,
                          named_ ? "are its user and password right?" : "give it as http://USER:PASSWORD@HOST:PORT");
    refused.error.retry_after_s = 30;  // who shows a wrong password too often is locked out
    return refused;
  }
  if (status == "403") {
    return failed("it does not let us through to " + server_ + answered,
                  "whoever runs it can allow that; NO_PROXY goes past it, where that is allowed");
  }
  if (status == "502" || status == "503" || status == "504") return failed("it does not reach " + server_ + answered);
  return failed("it refuses CONNECT to " + server_ + answered);
}

}  // namespace knfe::net
