#include "base/word.h"

#include <atomic>
#include <boost/unordered/unordered_flat_set.hpp>
#include <cstring>
#include <mutex>
#include <new>

namespace knfe {

// The text follows it, in the same piece of memory.
struct Word::Entry {
  mutable std::atomic<std::uint32_t> count{1};
  std::uint32_t size;

  std::string_view text() const { return {reinterpret_cast<const char*>(this + 1), size}; }
  static Entry* make(std::string_view text) {
    void* room = ::operator new(sizeof(Entry) + text.size());
    std::memcpy(static_cast<char*>(room) + sizeof(Entry), text.data(), text.size());
    return new (room) Entry{.size = static_cast<std::uint32_t>(text.size())};
  }
  static void end(Entry* entry) {
    entry->~Entry();
    ::operator delete(entry);
  }
};

struct Word::Pool {
  struct Hash {
    // NOLINTBEGIN(readability-identifier-naming): so the library calls them
    using is_transparent = void;
    using is_avalanching = void;
    // NOLINTEND(readability-identifier-naming)
    std::size_t operator()(std::string_view text) const {
      std::uint64_t hash = text.size();
      const auto mix = [&](std::uint64_t part) {
        hash = (hash ^ part) * 0x9e3779b97f4a7c15u;
        hash ^= hash >> 32;
      };
      for (; text.size() >= 8; text.remove_prefix(8)) {
        std::uint64_t part = 0;
        std::memcpy(&part, text.data(), 8);
        mix(part);
      }
      std::uint64_t rest = 0;
      if (!text.empty()) std::memcpy(&rest, text.data(), text.size());
      mix(rest);
      mix(0);
      return hash;
    }
    std::size_t operator()(const Entry* entry) const { return (*this)(entry->text()); }
  };
  struct Equal {
    using is_transparent = void;  // NOLINT(readability-identifier-naming): so the standard calls it
    bool operator()(const Entry* a, const Entry* b) const { return a == b; }
    bool operator()(const Entry* a, std::string_view b) const { return a->text() == b; }
    bool operator()(std::string_view a, const Entry* b) const { return a == b->text(); }
  };
  std::mutex lock;
  boost::unordered_flat_set<Entry*, Hash, Equal> entries;
};

// Never destroyed: words in objects that live until the very end still need it.
Word::Pool& Word::pool() {
  static Pool& only = *new Pool;
  return only;
}

Word::Entry* Word::take(std::string_view text) {
  auto& of = pool();
  const std::scoped_lock held(of.lock);
  const auto found = of.entries.find(text);
  if (found == of.entries.end()) return *of.entries.insert(Entry::make(text)).first;
  ++(*found)->count;
  return *found;
}

void Word::share() const {
  if (entry_) ++entry_->count;
}

void Word::drop() {
  // The last one goes under the lock, or somebody could be taking the same word at that moment.
  std::uint32_t count = entry_->count;
  while (count > 1) {
    if (entry_->count.compare_exchange_weak(count, count - 1)) return;
  }
  auto& of = pool();
  const std::scoped_lock held(of.lock);
  if (--entry_->count != 0) return;
  of.entries.erase(of.entries.find(entry_->text()));
  Entry::end(entry_);
}

std::string_view Word::text() const { return entry_ ? entry_->text() : std::string_view(); }

}  // namespace knfe
