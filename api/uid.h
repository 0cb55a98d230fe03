// Uid: the metadata.uid of an object. A UUID (RFC 9562), as all that an API server gives, takes its sixteen bytes and no memory
// of its own; any other text is kept as it is.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/word.h"

namespace knfe::api {

class Uid {
 public:
  Uid() = default;  // empty
  // NOLINTBEGIN(google-explicit-constructor): it stands for the text.
  Uid(std::string_view text);
  Uid(const std::string& text) : Uid(std::string_view(text)) {}
  Uid(const char* text) : Uid(std::string_view(text)) {}
  operator std::string() const { return text(); }
  // NOLINTEND(google-explicit-constructor)

  std::string text() const;
  bool empty() const { return *this == Uid(); }
  std::size_t hash() const { return (high_ ^ (low_ * 0x9e3779b97f4a7c15u)) + other_.hash(); }

  friend bool operator==(const Uid&, const Uid&) = default;
  friend std::strong_ordering operator<=>(const Uid& a, const Uid& b) {
    if (a.other_.empty() && b.other_.empty()) {  // as their texts
      const auto order = a.high_ <=> b.high_;
      return order != 0 ? order : a.low_ <=> b.low_;
    }
    return a.text() <=> b.text();
  }
  friend std::string operator+(const Uid& a, std::string_view b) { return a.text().append(b); }
  friend std::string operator+(std::string_view a, const Uid& b) { return std::string(a).append(b.text()); }

 private:
  std::uint64_t high_ = 0, low_ = 0;
  Word other_;  // where it is no UUID
};

}  // namespace knfe::api
