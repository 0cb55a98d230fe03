// `knfe status`: one object of KNFE's, or all of a namespace, as a tree - and why what is not ready is not.
#pragma once

#include <string>

#include "operators/view.h"

namespace knfe::cmd {

struct StatusOptions {
  std::string kubeconfig, context, ns;
  std::string name;  // "ims", or with its kind "networkfunction/ims-sip"; empty: all
  bool all_namespaces = false;
  bool json = false;
};

// 0: all is ready. 1: something is not, or cannot be found or asked.
int run_status(const StatusOptions& options);

// What run_status prints of what it has read. `ready` tells whether all of it is.
struct StatusReport {
  std::string text;
  Json json;
  bool ready = true;
  bool found = false;
};
// `name` as in StatusOptions.
Result<StatusReport> report_status(const operators::View& view, const std::string& ns, const std::string& name);

}  // namespace knfe::cmd
