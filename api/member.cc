#include "api/member.h"

namespace knfe::api {

std::string text_of(const std::vector<MemberAddress>& addresses) {
  std::string out;
  for (const auto& address : addresses) {
    out += (out.empty() ? "" : ", ") + address.connection_point;
    for (const auto& ip : address.ips) out += " " + ip;
  }
  return out;
}

}  // namespace knfe::api
