#include "guest/scale.h"

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "api/network_function.h"
#include "guest/agent.h"
#include "kube/request.h"

namespace knfe::guest {

namespace {

constexpr int kTries = 5;
constexpr std::int32_t kMost = 1000;
constexpr Duration kRequestLimit{10'000};  // so that whoever asks hears of it within kScaleLimit

struct Attempt {
  net::Loop& loop;
  kube::ApiClient& api;
  const api::Key set;
  const Resize resize;
  const std::function<void(Result<std::int32_t>)> done;
  int left = kTries;
  net::Handle call, again;
};
using Shared = std::shared_ptr<Attempt>;

void read(const Shared& attempt);

void failed(const Shared& attempt, const Error& error, bool may_be_done) {
  const bool unknown = error.code == Code::kUnavailable || error.code == Code::kTimeout || error.code == Code::kInternal;
  const bool again = error.code == Code::kConflict || error.code == Code::kTooMany || (unknown && !may_be_done);
  if (again && --attempt->left > 0) {
    attempt->again = attempt->loop.after(std::max(Duration(200), kube::retry_after(error)), [attempt] { read(attempt); });
    return;
  }
  auto told = error;
  if (unknown && may_be_done) told.hint = "whether it took effect is not known: look before you ask again";
  if (told.code == Code::kForbidden && told.hint.empty())
    told.hint = "a role whose members may scale it says size.byMembers: true";
  attempt->done(std::unexpected(std::move(told)));
}

void write(const Shared& attempt, std::int32_t wanted, std::string_view version) {
  JsonObject patch{{"spec", JsonObject{{"replicas", wanted}}}};
  // What is meant relatively is meant of what was read.
  if (!version.empty()) patch["metadata"] = JsonObject{{"resourceVersion", version}};
  auto request = kube::merge_patch_request(api::MemberSet::resource, attempt->set, patch, "scale", kFieldManager);
  request.timeout = kRequestLimit;
  attempt->call =
      attempt->api.call("membersets/scale", "patch", std::move(request), [attempt, wanted](const Result<Json>& answer) {
        // Once more by one would be one too many, if it took effect.
        if (!answer) return failed(attempt, answer.error(), attempt->resize.relative);
        attempt->done(wanted);
      });
}

void read(const Shared& attempt) {
  if (!attempt->resize.relative) return write(attempt, attempt->resize.number, {});
  auto request = kube::get_request(api::MemberSet::resource, attempt->set);
  request.timeout = kRequestLimit;
  request.target = kube::path_of(api::MemberSet::resource, std::string(attempt->set.ns), std::string(attempt->set.name), "scale");
  attempt->call = attempt->api.call("membersets/scale", "get", std::move(request), [attempt](const Result<Json>& answer) {
    if (!answer) return failed(attempt, answer.error(), false);
    const auto wanted = as_int(at(*answer, "spec", "replicas")) + attempt->resize.number;
    write(attempt, static_cast<std::int32_t>(std::clamp<std::int64_t>(wanted, 0, kMost)),
          as_string(at(*answer, "metadata", "resourceVersion")));
  });
}

}  // namespace

std::optional<Resize> parse_resize(const std::string& text) {
  const bool relative = text.starts_with('+') || text.starts_with('-');
  const std::string digits = text.substr(relative ? 1 : 0);
  if (digits.empty() || digits.size() > 4 || digits.find_first_not_of("0123456789") != digits.npos) return std::nullopt;
  const auto number = static_cast<std::int32_t>(std::strtol(digits.c_str(), nullptr, 10));
  if (number > kMost) return std::nullopt;
  return Resize{text.starts_with('-') ? -number : number, relative};
}

void scale(net::Loop& loop, kube::ApiClient& api, const api::Key& member_set, Resize resize,
           std::function<void(Result<std::int32_t>)> done) {
  read(std::make_shared<Attempt>(Attempt{loop, api, member_set, resize, std::move(done), kTries, {}, {}}));
}

}  // namespace knfe::guest
