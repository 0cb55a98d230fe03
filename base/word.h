// Word: a text of which there are many alike. Equal words are kept once: thousands of objects say "Ready", "True" and the same
// time, and an object's name is what others call it by.
//
// Eight bytes, never changed in place; copies, comparisons and hashes of words cost no more than those of a pointer. Any thread
// may have words; making one takes a lock.
#pragma once

#include <compare>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace knfe {

class Word;
template <class T>
concept OtherText = std::convertible_to<T, std::string_view> && !std::same_as<T, Word>;

class Word {
 public:
  Word() = default;  // empty
  // NOLINTBEGIN(google-explicit-constructor): it stands for the text.
  Word(std::string_view text) : entry_(text.empty() ? nullptr : take(text)) {}
  Word(const std::string& text) : Word(std::string_view(text)) {}
  Word(const char* text) : Word(std::string_view(text)) {}
  operator std::string_view() const { return text(); }
  operator std::string() const { return std::string(text()); }
  // NOLINTEND(google-explicit-constructor)
  Word(const Word& other) : entry_(other.entry_) { share(); }
  Word(Word&& other) noexcept : entry_(other.entry_) { other.entry_ = nullptr; }
  Word& operator=(Word other) noexcept {
    Entry* mine = entry_;
    entry_ = other.entry_;
    other.entry_ = mine;
    return *this;
  }
  ~Word() {
    if (entry_) drop();
  }

  std::string_view text() const;  // lives as long as the word
  bool empty() const { return entry_ == nullptr; }
  std::size_t hash() const { return hash_of(entry_); }

  friend bool operator==(const Word& a, const Word& b) { return a.entry_ == b.entry_; }
  template <OtherText T>
  friend bool operator==(const Word& a, const T& b) {
    return a.text() == std::string_view(b);
  }
  friend std::strong_ordering operator<=>(const Word& a, const Word& b) {
    return a.entry_ == b.entry_ ? std::strong_ordering::equal : a.text() <=> b.text();
  }
  template <OtherText T>
  friend std::string operator+(const Word& a, const T& b) {
    return std::string(a.text()).append(b);
  }
  template <OtherText T>
  friend std::string operator+(const T& a, const Word& b) {
    return std::string(a).append(b.text());
  }

 private:
  struct Entry;
  static Entry* take(std::string_view text);
  static std::size_t hash_of(const void* entry) {
    const auto mixed = reinterpret_cast<std::uintptr_t>(entry) * 0x9e3779b97f4a7c15u;
    return mixed ^ (mixed >> 32);
  }
  void share() const;
  void drop();

  Entry* entry_ = nullptr;
};

}  // namespace knfe
