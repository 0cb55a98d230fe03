#include <algorithm>

#include "kube/config.h"

namespace knfe::kube {

namespace {

constexpr Duration kKeep = std::chrono::minutes(1);

// A line end inside would end the header that the token is sent in.
Result<std::string> checked(std::string token, const std::string& where) {
  constexpr std::string_view kBlank = " \t\r\n";
  token.erase(token.find_last_not_of(kBlank) + 1);
  token.erase(0, token.find_first_not_of(kBlank));
  if (token.empty()) return fail(Code::kForbidden, "the token is empty", where);
  const bool visible = std::all_of(token.begin(), token.end(), [](char c) { return c > ' ' && c < '\x7f'; });
  if (!visible) return fail(Code::kInvalid, "not a bearer token", where);
  return token;
}

}  // namespace

TokenSource::TokenSource(const Config& config) : fixed_(config.token), file_(config.token_file), exec_(config.exec) {}

Result<std::string> TokenSource::get(bool force) {
  if (!exec_.command.empty()) {
    const auto now = boot_now();
    if (!force && !last_.empty() && now < good_until_) return last_;
    KNFE_TRY(const auto credential, run_exec_plugin(exec_));
    KNFE_TRY(last_, checked(credential.token, exec_.command));
    // Far enough away to be no end, and near enough to be counted with.
    good_until_ = now + std::min(credential.good_for, Duration(std::chrono::hours(24 * 365)));
    return last_;
  }
  if (file_.empty()) return fixed_.empty() ? Result<std::string>(fixed_) : checked(fixed_, {});
  const auto now = boot_now();
  if (!force && !last_.empty() && now - read_at_ < kKeep) return last_;
  auto text = read_credential_file(file_);
  auto token = text ? checked(std::move(*text), file_) : std::move(text);
  if (token) {
    last_ = *token;
    read_at_ = now;
  } else if (!force && !last_.empty()) {
    return last_;
  }
  return token;
}

}  // namespace knfe::kube
