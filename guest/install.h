// What `knfe guest install` does, before the function's own containers start: the agent's binary into one shared volume, the
// member list into another.
#pragma once

#include "guest/agent.h"

namespace knfe::guest {

inline constexpr const char* kBinary = "/knfe/knfe";

// Copies this very program.
Result<void> install_binary(const std::string& path = kBinary);

// Reads the list once and writes its files, trying for at most `limit`; calls `done` once.
void install_list(net::Loop& loop, kube::ApiClient& api, const Identity& identity, Duration limit,
                  std::function<void(Result<void>)> done);

}  // namespace knfe::guest
