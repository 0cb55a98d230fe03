// ExecCredential: a bearer token by the command that a kubeconfig names (client.authentication.k8s.io), as for the clusters of
// most clouds.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "net/loop.h"

namespace knfe::kube {

struct ExecPlugin {
  std::string command;  // empty: none
  std::vector<std::string> arguments = {};
  std::vector<std::pair<std::string, std::string>> environment = {};  // added to this process's
  std::string api_version = {};                                       // v1 or v1beta1 of the group
};

struct ExecCredential {
  std::string token;
  Duration good_for = Duration::max();  // where the command says until when
};

// Runs the command, without a terminal, for at most twenty seconds. Its standard error is ours, so that it can say what it lacks.
// Errors never repeat its output. As net::run_process.
[[nodiscard]] net::Handle run_exec_plugin(net::Loop& loop, const ExecPlugin& plugin,
                                          std::function<void(Result<ExecCredential>)> done);

// What the command has written; `now` is seconds since 1970.
Result<ExecCredential> read_exec_credential(std::string_view text, std::int64_t now);

}  // namespace knfe::kube
