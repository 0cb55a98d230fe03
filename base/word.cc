#include "base/word.h"

#include <sys/auxv.h>

#include <cstring>
#include <new>

#include "base/interned.h"

namespace knfe {

// The text follows it, in the same piece of memory.
struct Word::Entry {
  using View = std::string_view;
  std::atomic<std::uint32_t> count{1};
  std::uint32_t size;

  View view() const { return {reinterpret_cast<const char*>(this + 1), size}; }
  static Entry* make(View text) {
    void* room = ::operator new(sizeof(Entry) + text.size());
    std::memcpy(static_cast<char*>(room) + sizeof(Entry), text.data(), text.size());
    return new (room) Entry{.size = static_cast<std::uint32_t>(text.size())};
  }
  static void end(Entry* entry) {
    entry->~Entry();
    ::operator delete(entry);
  }
  static std::size_t hash(View text) {
    // Whoever chooses names must not choose who collides with whom.
    static const std::uint64_t seed = [] {
      std::uint64_t random = 0;
      std::memcpy(&random, reinterpret_cast<const void*>(::getauxval(AT_RANDOM)), sizeof random);
      return random;
    }();
    std::uint64_t hash = mixed(seed, text.size());
    for (; text.size() >= 8; text.remove_prefix(8)) {
      std::uint64_t part = 0;
      std::memcpy(&part, text.data(), 8);
      hash = mixed(hash, part);
    }
    std::uint64_t rest = 0;
    if (!text.empty()) std::memcpy(&rest, text.data(), text.size());
    return mixed(mixed(hash, rest), 0);
  }
};

Word::Entry* Word::take(std::string_view text) { return Interned<Entry>::take(text); }

void Word::share() const {
  if (entry_) Interned<Entry>::share(entry_);
}

void Word::drop() { Interned<Entry>::drop(entry_); }

std::string_view Word::text() const { return entry_ ? entry_->view() : std::string_view(); }

}  // namespace knfe
