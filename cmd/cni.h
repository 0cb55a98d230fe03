// The CNI plugin: this binary as a container runtime calls it, and `knfe cni install`, which puts it where runtimes look.
#pragma once

#include <string>

namespace knfe::cmd {

// Whether this process was started as a CNI plugin: a runtime gives it no arguments.
bool called_as_cni(int argc);
int run_cni();
// Copies this program into `folder` under the name "knfe"; then waits for SIGTERM if `stay`, as a DaemonSet has to.
int cni_install(const std::string& folder, bool stay);

}  // namespace knfe::cmd
