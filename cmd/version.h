// `knfe version`.
#pragma once

namespace knfe::cmd {

int print_version(bool json);

}  // namespace knfe::cmd
