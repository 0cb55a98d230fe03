// Program: an operator as a program of its own - configuration, connection, probes and metrics, and an end in order.
#pragma once

#include <functional>
#include <string>

#include "runtime/operator.h"

namespace knfe::runtime {

struct ProgramOptions {
  std::string name;         // field manager and user agent: what the API server knows it by
  std::string kubeconfig;   // empty: as kubectl finds it, or the pod's service account
  std::string ns;           // watch this namespace only; empty: all
  std::string lease;        // namespace/name; empty: no lease, write at once
  std::string identity;     // in the lease; empty: $POD_UID, else the host name
  std::string listen;       // address of /metrics, /livez, /readyz and /explain ("host:port", ":8080"); empty: none
  std::string build = {};   // version, for metrics
  std::string record = {};  // file that all that is asked and told goes to (runtime/recorder.h); empty: none
  bool profiling = false;   // serve /debug/ (runtime/debug_pages.h), too
  JsonObject about = {};    // what a replay has to know beside that
};

// Stands between the operator and the API server: made of the loop and of the client that it is to use.
using Between = std::function<std::unique_ptr<net::Client>(net::Loop& loop, net::Client& inner)>;

// Runs until SIGTERM or SIGINT. `set_up` adds caches and controllers, once, before anything starts; `between` is for tests.
// Returns the exit code: 0, or 1 where it could not start (the log says why).
int run_program(const ProgramOptions& options, const std::function<void(Operator&)>& set_up, const Between& between = nullptr);

}  // namespace knfe::runtime
