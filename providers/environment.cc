#include "providers/environment.h"

#include <algorithm>
#include <cctype>

namespace knfe::providers {

namespace {

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return c == '-' ? '_' : static_cast<char>(std::toupper(c)); });
  return text;
}

}  // namespace

Environment environment_of(const operators::WorkloadInput& input) {
  const auto& member = *input.member;
  Environment out{{"KNFE_NAMESPACE", std::string(member.meta.key.ns.text())},
                  {"KNFE_FUNCTION", member.spec.function},
                  {"KNFE_ROLE", member.spec.role},
                  {"KNFE_MEMBER", std::string(member.meta.key.name.text())},
                  {"KNFE_ORDINAL", std::to_string(member.spec.ordinal)}};
  for (std::size_t i = 0; i < input.attachments.size(); ++i) {
    const std::string point = upper(member.spec.connection_points[i].name);
    bool seen[2] = {};
    for (const auto& address : input.attachments[i].connection_point->status.addresses) {
      const bool v6 = address.ip.find(':') != std::string::npos;
      if (!std::exchange(seen[v6], true)) out.emplace_back((v6 ? "KNFE_ADDRESS6_" : "KNFE_ADDRESS_") + point, address.ip);
    }
  }
  return out;
}

JsonObject labels_of(const api::Member& member, const api::StringMap& own) {
  JsonObject out;
  for (const auto& [key, value] : own) out[key] = value;
  out[operators::label::kFunction] = member.spec.function;
  out[operators::label::kRole] = member.spec.role;
  out[operators::label::kMember] = member.meta.key.name.text();
  out[operators::label::kManagedBy] = "knfe";
  return out;
}

}  // namespace knfe::providers
