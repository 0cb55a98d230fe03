// Disks: how the agent in a virtual machine learns who it is. KNFE attaches two small read-only disks, found by their serials:
//
//   knfe-identity  `identity`, a JSON object of environment variables, and `instance`, the UID of the VirtualMachineInstance
//   knfe-account   `token`, `ca.crt` and `namespace` of the member's ServiceAccount, as kubelet mounts them into a pod
#pragma once

#include <optional>
#include <string>

#include "base/result.h"

namespace knfe::guest {

struct User {
  unsigned uid = 0, gid = 0;
};
// "1000" or "1000:100".
std::optional<User> parse_user(const std::string& text);

// Mounts both below `run` (iso9660; needs root), unless they are already, so that they, and `run`, are this user's.
Result<void> mount_disks(const std::string& run, const User& user, const std::string& sys = "/sys/block");
// This process is the user's from now on, and has no other groups.
Result<void> become(const User& user);

// Takes the identity's variables, and KNFE_POD_UID from `instance`, into the environment of this process, and writes them to
// RUN/environment as a shell reads them. Names other than KNFE_* and KUBERNETES_SERVICE_* are left out.
Result<void> take_identity(const std::string& run);

std::string identity_folder(const std::string& run);
std::string account_folder(const std::string& run);

}  // namespace knfe::guest
