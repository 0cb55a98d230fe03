// knfe: one binary. As `kubectl-knfe` on the PATH it is also `kubectl knfe`.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>

#include "base/log.h"
#include "cmd/cni.h"
#include "cmd/controller.h"
#include "cmd/crds.h"
#include "cmd/explain.h"
#include "cmd/guest.h"
#include "cmd/status.h"
#include "cmd/version.h"

namespace {

using namespace knfe::cmd;

// Exit codes: 0 as asked; 1 it could not be done, or is not ready; 2 the command line is wrong.
int parse(CLI::App& app, int argc, char** argv) {
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  return -1;
}

int run(int argc, char** argv) {
  CLI::App app{"KNFE runs network functions on plain Kubernetes."};
  app.name("knfe");
  app.require_subcommand(1);
  bool debug = false;
  app.add_flag("--debug", debug, "Log more");

  StatusOptions status;
  std::string output;
  auto* status_command =
      app.add_subcommand("status", "Show services, functions and networks as a tree, and why what is not ready is not");
  status_command->add_option(
      "NAME", status.name,
      "Name, or KIND/NAME, of a service, function, member set, member or network; without it, all that is there");
  status_command->add_option("-n,--namespace", status.ns, "Namespace; without it, the kubeconfig's");
  status_command->add_flag("-A,--all-namespaces", status.all_namespaces, "All namespaces");
  status_command->add_option("-o,--output", output, "json")->check(CLI::IsMember({"json"}));
  status_command->add_option("--kubeconfig", status.kubeconfig, "Path of a kubeconfig; without it, as kubectl finds it");
  status_command->add_option("--context", status.context, "Context in the kubeconfig");
  status_command->footer(
      "Examples:\n  knfe status              everything in this namespace\n  knfe status ims          one service, function or "
      "network\n"
      "  knfe status member/ims-sip-sprout-0\n"
      "  kubectl knfe status -A -o json | jq .ready\n\nExit code 0: all that is shown is ready; 1: something is not, also below "
      "what is; 2: wrong usage.");

  ExplainOptions explain;
  auto* explain_command =
      app.add_subcommand("explain", "Show the last decisions of the operators about an object, and what came of them");
  explain_command->add_option("KIND/NAME", explain.target, "Such as network/ims, or member/ims-sip-sprout-0")->required();
  explain_command->add_option("-n,--namespace", explain.ns, "Namespace; without it, the kubeconfig's");
  explain_command->add_option("--address", explain.address, "host:port of a controller; without it, the pods in --operators");
  explain_command->add_option("--operators", explain.home, "Namespace of the operators")->capture_default_str();
  explain_command->add_option("-o,--output", output, "json")->check(CLI::IsMember({"json"}));
  explain_command->add_option("--kubeconfig", explain.kubeconfig, "Path of a kubeconfig; without it, as kubectl finds it");
  explain_command->add_option("--context", explain.context, "Context in the kubeconfig");
  explain_command->footer(
      "Examples:\n  kubectl knfe explain networkfunction/ims-sip\n  knfe explain network/ims --address 127.0.0.1:8080\n\n"
      "Asks /explain of each operator pod through the API server: list pods and get pods/proxy in --operators.");

  auto* version_command = app.add_subcommand("version", "Print the version");
  version_command->add_option("-o,--output", output, "json")->check(CLI::IsMember({"json"}));

  std::string crds_folder;
  auto* crds_command = app.add_subcommand("crds", "Print the CustomResourceDefinitions");
  crds_command->add_option("--out", crds_folder, "Write one file per kind into this folder instead");
  crds_command->footer("Example:\n  knfe crds | kubectl apply --server-side -f -");

  ControllerOptions controller;
  auto* controller_command = app.add_subcommand("controller", "Run the operators (what the Deployment in deploy/ does)");
  controller_command->add_option("--kubeconfig", controller.program.kubeconfig,
                                 "Path of a kubeconfig; without it, the pod's service account");
  controller_command->add_option("--namespace", controller.program.ns, "Look after this namespace only; without it, all");
  controller_command
      ->add_option("--lease", controller.program.lease, "Lease (namespace/name) that lets one replica write; '' for none")
      ->capture_default_str();
  controller_command->add_option("--identity", controller.program.identity,
                                 "Who we are in the lease; without it, $POD_UID or the host name");
  controller_command->add_option("--listen", controller.program.listen, "Address of /metrics, /livez, /readyz and /explain")
      ->capture_default_str();
  controller_command->add_option("--record", controller.program.record,
                                 "File for all that the operators ask and are told, without credentials: an incident to replay");
  controller_command->add_flag("--profiling", controller.program.profiling,
                               "Serve /debug/profile?seconds=N (CPU) and /debug/memory, too");
  controller_command->add_option("--agent-image", controller.agent_image, "Image that holds this binary, for the guest agent")
      ->capture_default_str();
  controller_command->footer(
      "Example, against the cluster of your kubeconfig:\n  knfe controller --kubeconfig ~/.kube/config --lease '' --listen "
      "127.0.0.1:8080");

  int leave_timeout = 3600;
  std::vector<std::string> leave_then;
  auto* guest_command = app.add_subcommand("guest", "The agent inside a member");
  guest_command->require_subcommand(1);
  auto* install_command =
      guest_command->add_subcommand("install", "Put the agent and the member list where the member's containers find them");
  auto* run_command = guest_command->add_subcommand("run", "Keep the member list, run the hooks, report");
  std::string run_user = "0";
  run_command->add_option("--user", run_user, "UID, or UID:GID: who the agent and its hooks are in a virtual machine")
      ->capture_default_str();
  auto* leave_command =
      guest_command->add_subcommand("leave", "Ask the agent to leave the cluster and wait until it has (the preStop hook)");
  leave_command->add_option("--timeout", leave_timeout, "Seconds to wait at most")
      ->capture_default_str()
      ->check(CLI::Range(1, 86400));
  leave_command->footer("Example, which then becomes another command:\n  knfe guest leave --timeout 60 -- nginx -s quit");

  std::string scale_to;
  auto* scale_command =
      guest_command->add_subcommand("scale", "Move the size of this member's own role, where it says size.byMembers");
  scale_command->add_option("NUMBER", scale_to, "How many members are wanted, or how many more (+1) or fewer (-1)")->required();
  scale_command->footer("Examples, inside a member:\n  knfe guest scale 5\n  knfe guest scale +1");

  std::string cni_folder;
  bool cni_stay = false;
  auto* cni_command = app.add_subcommand("cni", "The CNI plugin by which virtual machines get their data-plane interfaces");
  cni_command->require_subcommand(1);
  auto* cni_install_command =
      cni_command->add_subcommand("install", "Put this program where the node's container runtime looks for plugins");
  cni_install_command->add_option("FOLDER", cni_folder, "Such as /opt/cni/bin")->required();
  cni_install_command->add_flag("--stay", cni_stay, "Then wait for SIGTERM");
  cni_install_command->footer(
      "Example, as the DaemonSet in deploy/virtual-machines/ does:\n  knfe cni install --stay /opt/cni/bin");

  // What follows -- is another's command line: its words are taken as they are.
  if (const auto end = std::find(argv, argv + argc, std::string_view("--")); end != argv + argc) {
    leave_then.assign(end + 1, argv + argc);
    argc = static_cast<int>(end - argv);
  }
  if (const int code = parse(app, argc, argv); code >= 0) return code;
  if (!leave_then.empty() && !*leave_command) {
    std::fprintf(stderr, "knfe: only `knfe guest leave` takes a command after --\n");
    return 2;
  }
  if (debug) knfe::set_log_level(knfe::Level::kDebug);
  status.json = explain.json = output == "json";
  if (*status_command) return run_status(status);
  if (*explain_command) return run_explain(explain);
  if (*version_command) return print_version(output == "json");
  if (*crds_command) return write_crds(crds_folder);
  if (*controller_command) return run_controller(controller);
  if (*install_command) return guest_install();
  if (*run_command) return guest_run(run_user);
  if (*leave_command) return guest_leave(leave_timeout, leave_then);
  if (*scale_command) return guest_scale(scale_to);
  if (*cni_install_command) return cni_install(cni_folder, cni_stay);
  return 2;
}

}  // namespace

// Nothing of ours throws; memory may be at its end.
int main(int argc, char** argv) {
  try {
    if (called_as_cni(argc)) return run_cni();
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "knfe: %s\n", error.what());
    return 1;
  }
}
