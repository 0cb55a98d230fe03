#include "runtime/pace.h"

#include <algorithm>

#include "api/digest.h"

namespace knfe::runtime {

namespace {

constexpr Duration kFirst{50}, kLongest{30'000};
constexpr Duration kRemembered = 2 * kLongest;

}  // namespace

void Pace::carried_out(std::uint64_t where, std::uint64_t content, Instant now) {
  forget(now);
  auto& known = known_[where];
  known.times = known.content == content ? known.times + 1 : 1;
  known.content = content;
  known.last = now;
  order_.emplace_back(now, where);
}

Instant Pace::earliest(std::uint64_t where, const std::function<std::uint64_t()>& content) const {
  const auto found = known_.find(where);
  if (found == known_.end() || found->second.times < 2 || found->second.content != content()) return {};
  return found->second.last + std::min(kLongest, kFirst * (1 << std::min(found->second.times - 2, 10u)));
}

void Pace::forget(Instant now) {
  while (!order_.empty() && (order_.size() > most || now - order_.front().first > kRemembered)) {
    const auto [when, where] = order_.front();
    order_.pop_front();
    const auto found = known_.find(where);
    if (found != known_.end() && found->second.last == when) known_.erase(found);
  }
}

std::uint64_t Pace::where(const Item& item, const Plan& plan) {
  if (plan.actions.empty()) return 0;
  std::uint64_t out = HashOfItem()(item);
  for (const auto& action : plan.actions) {
    out = api::hash64(action.resource.plural, out + static_cast<std::uint64_t>(action.verb));
    out = api::hash64(action.key.name, out);
  }
  return std::max<std::uint64_t>(out, 1);
}

}  // namespace knfe::runtime
