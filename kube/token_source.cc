#include <algorithm>

#include "kube/config.h"

namespace knfe::kube {

namespace {

constexpr Duration kKeep = std::chrono::minutes(1);

}  // namespace

Result<std::string> checked_token(std::string token, const std::string& where) {
  constexpr std::string_view kBlank = " \t\r\n";
  token.erase(token.find_last_not_of(kBlank) + 1);
  token.erase(0, token.find_first_not_of(kBlank));
  if (token.empty()) return fail(Code::kForbidden, "the token is empty", where);
  const bool visible = std::all_of(token.begin(), token.end(), [](char c) { return c > ' ' && c < '\x7f'; });
  if (!visible) return fail(Code::kInvalid, "not a bearer token", where);
  return token;
}

TokenSource::TokenSource(const Config& config) : fixed_(config.token), file_(config.token_file) {}

Result<std::string> TokenSource::get(bool force) {
  if (file_.empty()) return fixed_.empty() ? Result<std::string>(fixed_) : checked_token(fixed_, {});
  const auto now = boot_now();
  if (!force && !last_.empty() && now - read_at_ < kKeep) return last_;
  auto text = read_credential_file(file_);
  auto token = text ? checked_token(std::move(*text), file_) : std::move(text);
  if (token) {
    last_ = *token;
    read_at_ = now;
  } else if (!force && !last_.empty()) {
    return last_;
  }
  return token;
}

}  // namespace knfe::kube
