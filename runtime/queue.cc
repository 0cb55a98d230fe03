#include "runtime/queue.h"

#include <algorithm>

#include "api/digest.h"

namespace knfe::runtime {

void Queue::add(const Item& item, Instant due) {
  const auto [found, fresh] = due_.emplace(item, due);
  if (!fresh) {
    if (found->second <= due) return;
    order_.erase({found->second, item});
    found->second = due;
  }
  if (!working_.contains(item)) order_.emplace(due, item);
}

std::optional<Item> Queue::take(Instant now) {
  if (order_.empty() || order_.begin()->first > now) return std::nullopt;
  Item item = order_.begin()->second;
  order_.erase(order_.begin());
  due_.erase(item);
  working_.insert(item);
  return item;
}

std::optional<Instant> Queue::next_due() const {
  if (order_.empty()) return std::nullopt;
  return order_.begin()->first;
}

void Queue::unlock(const Item& item) {
  working_.erase(item);
  if (const auto found = due_.find(item); found != due_.end()) order_.emplace(found->second, item);
}

void Queue::done(const Item& item) {
  failures_.erase(item);
  unlock(item);
}

Duration Queue::failed(const Item& item, Instant now, Duration at_least) {
  const int failures = failures_[item]++;
  const std::int64_t base = std::min<std::int64_t>(30'000, 50LL << std::min(failures, 12));
  // The spread follows from the key, so that a run can be repeated, and differs between keys, so that they do not come in step.
  const std::int64_t spread = static_cast<std::int64_t>(api::hash64(item.key.text(), static_cast<std::uint64_t>(failures)) % 100);
  // What has changed meanwhile is worth a try before the back-off is over.
  const Duration wait = std::max(at_least, due_.contains(item) ? Duration(50) : Duration(base + base * spread / 400));
  if (const auto found = due_.find(item); found != due_.end()) due_.erase(found);
  due_.emplace(item, now + wait);
  unlock(item);
  return wait;
}

}  // namespace knfe::runtime
