#include "kube/lease.h"

#include <algorithm>

#include "base/log.h"

namespace knfe::kube {

namespace {

constexpr api::Resource kLeases{"coordination.k8s.io", "v1", "Lease", "leases"};
constexpr Duration kDuration{15'000};
constexpr Duration kRenew{3'000};
constexpr Duration kDeadline{10'000};
constexpr Duration kSoonest{500};
constexpr std::int64_t kMostSeconds = 1u << 31;  // as many as the field can say

std::string version_of(const Json& lease) { return std::string(as_string(at(lease, "metadata", "resourceVersion"))); }

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

// What the server asks, but one more try while there is still time for its answer.
Duration Lease::wait_after(const Error& error, Duration least) const {
  const auto told = std::max(least, retry_after(error));
  const auto left = good_until_ - boot_now();
  return told < left || left < kRenew + kSoonest ? told : left - kRenew;
}

void Lease::attempt() {
  if (releasing_) return;
  if (held() && !last_.is_null()) return write(update_request(kLeases, key_, body(last_, identity_)), "update");
  if (!held() && std::exchange(was_held_, false)) log(Level::kWarning, "leadership lost", {{"lease", key_.text()}});
  auto request = get_request(kLeases, key_);
  request.timeout = kRenew;
  call_ = api_.call(kLeases.plural, "get", apart(std::move(request)), [this](const Result<Json>& lease) {
    if (lease) return decide(*lease);
    if (lease.error().code == Code::kNotFound) return write(create_request(kLeases, body({}, identity_)), "create");
    log(Level::kWarning, "the lease cannot be read", {{"error", lease.error().text()}});
    again(wait_after(lease.error(), kRenew));
  });
}

void Lease::decide(const Json& lease) {
  holder_ = as_string(at(lease, "spec", "holderIdentity"));
  const auto version = version_of(lease);
  if (version != seen_version_) {
    seen_version_ = version;
    seen_since_ = boot_now();
  }
  const auto stated =
      Duration(std::clamp(as_int(at(lease, "spec", "leaseDurationSeconds")), std::int64_t{0}, kMostSeconds) * 1000);
  const bool expired = boot_now() - seen_since_ >= std::max(kDuration, stated);
  if (!holder_.empty() && holder_ != identity_) good_until_ = {};  // it has changed hands, whatever we were last told
  if (holder_.empty() || holder_ == identity_ || expired) {
    return write(update_request(kLeases, key_, body(lease, identity_)), "update");
  }
  again(kRenew);
}

void Lease::write(net::Request request, const char* verb) {
  const auto sent = boot_now();  // the lease counts from before the request: the server may have taken it at once
  request.timeout = kRenew;
  call_ = api_.call(kLeases.plural, verb, apart(std::move(request)), [this, sent](const Result<Json>& lease) {
    if (lease && version_of(*lease).empty()) return again(kRenew);  // no Lease
    if (!lease) {
      // Whether it was written is unknown, but for a server that was too busy: read before the next try.
      if (lease.error().code != Code::kTooMany) last_ = nullptr;
      log(Level::kInfo, "the lease was not renewed", {{"error", lease.error().text()}});
      // Losing a race is proof that the lease is not ours; silence is not.
      if (lease.error().code == Code::kConflict || lease.error().code == Code::kNotFound) good_until_ = {};
      return again(wait_after(lease.error(), kSoonest));
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
  for (const auto& [name, value] : as_object(from)) object[name] = value;  // what others have put there stays
  const bool renewal = as_string(at(from, "spec", "holderIdentity")) == holder;
  const std::string now = wall_micros();
  JsonObject spec = as_object(at(from, "spec"));
  spec["holderIdentity"] = holder;
  spec["leaseDurationSeconds"] = kDuration.count() / 1000;
  spec["renewTime"] = now;
  spec["acquireTime"] = renewal ? at(from, "spec", "acquireTime") : Json(now);
  spec["leaseTransitions"] = as_int(at(from, "spec", "leaseTransitions")) + (renewal || from.is_null() || holder.empty() ? 0 : 1);
  object["spec"] = std::move(spec);
  return object;
}

void Lease::release(std::function<void()> done) {
  const bool ours = held();
  releasing_ = true;
  timer_.reset();
  call_.reset();  // it may be carried out all the same
  if (!ours) return loop_.post(std::move(done));
  released_ = std::move(done);
  hand_over(true);
}

// The version that it was read or written with makes sure that nothing is taken from who has it by now. Where that is not known,
// or is not the last, it is read, and written if it still says that it is ours.
void Lease::hand_over(bool look) {
  net::Request request = last_.is_null() ? get_request(kLeases, key_) : update_request(kLeases, key_, body(last_, ""));
  request.timeout = Duration(2'000);
  const bool reads = last_.is_null();
  const auto answered = [this, reads, look](const Result<Json>& lease) {
    if (reads && lease && as_string(at(*lease, "spec", "holderIdentity")) == identity_ && !version_of(*lease).empty()) {
      last_ = *lease;
      return hand_over(false);
    }
    if (!reads && look && !lease && lease.error().code == Code::kConflict) {
      last_ = nullptr;
      return hand_over(false);
    }
    std::exchange(released_, nullptr)();
  };
  call_ = api_.call(kLeases.plural, reads ? "get" : "update", apart(std::move(request)), answered);
}

}  // namespace knfe::kube
