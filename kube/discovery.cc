#include "kube/discovery.h"

#include <algorithm>
#include <memory>
#include <vector>

namespace knfe::kube {

namespace {

net::Request get(std::string path) { return {"GET", std::move(path), {{"Accept", "application/json"}}, {}}; }

std::string what(const api::Resource& resource) { return std::string(resource.plural) + " are not served"; }

// The versions in which the group is served, none if it is not there.
Result<std::vector<std::string>> versions_of(const api::Resource& resource, const Result<Json>& groups) {
  if (resource.group.empty()) return fail(Code::kUnserved, "the core group cannot vanish: the way to the API server is wrong");
  if (!groups) return std::unexpected(groups.error());
  if (!at(*groups, "groups").is_array()) return fail(Code::kUnserved, what(resource) + ", and nobody says what is");
  std::vector<std::string> out;
  for (const auto& group : as_array(at(*groups, "groups"))) {
    if (as_string(at(group, "name")) != resource.group) continue;
    for (const auto& one : as_array(at(group, "versions"))) out.emplace_back(as_string(at(one, "version")));
  }
  return out;
}

// Success if this version of the group does not list the kind.
Result<void> lacks(const api::Resource& resource, const std::string& version, const Result<Json>& kinds) {
  if (!kinds) return std::unexpected(kinds.error());
  const Json& all = at(*kinds, "resources");
  if (!all.is_array()) return fail(Code::kUnserved, what(resource) + ", and nobody says what is");
  const bool listed = std::any_of(as_array(all).begin(), as_array(all).end(),
                                  [&](const Json& one) { return as_string(at(one, "name")) == resource.plural; });
  if (!listed) return {};
  const std::string known(resource.version);
  if (version == known) return fail(Code::kUnserved, what(resource) + ", though discovery lists them");
  return fail(Code::kUnserved, what(resource) + " as " + known + ", but as " + version, {},
              "serve " + known + " again, or install the release that knows " + version);
}

struct Question {
  ApiClient& api;
  api::Resource resource;
  std::vector<std::string> versions;  // not asked yet
  std::function<void(const Result<void>&)> done;
  net::Handle call;
};

void ask_next(const std::shared_ptr<Question>& question) {
  if (question->versions.empty()) return question->done({});
  const std::string version = std::move(question->versions.back());
  question->versions.pop_back();
  auto path = "/apis/" + std::string(question->resource.group) + "/" + version;
  // The question is held by who asked, and by nobody for longer.
  question->call = question->api.call("discovery", "get", get(std::move(path)),
                                      [version, weak = std::weak_ptr(question)](const Result<Json>& kinds) {
                                        const auto self = weak.lock();
                                        if (!self) return;
                                        const auto lacking = lacks(self->resource, version, kinds);
                                        lacking ? ask_next(self) : self->done(lacking);
                                      });
}

}  // namespace

net::Handle ask_whether_vanished(ApiClient& api, const api::Resource& resource, std::function<void(const Result<void>&)> done) {
  const auto question = std::make_shared<Question>(Question{api, resource, {}, std::move(done), {}});
  question->call = api.call("discovery", "get", get("/apis"), [weak = std::weak_ptr(question)](const Result<Json>& groups) {
    const auto self = weak.lock();
    if (!self) return;
    auto versions = versions_of(self->resource, groups);
    if (!versions) return self->done(std::unexpected(versions.error()));
    self->versions = std::move(*versions);
    ask_next(self);
  });
  return net::Handle([question]() mutable { question->call.reset(); });
}

}  // namespace knfe::kube
