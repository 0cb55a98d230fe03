#include "kube/exec_credential.h"

#include <algorithm>
#include <cstring>
#include <ctime>

#include "base/json.h"
#include "net/process.h"

namespace knfe::kube {

namespace {

constexpr std::size_t kMostOutput = 1u << 20;
constexpr Duration kLimit{20'000};
constexpr Duration kMargin{10'000};  // a token is renewed before its end

// Seconds since 1970 of an RFC 3339 time, or -1.
std::int64_t seconds_of(std::string_view text) {
  tm parts{};
  const std::string whole(text);
  const char* rest = ::strptime(whole.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  if (!rest) return -1;
  const auto utc = static_cast<std::int64_t>(::timegm(&parts));
  if (*rest == '.') rest += 1 + std::strspn(rest + 1, "0123456789");
  if (std::strcmp(rest, "Z") == 0) return utc;
  tm offset{};
  const char* end = *rest == '+' || *rest == '-' ? ::strptime(rest + 1, "%H:%M", &offset) : nullptr;
  if (!end || *end) return -1;
  const std::int64_t ahead = offset.tm_hour * 3600 + offset.tm_min * 60;
  return *rest == '+' ? utc - ahead : utc + ahead;
}

}  // namespace

Result<ExecCredential> read_exec_credential(std::string_view text, std::int64_t now) {
  const auto said = parse_json(text);
  if (!said || as_string(at(*said, "kind")) != "ExecCredential")
    return fail(Code::kForbidden, "does not write an ExecCredential");
  ExecCredential credential;
  credential.token = as_string(at(*said, "status", "token"));
  if (credential.token.empty()) {
    return fail(Code::kForbidden, "gives no token", {}, "client certificates of a plugin are not supported");
  }
  const auto until = as_string(at(*said, "status", "expirationTimestamp"));
  if (!until.empty()) {
    const auto end = seconds_of(until);
    if (end < 0) return fail(Code::kForbidden, "gives an expirationTimestamp that is no time");
    credential.good_for = std::max(Duration(0), Duration(std::min(end - now, std::int64_t{1} << 31) * 1000) - kMargin);
  }
  return credential;
}

net::Handle run_exec_plugin(net::Loop& loop, const ExecPlugin& plugin, std::function<void(Result<ExecCredential>)> done) {
  std::vector<std::string> command{plugin.command};
  command.insert(command.end(), plugin.arguments.begin(), plugin.arguments.end());
  net::Variables variables{
      {"KUBERNETES_EXEC_INFO",
       to_text(JsonObject{{"apiVersion", plugin.api_version}, {"kind", "ExecCredential"}, {"spec", {{"interactive", false}}}})}};
  variables.insert(variables.end(), plugin.environment.begin(), plugin.environment.end());
  return net::run_for_output(
      loop, command, variables, kMostOutput, kLimit,
      [where = "credential plugin " + plugin.command, done = std::move(done)](const Result<net::Output>& ended) {
        Result<ExecCredential> credential = std::unexpected(ended ? Error{} : ended.error());
        if (ended && ended->code != 0) {
          credential = fail(Code::kForbidden, "has failed", {}, "it has said why, if it has");
        } else if (ended) {
          credential = read_exec_credential(ended->text, static_cast<std::int64_t>(::time(nullptr)));
        } else if (ended.error().message.starts_with("cannot be started")) {
          credential.error().hint = "install the credential plugin that the kubeconfig names";
        }
        if (!credential) credential.error().where = where;
        done(std::move(credential));
      });
}

}  // namespace knfe::kube
