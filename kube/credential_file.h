// Credentials as kubeconfig files hold them: as files beside it, or as base64 within.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace knfe::kube {

// The whole file, 4 MiB at most. Code::kNotFound if there is none. Errors name the file.
Result<std::string> read_credential_file(const std::string& path);

// RFC 4648 with padding; line ends are skipped. Errors do not repeat the text.
Result<std::string> decode_base64(std::string_view text);

}  // namespace knfe::kube
