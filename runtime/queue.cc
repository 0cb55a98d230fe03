#include "runtime/queue.h"

#include <algorithm>

#include "api/digest.h"

namespace knfe::runtime {

namespace {

constexpr unsigned kLowerOneIn = 8;

std::size_t level(Priority priority) { return static_cast<std::size_t>(priority); }

}  // namespace

void Queue::make_ready(Entry& entry) {
  entry.unlink();
  entry.ready = true;
  auto& lines = ready_[level(entry.priority)];
  if (lines.size() <= entry.item->controller) lines.resize(entry.item->controller + 1);
  lines[entry.item->controller].push_back(entry);
}

void Queue::show(Entry& entry) {
  if (working_.contains(*entry.item)) return;
  entry.ready = false;
  later_[entry.due].push_back(entry);
}

void Queue::add(const Item& item, Instant due, Priority priority) {
  const auto [found, fresh] = entries_.try_emplace(item);
  auto& entry = found->second;
  if (fresh) {
    entry.item = &found->first;
    entry.due = due;
    entry.priority = priority;
    return show(entry);
  }
  const bool sooner = due < entry.due, higher = priority < entry.priority;
  entry.due = std::min(due, entry.due);
  entry.priority = std::min(priority, entry.priority);
  if (!entry.is_linked()) return;
  if (entry.ready && higher) make_ready(entry);
  if (!entry.ready && sooner) {
    entry.unlink();
    show(entry);
  }
}

// The controller's whose turn it is, or the next one's that has something.
Queue::Line* Queue::ready_of(std::vector<Line>& by_controller, std::size_t& turn) {
  for (std::size_t i = 0; i < by_controller.size(); ++i) {
    const std::size_t at = (turn + i) % by_controller.size();
    if (by_controller[at].empty()) continue;
    turn = at + 1;
    return &by_controller[at];
  }
  return nullptr;
}

std::optional<Queue::Taken> Queue::take(Instant now) {
  while (!later_.empty() && later_.begin()->first <= now) {
    auto& line = later_.begin()->second;
    while (!line.empty()) make_ready(line.front());
    later_.erase(later_.begin());
  }
  // In one turn of so many a lower level leads: the lowest and those between by turns.
  const std::uint64_t turn = taken_ + 1;
  const bool lower_first = turn % kLowerOneIn == 0;
  const std::size_t first = lower_first ? 1 + static_cast<std::size_t>(turn / kLowerOneIn % (ready_.size() - 1)) : 0;
  Line* line = nullptr;
  for (std::size_t i = 0; i < ready_.size() && !line; ++i) {
    const std::size_t at = (first + i) % ready_.size();
    line = ready_of(ready_[at], turn_[at]);
  }
  if (!line) return std::nullopt;
  ++taken_;
  const auto& entry = line->front();
  Taken taken{*entry.item, entry.priority, now - entry.due, 0};
  if (const auto found = failures_.find(taken.item); found != failures_.end()) taken.failures = found->second;
  entries_.erase(taken.item);
  working_.emplace(taken.item, taken.priority);
  return taken;
}

std::optional<Instant> Queue::next_due() const {
  std::optional<Instant> earliest;
  const auto look = [&](const Line& line) {
    if (!line.empty()) earliest = std::min(earliest.value_or(Instant::max()), line.front().due);
    return line.empty();
  };
  for (const auto& [due, line] : later_) {
    if (!look(line)) break;  // the first that nothing has left empty
  }
  for (const auto& by_controller : ready_) std::for_each(by_controller.begin(), by_controller.end(), look);
  return earliest;
}

void Queue::shrink() { entries_.rehash(0); }

void Queue::hurry(Instant now) {
  std::vector<Entry*> failed;
  for (const auto& [item, count] : failures_) {
    const auto found = entries_.find(item);
    if (found != entries_.end() && !working_.contains(item)) failed.push_back(&found->second);
  }
  std::sort(failed.begin(), failed.end(), [](const Entry* a, const Entry* b) { return *a->item < *b->item; });
  for (const Entry* entry : failed) add(*entry->item, now, entry->priority);
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
  auto& entry = found->second;
  // It is in no line yet. What an edit has set off is told as a change of what hangs on it, and would wait behind all others'.
  if (worked) entry.priority = std::min(entry.priority, worked.mapped());
  show(entry);
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
  auto priority = working != working_.end() ? working->second : Priority::kChange;
  if (asked != entries_.end()) priority = std::min(priority, asked->second.priority);
  // Being worked on, it is in no line.
  const auto found = entries_.try_emplace(item).first;
  found->second.item = &found->first;
  found->second.due = now + wait;
  found->second.priority = priority;
  unlock(item);
  return wait;
}

}  // namespace knfe::runtime
