// `knfe crds`: the CustomResourceDefinitions as YAML.
#pragma once

#include <string>

namespace knfe::cmd {

// One file per kind into `folder`, or all to standard output if it is empty.
int write_crds(const std::string& folder);

}  // namespace knfe::cmd
