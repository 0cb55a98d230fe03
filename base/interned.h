// Interned<Entry>: values that are kept once each, for as long as somebody shares them. Word and Once are made of it.
//
// An Entry has a count of those who share it, starting at one, is found by its view(), and is made and ended by make(view) and
// end(entry). Any thread may take and drop; both may take a lock.
#pragma once

#include <atomic>
#include <boost/unordered/unordered_flat_set.hpp>
#include <cstdint>
#include <memory>
#include <mutex>

namespace knfe {

template <class Entry>
class Interned {
 public:
  using View = typename Entry::View;

  static Entry* take(View view) {
    auto& of = only();
    const std::scoped_lock held(of.lock_);
    const auto found = of.entries_.find(view);
    if (found == of.entries_.end()) {
      std::unique_ptr<Entry, End> made(Entry::make(view));
      of.entries_.insert(made.get());
      return made.release();
    }
    ++(*found)->count;
    return *found;
  }
  static void share(Entry* entry) { ++entry->count; }
  static void drop(Entry* entry) {
    // The last one goes under the lock, or somebody could be taking the same value at that moment.
    std::uint32_t count = entry->count;
    while (count > 1) {
      if (entry->count.compare_exchange_weak(count, count - 1)) return;
    }
    auto& of = only();
    const std::scoped_lock held(of.lock_);
    if (--entry->count != 0) return;
    of.entries_.erase(of.entries_.find(entry->view()));
    Entry::end(entry);
  }

 private:
  // NOLINTBEGIN(readability-identifier-naming): so the library calls them
  struct Hash {
    using is_transparent = void;
    using is_avalanching = void;
    std::size_t operator()(View view) const { return Entry::hash(view); }
    std::size_t operator()(const Entry* entry) const { return Entry::hash(entry->view()); }
  };
  struct Equal {
    using is_transparent = void;
    bool operator()(const Entry* a, const Entry* b) const { return a == b; }
    bool operator()(const Entry* a, View b) const { return a->view() == b; }
    bool operator()(View a, const Entry* b) const { return a == b->view(); }
  };
  // NOLINTEND(readability-identifier-naming)
  struct End {
    void operator()(Entry* entry) const { Entry::end(entry); }
  };

  // Never destroyed: values in objects that live until the very end still need it.
  static Interned& only() {
    static Interned& one = *new Interned;
    return one;
  }

  std::mutex lock_;
  boost::unordered_flat_set<Entry*, Hash, Equal> entries_;
};

// Of a hash so far and one part more; the last part has to be some constant.
inline std::uint64_t mixed(std::uint64_t hash, std::uint64_t part) {
  hash = (hash ^ part) * 0x9e3779b97f4a7c15u;
  return hash ^ hash >> 32;
}

}  // namespace knfe
