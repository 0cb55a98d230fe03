// Word: a text of which there are many alike. Equal words are kept once: thousands of objects say "Ready", "True" and the same
// time.
//
// Eight bytes, never changed in place; copies and comparisons of words cost no more than those of a pointer. Any thread may have
// words; making one takes a lock.
#pragma once

#include <compare>
#include <concepts>
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
  operator const std::string&() const { return text(); }
  operator std::string_view() const { return text(); }
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

  const std::string& text() const;
  bool empty() const { return entry_ == nullptr; }

  friend bool operator==(const Word& a, const Word& b) { return a.entry_ == b.entry_; }
  template <OtherText T>
  friend bool operator==(const Word& a, const T& b) {
    return std::string_view(a.text()) == std::string_view(b);
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
  struct Pool;
  static Pool& pool();
  static Entry* take(std::string_view text);
  void share() const;
  void drop();

  Entry* entry_ = nullptr;
};

}  // namespace knfe
