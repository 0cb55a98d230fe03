#include "runtime/queue.h"

#include <algorithm>

#include "api/digest.h"

namespace knfe::runtime {

namespace {

constexpr unsigned kLowerOneIn = 8;

std::size_t level(Priority priority) { return static_cast<std::size_t>(priority); }

}  // namespace

void Queue::show(Entries::const_iterator entry) {
  if (!working_.contains(entry->first)) later_.insert(entry);
}

void Queue::hide(Entries::const_iterator entry) {
  if (later_.erase(entry)) return;
  auto& by_controller = ready_[level(entry->second.priority)];
  const auto found = by_controller.find(entry->first.controller);
  if (found == by_controller.end()) return;
  found->second.erase(entry);
  if (found->second.empty()) by_controller.erase(found);
}

void Queue::add(const Item& item, Instant due, Priority priority) {
  const auto [found, fresh] = entries_.emplace(item, Entry{due, priority});
  if (!fresh) {
    const Entry wanted{std::min(due, found->second.due), std::min(priority, found->second.priority)};
    if (wanted.due == found->second.due && wanted.priority == found->second.priority) return;
    hide(found);
    found->second = wanted;
  }
  show(found);
}

// The controller's whose turn it is, or the next one's that has something.
Queue::Order* Queue::ready_of(std::map<std::size_t, Order>& by_controller, std::size_t& turn) {
  if (by_controller.empty()) return nullptr;
  auto found = by_controller.lower_bound(turn);
  if (found == by_controller.end()) found = by_controller.begin();
  turn = found->first + 1;
  return &found->second;
}

std::optional<Queue::Taken> Queue::take(Instant now) {
  while (!later_.empty() && (*later_.begin())->second.due <= now) {
    const auto entry = *later_.begin();
    later_.erase(later_.begin());
    ready_[level(entry->second.priority)][entry->first.controller].insert(entry);
  }
  // In one turn of so many a lower level leads: the lowest and those between by turns.
  const std::uint64_t turn = taken_ + 1;
  const bool lower_first = turn % kLowerOneIn == 0;
  const std::size_t first = lower_first ? 1 + static_cast<std::size_t>(turn / kLowerOneIn % (ready_.size() - 1)) : 0;
  Order* order = nullptr;
  for (std::size_t i = 0; i < ready_.size() && !order; ++i) {
    const std::size_t at = (first + i) % ready_.size();
    order = ready_of(ready_[at], turn_[at]);
  }
  if (!order) return std::nullopt;
  ++taken_;
  const auto entry = *order->begin();
  Taken taken{entry->first, entry->second.priority, now - entry->second.due, 0};
  if (const auto found = failures_.find(taken.item); found != failures_.end()) taken.failures = found->second;
  hide(entry);
  entries_.erase(entry);
  working_.emplace(taken.item, taken.priority);
  return taken;
}

std::optional<Instant> Queue::next_due() const {
  std::optional<Instant> earliest;
  const auto look = [&](const Order& order) {
    if (!order.empty()) earliest = std::min(earliest.value_or(Instant::max()), (*order.begin())->second.due);
  };
  look(later_);
  for (const auto& by_controller : ready_) {
    for (const auto& [controller, order] : by_controller) look(order);
  }
  return earliest;
}

void Queue::hurry(Instant now) {
  for (const auto& [item, count] : failures_) {
    const auto found = entries_.find(item);
    if (found != entries_.end() && !working_.contains(item)) add(item, now, found->second.priority);
  }
}

std::size_t Queue::size(std::size_t controller, Priority priority) const {
  return static_cast<std::size_t>(std::count_if(entries_.begin(), entries_.end(), [&](const auto& entry) {
    return entry.first.controller == controller && entry.second.priority == priority;
  }));
}

void Queue::unlock(const Item& item) {
  const auto worked = working_.extract(item);
  const auto found = entries_.find(item);
  if (found == entries_.end()) return;
  // It is in no order yet. What an edit has set off is told as a change of what hangs on it, and would wait behind all others'.
  if (worked) found->second.priority = std::min(found->second.priority, worked.mapped());
  show(found);
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
  const auto working = working_.find(item);
  const auto asked = entries_.find(item);
  // What has changed meanwhile is worth a try before the back-off is over.
  const Duration wait = std::max(at_least, asked != entries_.end() ? Duration(50) : Duration(base + base * spread / 400));
  Entry entry{now + wait, working != working_.end() ? working->second : Priority::kChange};
  if (asked != entries_.end()) entry.priority = std::min(entry.priority, asked->second.priority);
  // Being worked on, it is in no order.
  entries_.insert_or_assign(item, entry);
  unlock(item);
  return wait;
}

}  // namespace knfe::runtime
