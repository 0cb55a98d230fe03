// Config: which API server, and who we are there - from a kubeconfig file, or from inside a pod.
//
// Sources, in kubectl's order: an explicit path, $KUBECONFIG (a list; the first file that names a thing wins, missing files
// are skipped), ~/.kube/config, and the service account mounted into a pod.
// Understood: client certificates, tokens, token files, *-data fields, exec plugins that give tokens, tls-server-name,
// insecure-skip-tls-verify, proxy-url. As with kubectl, $DISABLE_HTTP2 that is not empty makes it HTTP/1.1; and where there is no
// proxy-url, $HTTPS_PROXY and $NO_PROXY (also in small letters) choose the way to an https server.
// Refused, with a word that says so, since ignoring them would act as somebody else or somewhere else: auth-provider,
// passwords, impersonation, proxies other than http://, and those to an http server.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "kube/credential_file.h"
#include "kube/exec_credential.h"
#include "net/https_client.h"

namespace knfe::kube {

struct Config {
  net::Endpoint endpoint = {};
  std::string path_prefix = {};  // of the server's URL, without trailing slash; mostly empty
  std::string default_namespace = "default";
  std::string token = {};       // bearer token; empty if token_file or a certificate is used
  std::string token_file = {};  // read again when it changes: kubelet rotates it
  ExecPlugin exec = {};         // a command that gives tokens; only if there is neither
  std::string name = "knfe";    // who we say we are: user agent and field manager
  std::string source = {};      // for messages: "file X, context Y" or "the pod's service account"
};

struct ConfigOptions {
  std::optional<std::string> path = {};     // as --kubeconfig
  std::optional<std::string> context = {};  // as --context
  std::string service_account = "/var/run/secrets/kubernetes.io/serviceaccount";
  std::function<Result<std::string>(const std::string& path)> read = read_credential_file;  // Code::kNotFound: no such file
};

// Errors say file:line:column, or file:/pointer/into/it; they never repeat a credential.
Result<Config> load_config(const ConfigOptions& options = {});

// The bearer token to send now: reads token_file again at most once a minute, or when `force` (after a 401). Empty if no
// token is used. A file that cannot be read right now leaves the last token in use, unless `force`. (A plugin's: PluginToken.)
class TokenSource {
 public:
  explicit TokenSource(const Config& config);
  Result<std::string> get(bool force = false);

 private:
  std::string fixed_;
  std::string file_;
  std::string last_;
  Instant read_at_{};
};

// `token` without blanks around it; refused where it is empty, or would end the header that it is sent in.
Result<std::string> checked_token(std::string token, const std::string& where);

}  // namespace knfe::kube
