#include "kube/exec_credential.h"

#include <algorithm>

#include "base/json.h"
#include "base/rfc3339.h"
#include "net/process.h"

namespace knfe::kube {

namespace {

constexpr std::size_t kMostOutput = 1u << 20;
constexpr Duration kLimit{20'000};
constexpr Duration kMargin{10'000};  // a token is renewed before its end

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
    const auto end = read_rfc3339(until);
    if (!end) return fail(Code::kForbidden, "gives an expirationTimestamp that is no time");
    const std::int64_t left = end->time_since_epoch().count() - now;
    credential.good_for = std::max(Duration(0), Duration(std::min(left, std::int64_t{1} << 31) * 1000) - kMargin);
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
