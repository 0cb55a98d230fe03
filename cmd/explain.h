// `knfe explain`: what the operators have decided about an object of late, and what came of it.
#pragma once

#include <string>

#include "base/json.h"

namespace knfe::cmd {

struct ExplainOptions {
  std::string kubeconfig, context, ns;
  std::string target;                // KIND/NAME
  std::string address;               // host:port of a controller; empty: the pods of `home`, through the API server
  std::string home = "knfe-system";  // the operators' namespace
  bool json = false;
};

// 0: told. 1: nothing is known of it, or nobody could be asked.
int run_explain(const ExplainOptions& options);

// What run_explain prints of what a controller has answered.
std::string text_of_decisions(const Json& answer);
// The path to ask for, such as "/explain?kind=Network&namespace=n&name=a"; fails on what is no KIND/NAME.
Result<std::string> path_of_question(const std::string& target, const std::string& ns);

}  // namespace knfe::cmd
