#include "kube/discovery.h"

#include <algorithm>

namespace knfe::kube {

namespace {

net::Request get(std::string path) { return {"GET", std::move(path), {{"Accept", "application/json"}}, {}}; }

std::string what(const api::Resource& resource) { return std::string(resource.plural) + " are not served"; }

// Whether the group is there, with our version alone.
Result<bool> has_ours(const api::Resource& resource, const Result<Json>& groups) {
  if (resource.group.empty()) return fail(Code::kUnserved, "the core group cannot vanish: the way to the API server is wrong");
  if (!groups) return std::unexpected(groups.error());
  if (!at(*groups, "groups").is_array()) return fail(Code::kUnserved, what(resource) + ", and nobody says what is");
  bool ours = false;
  for (const auto& group : as_array(at(*groups, "groups"))) {
    if (as_string(at(group, "name")) != resource.group) continue;
    for (const auto& one : as_array(at(group, "versions"))) {
      const std::string version(as_string(at(one, "version")));
      ours = ours || version == resource.version;
      if (version == resource.version) continue;
      const std::string known(resource.version);
      return fail(Code::kUnserved, what(resource) + " as " + known + ", but perhaps as " + version, {},
                  "serve " + known + " again, or install the release that knows " + version);
    }
  }
  return ours;
}

Result<void> lacks(const api::Resource& resource, const Result<Json>& kinds) {
  if (!kinds) return std::unexpected(kinds.error());
  const Json& all = at(*kinds, "resources");
  if (!all.is_array()) return fail(Code::kUnserved, what(resource) + ", and nobody says what is");
  const bool listed = std::any_of(as_array(all).begin(), as_array(all).end(),
                                  [&](const Json& one) { return as_string(at(one, "name")) == resource.plural; });
  if (listed) return fail(Code::kUnserved, what(resource) + ", though discovery lists them");
  return {};
}

}  // namespace

net::Handle ask_whether_vanished(ApiClient& api, const api::Resource& resource, std::function<void(const Result<void>&)> done) {
  const auto call = std::make_shared<net::Handle>();
  const auto tell = std::make_shared<std::function<void(const Result<void>&)>>(std::move(done));
  *call = api.call("discovery", "get", get("/apis"), [&api, resource, call, tell](const Result<Json>& groups) {
    const auto ours = has_ours(resource, groups);
    if (!ours || !*ours) return (*tell)(ours ? Result<void>() : std::unexpected(ours.error()));
    *call = api.call("discovery", "get", get("/apis/" + resource.api_version()),
                     [resource, tell](const Result<Json>& kinds) { (*tell)(lacks(resource, kinds)); });
  });
  return net::Handle([call] { call->reset(); });
}

}  // namespace knfe::kube
