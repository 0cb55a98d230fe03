#include "kube/lease.h"

#include <algorithm>

#include "base/log.h"

namespace knfe::kube {

namespace {

constexpr api::Resource kLeases{"coordination.k8s.io", "v1", "Lease", "leases"};
constexpr Duration kDuration{15'000};
constexpr Duration kRenew{3'000};
constexpr Duration kDeadline{10'000};

// What holds up the others must not cost the lease.
net::Request apart(net::Request request) {
  request.apart = true;
  return request;
}

}  // namespace

Lease::Lease(net::Loop& loop, ApiClient& api, api::Key key, std::string identity, std::function<void()> won)
    : loop_(loop), api_(api), key_(std::move(key)), identity_(std::move(identity)), won_(std::move(won)) {}

void Lease::start() { attempt(); }

bool Lease::held() const { return !releasing_ && boot_now() < good_until_; }

void Lease::again(Duration delay) {
  timer_ = loop_.after(delay, [this] { attempt(); });
}

void Lease::attempt() {
  if (releasing_) return;
  if (held() && !last_.is_null()) return write(update_request(kLeases, key_, body(last_, identity_)), "update");
  if (!held() && std::exchange(was_held_, false)) log(Level::kWarning, "leadership lost", {{"lease", key_.text()}});
  call_ = api_.call(kLeases.plural, "get", apart(get_request(kLeases, key_)), [this](const Result<Json>& lease) {
    if (lease) return decide(*lease);
    if (lease.error().code == Code::kNotFound) return write(create_request(kLeases, body({}, identity_)), "create");
    log(Level::kWarning, "the lease cannot be read", {{"error", lease.error().text()}});
    again(std::max(kRenew, retry_after(lease.error())));
  });
}

void Lease::decide(const Json& lease) {
  holder_ = as_string(at(lease, "spec", "holderIdentity"));
  const std::string version(as_string(at(lease, "metadata", "resourceVersion")));
  if (version != seen_version_) {
    seen_version_ = version;
    seen_since_ = boot_now();
  }
  const bool expired = boot_now() - seen_since_ >= kDuration;
  if (holder_.empty() || holder_ == identity_ || expired) {
    return write(update_request(kLeases, key_, body(lease, identity_)), "update");
  }
  again(kRenew);
}

void Lease::write(net::Request request, const char* verb) {
  const auto sent = boot_now();  // the lease counts from before the request: the server may have taken it at once
  request.timeout = kRenew;
  call_ = api_.call(kLeases.plural, verb, apart(std::move(request)), [this, sent](const Result<Json>& lease) {
    if (!lease) {
      last_ = nullptr;  // whether it was written is unknown: read before the next try
      log(Level::kInfo, "the lease was not renewed", {{"error", lease.error().text()}});
      // Losing a race is proof that the lease is not ours; silence is not.
      if (lease.error().code == Code::kConflict || lease.error().code == Code::kNotFound) good_until_ = {};
      return again(std::max(Duration(500), retry_after(lease.error())));
    }
    last_ = *lease;
    holder_ = identity_;
    const bool lapsed = !held();
    good_until_ = sent + kDeadline;
    if (!std::exchange(was_held_, true)) log(Level::kInfo, "leading", {{"lease", key_.text()}, {"identity", identity_}});
    if (lapsed) won_();
    again(kRenew);
  });
}

Json Lease::body(const Json& from, const std::string& holder) const {
  JsonObject object = api::skeleton(kLeases, key_);
  const auto version = as_string(at(from, "metadata", "resourceVersion"));
  if (!version.empty()) object["metadata"].as_object()["resourceVersion"] = version;
  const bool renewal = as_string(at(from, "spec", "holderIdentity")) == holder;
  const std::string now = wall_micros();
  JsonObject spec{{"holderIdentity", holder}, {"leaseDurationSeconds", kDuration.count() / 1000}, {"renewTime", now}};
  spec["acquireTime"] = renewal ? at(from, "spec", "acquireTime") : Json(now);
  spec["leaseTransitions"] = as_int(at(from, "spec", "leaseTransitions")) + (renewal || from.is_null() ? 0 : 1);
  object["spec"] = std::move(spec);
  return object;
}

void Lease::release(std::function<void()> done) {
  const bool ours = held() && !last_.is_null();
  releasing_ = true;
  timer_.reset();
  call_.reset();
  if (!ours) return loop_.post(std::move(done));
  net::Request request = update_request(kLeases, key_, body(last_, ""));
  request.timeout = Duration(2'000);
  call_ =
      api_.call(kLeases.plural, "update", apart(std::move(request)), [done = std::move(done)](const Result<Json>&) { done(); });
}

}  // namespace knfe::kube
