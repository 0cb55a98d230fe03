#include "api/uid.h"

#include <array>

namespace knfe::api {

namespace {

constexpr std::string_view kDigits = "0123456789abcdef";
constexpr std::size_t kLength = 36;

bool is_dash(std::size_t at) { return at == 8 || at == 13 || at == 18 || at == 23; }

constexpr auto kValues = [] {
  std::array<unsigned char, 256> out{};
  out.fill(16);
  for (unsigned char value = 0; value < kDigits.size(); ++value) out[static_cast<unsigned char>(kDigits[value])] = value;
  return out;
}();

}  // namespace

// Only what text() gives back to the letter is a UUID here: lower case; and not all zeros, which stands for none.
Uid::Uid(std::string_view text) {
  std::uint64_t halves[2] = {0, 0};
  bool plain = text.size() == kLength;
  for (std::size_t at = 0, digit = 0; plain && at < kLength; ++at) {
    if (is_dash(at)) {
      plain = text[at] == '-';
      continue;
    }
    const auto value = kValues[static_cast<unsigned char>(text[at])];
    plain = value < 16;
    auto& half = halves[digit++ / 16];
    half = half << 4 | value;
  }
  if (plain && (halves[0] | halves[1]) != 0) {
    high_ = halves[0];
    low_ = halves[1];
  } else {
    other_ = text;
  }
}

std::string Uid::text() const {
  if ((high_ | low_) == 0) return other_;
  std::string out(kLength, '-');
  for (std::size_t at = kLength, digit = 0; at-- > 0;) {
    if (is_dash(at)) continue;
    const auto half = digit < 16 ? low_ : high_;
    out[at] = kDigits[half >> (digit++ % 16 * 4) & 15];
  }
  return out;
}

}  // namespace knfe::api
