// Version: a resourceVersion. Those of one resource are decimal numbers and may be compared (KEP-5504, Kubernetes 1.35; true of
// every etcd store before).
#pragma once

#include <charconv>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace knfe::api {

class Version {
 public:
  Version() = default;  // none: before all others
  // NOLINTBEGIN(google-explicit-constructor): it stands for the text.
  Version(std::string_view text) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number_);
    if (error != std::errc() || end != text.data() + text.size()) number_ = 0;
  }
  Version(const std::string& text) : Version(std::string_view(text)) {}
  Version(const char* text) : Version(std::string_view(text)) {}
  operator std::string() const { return text(); }
  // NOLINTEND(google-explicit-constructor)

  bool empty() const { return number_ == 0; }
  std::string text() const { return empty() ? std::string() : std::to_string(number_); }
  std::uint64_t number() const { return number_; }
  friend auto operator<=>(const Version&, const Version&) = default;
  friend std::string operator+(std::string_view a, const Version& b) { return std::string(a).append(b.text()); }
  friend std::string operator+(const Version& a, std::string_view b) { return a.text().append(b); }

 private:
  std::uint64_t number_ = 0;
};

}  // namespace knfe::api
