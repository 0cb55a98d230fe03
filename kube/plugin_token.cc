#include "kube/plugin_token.h"

#include <algorithm>

#include "base/log.h"
#include "kube/config.h"

namespace knfe::kube {

namespace {

constexpr Duration kFirstRest{1'000}, kLongestRest{60'000};
constexpr Duration kEarly{30'000};            // before its end, unless it lives shortly
constexpr Duration kShortest{1'000};          // one that has just been given is used, whatever it says
constexpr Duration kLongest{31'536'000'000};  // far enough away to be no end, and near enough to be counted with
constexpr Duration kBetweenRefusals{10'000};

}  // namespace

const std::string* PluginToken::at_hand() {
  if (token_.empty() || boot_now() >= good_until_) return nullptr;
  if (boot_now() >= renew_at_ && !resting()) run();
  return &token_;
}

net::Handle PluginToken::wait(Done done) {
  if (resting()) {
    Error error = failure_;
    error.retry_after_s = static_cast<double>((rests_until_ - boot_now()).count()) / 1000;
    return loop_.after(Duration(0), [done = std::move(done), error] { done(std::unexpected(error)); });
  }
  const auto waiting = waiting_.emplace_back(std::make_shared<Done>(std::move(done)));
  run();
  return net::Handle([waiting] { *waiting = nullptr; });
}

void PluginToken::refused(const std::string& token) {
  // Those that were under way with an older one say nothing about this one.
  if (token == token_ && boot_now() - got_at_ >= kBetweenRefusals) token_.clear();
}

void PluginToken::run() {
  if (running_) return;
  running_ = run_exec_plugin(loop_, plugin_, [this](Result<ExecCredential> credential) { ended(std::move(credential)); });
}

void PluginToken::ended(Result<ExecCredential> credential) {
  // It runs from its own callback.
  loop_.post([handle = std::make_shared<net::Handle>(std::move(running_))] {});
  Result<std::string> token = credential ? checked_token(std::move(credential->token), "credential plugin " + plugin_.command)
                                         : Result<std::string>(std::unexpected(credential.error()));
  const auto now = boot_now();
  if (token) {
    const auto good_for = std::clamp(credential->good_for, kShortest, kLongest);
    token_ = *token;
    got_at_ = now;
    good_until_ = now + good_for;
    renew_at_ = good_until_ - std::min(kEarly, good_for / 4);
    rest_ = Duration(0);
    rests_until_ = {};
  } else {
    rest_ = std::clamp(2 * rest_, kFirstRest, kLongestRest);
    rests_until_ = now + rest_;
    failure_ = token.error();
    failure_.code = Code::kUnavailable;  // it is no word of the API server's
    failure_.retry_after_s = static_cast<double>(rest_.count()) / 1000;
    log(Level::kError, "no credentials", {{"error", failure_.text()}, {"retry_in_ms", std::to_string(rest_.count())}});
    token = std::unexpected(failure_);
  }
  for (const auto& one : std::exchange(waiting_, {})) {
    if (auto done = std::exchange(*one, nullptr)) done(token);
  }
}

}  // namespace knfe::kube
