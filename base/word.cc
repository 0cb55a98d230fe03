#include "base/word.h"

#include <atomic>
#include <mutex>
#include <unordered_set>

namespace knfe {

struct Word::Entry {
  explicit Entry(std::string_view from) : text(from) {}
  const std::string text;
  mutable std::atomic<std::size_t> count{1};
};

struct Word::Pool {
  struct Hash {
    using is_transparent = void;  // NOLINT(readability-identifier-naming): so the standard calls it
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
    std::size_t operator()(const Entry& entry) const { return (*this)(std::string_view(entry.text)); }
  };
  struct Equal {
    using is_transparent = void;  // NOLINT(readability-identifier-naming): so the standard calls it
    bool operator()(const Entry& a, const Entry& b) const { return a.text == b.text; }
    bool operator()(const Entry& a, std::string_view b) const { return a.text == b; }
    bool operator()(std::string_view a, const Entry& b) const { return a == b.text; }
  };
  std::mutex lock;
  std::unordered_set<Entry, Hash, Equal> entries;
};

// Never destroyed: words in objects that live until the very end still need it.
Word::Pool& Word::pool() {
  static Pool& only = *new Pool;
  return only;
}

Word::Entry* Word::take(std::string_view text) {
  auto& of = pool();
  const std::scoped_lock held(of.lock);
  auto found = of.entries.find(text);
  if (found != of.entries.end()) {
    ++found->count;
  } else {
    found = of.entries.emplace(text).first;
  }
  return const_cast<Entry*>(&*found);  // the set is of const entries; nothing but the count changes
}

void Word::share() const {
  if (entry_) ++entry_->count;
}

void Word::drop() {
  // The last one goes under the lock, or somebody could be taking the same word at that moment.
  std::size_t count = entry_->count;
  while (count > 1) {
    if (entry_->count.compare_exchange_weak(count, count - 1)) return;
  }
  auto& of = pool();
  const std::scoped_lock held(of.lock);
  if (--entry_->count == 0) of.entries.erase(of.entries.find(std::string_view(entry_->text)));
}

const std::string& Word::text() const {
  static const std::string& none = *new std::string;
  return entry_ ? entry_->text : none;
}

}  // namespace knfe
