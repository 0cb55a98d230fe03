// Once<List>: a list that many have alike, kept once: of a hundred thousand connection points, nearly all say the same.
//
// Eight bytes, never changed in place; copies and comparisons cost no more than those of a pointer. The list's entries have a
// hash_of().
#pragma once

#include <initializer_list>

#include "base/interned.h"

namespace knfe {

template <class List>
class Once {
 public:
  using Value = List;

  Once() = default;  // empty
  // NOLINTBEGIN(google-explicit-constructor): it stands for the list.
  Once(const List& list) : entry_(list.empty() ? nullptr : Interned<Entry>::take(list)) {}
  Once(std::initializer_list<typename List::value_type> list) : Once(List(list)) {}
  operator const List&() const { return **this; }
  // NOLINTEND(google-explicit-constructor)
  Once(const Once& other) : entry_(other.entry_) {
    if (entry_) Interned<Entry>::share(entry_);
  }
  Once(Once&& other) noexcept : entry_(other.entry_) { other.entry_ = nullptr; }
  Once& operator=(Once other) noexcept {
    std::swap(entry_, other.entry_);
    return *this;
  }
  ~Once() {
    if (entry_) Interned<Entry>::drop(entry_);
  }

  const List& operator*() const {
    static const List none;
    return entry_ ? entry_->list : none;
  }
  auto begin() const { return (**this).begin(); }
  auto end() const { return (**this).end(); }
  bool empty() const { return entry_ == nullptr; }
  friend bool operator==(const Once& a, const Once& b) { return a.entry_ == b.entry_; }

 private:
  struct Entry {
    using View = const List&;
    std::atomic<std::uint32_t> count{1};
    const List list;

    View view() const { return list; }
    static Entry* make(View list) { return new Entry{.list = list}; }
    static void end(Entry* entry) { delete entry; }
    static std::size_t hash(View list) {
      std::uint64_t hash = list.size();
      for (const auto& one : list) hash = mixed(hash, hash_of(one));
      return mixed(hash, 0);
    }
  };

  Entry* entry_ = nullptr;
};

template <class T>
inline constexpr bool is_once = false;
template <class List>
inline constexpr bool is_once<Once<List>> = true;

}  // namespace knfe
