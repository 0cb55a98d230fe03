// `knfe controller`: the operators, in the cluster.
#pragma once

#include <string>

namespace knfe::cmd {

struct ControllerOptions {
  std::string kubeconfig;                  // empty: as kubectl finds it, or the pod's service account
  std::string ns;                          // watch this namespace only; empty: all
  std::string identity;                    // in the lease; empty: $POD_UID, else the host name
  std::string lease = "knfe-system/knfe";  // namespace/name; empty: no lease, write at once
  std::string listen = ":8080";            // metrics and probes
  std::string agent_image = "knfe.io/knfe:dev";
};

int run_controller(const ControllerOptions& options);

}  // namespace knfe::cmd
