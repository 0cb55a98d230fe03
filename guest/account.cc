#include "guest/account.h"

#include "api/foreign.h"
#include "base/log.h"
#include "guest/files.h"
#include "kube/request.h"

namespace knfe::guest {

namespace {

constexpr int kLifeSeconds = 7 * 24 * 3600;
constexpr Duration kRenew{3600'000};  // also what a machine that was paused for long waits at most
constexpr Duration kRetry{10'000};
constexpr std::size_t kLongest = 1 << 16;

std::string token_file(const std::string& run) { return run + "/token"; }

net::Request token_request(const std::string& ns, const std::string& name) {
  const JsonObject object{{"apiVersion", "authentication.k8s.io/v1"},
                          {"kind", "TokenRequest"},
                          {"metadata", JsonObject{{"name", name}, {"namespace", ns}}},
                          {"spec", JsonObject{{"expirationSeconds", kLifeSeconds}}}};
  auto out = kube::create_request(api::ServiceAccount::resource, object);
  out.target = kube::path_of(api::ServiceAccount::resource, ns, name, "token");
  return out;
}

}  // namespace

Result<std::string> Account::prepare(const std::string& run, const std::string& account) {
  // One that was given stays good when the agent starts anew, while the disk's may be dead.
  if (const auto kept = read_file(token_file(run), kLongest); kept && !kept->empty()) return token_file(run);
  KNFE_TRY(const std::string token, read_file(account + "/token", kLongest));
  if (auto written = write_file(token_file(run), token, 0600); !written) return std::unexpected(written.error());
  return token_file(run);
}

Account::Account(net::Loop& loop, kube::ApiClient& api, std::string ns, std::string name, std::string run, std::string account)
    : loop_(loop), api_(api), ns_(std::move(ns)), name_(std::move(name)), run_(std::move(run)), account_(std::move(account)) {
  const auto kept = read_file(token_file(run_), kLongest);
  const auto disk = read_file(account_ + "/token", kLongest);
  uses_own_ = kept && !kept->empty() && (!disk || *kept != *disk);
  if (uses_own_) own_ = *kept;
  ask();
}

void Account::ask() {
  call_ = api_.call("serviceaccounts/token", "create", token_request(ns_, name_), [this](const Result<Json>& answer) {
    const std::string token(answer ? as_string(at(*answer, "status", "token")) : std::string_view());
    if (!token.empty()) {
      const auto written = write_file(token_file(run_), token, 0600);
      if (written) {
        own_ = token;
        uses_own_ = true;
        log(Level::kInfo, "token renewed", {{"expires", std::string(as_string(at(*answer, "status", "expirationTimestamp")))}});
        timer_ = loop_.after(kRenew, [this] { ask(); });
        return;
      }
      log(Level::kError, "the token cannot be kept", {{"error", written.error().text()}});
    } else {
      log(Level::kWarning, "the token is not renewed yet",
          {{"error", answer ? std::string("the answer holds none") : answer.error().text()}});
      // After a long sleep ours may have ended, and that on the disk may be a newer one: they take turns.
      if (!answer && answer.error().code == Code::kForbidden) {
        uses_own_ = !uses_own_ && !own_.empty();
        const auto next = uses_own_ ? Result<std::string>(own_) : read_file(account_ + "/token", kLongest);
        const auto written = next ? write_file(token_file(run_), *next, 0600) : Result<void>(std::unexpected(next.error()));
        if (!written) log(Level::kError, "the token cannot be replaced", {{"error", written.error().text()}});
      }
    }
    timer_ = loop_.after(kRetry, [this] { ask(); });
  });
}

}  // namespace knfe::guest
