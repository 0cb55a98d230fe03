// What `knfe guest scale` does inside a member: it moves the size of its own role.
#pragma once

#include <optional>
#include <string>

#include "kube/api_client.h"
#include "net/loop.h"

namespace knfe::guest {

// To so many members, or by so many more or fewer than are wanted now.
struct Resize {
  std::int32_t number = 0;
  bool relative = false;
};
// "5", "+1", "-2".
std::optional<Resize> parse_resize(const std::string& text);

// All tries together take less than this.
inline constexpr Duration kScaleLimit{70'000};

// Calls `done` once with how many members are wanted now, or why that has not changed: what is wanted between reading and writing
// by somebody else is not overwritten, but read again.
void scale(net::Loop& loop, kube::ApiClient& api, const api::Key& member_set, Resize resize,
           std::function<void(Result<std::int32_t>)> done);

}  // namespace knfe::guest
