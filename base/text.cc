#include "base/text.h"

#include <algorithm>

namespace knfe {

namespace {

struct Character {
  std::size_t bytes = 1;  // that it is meant to have
  bool good = true;       // as far as it is there
};

Character first_of(std::string_view text) {
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  const auto lead = byte(0);
  Character out;
  if (lead < 0x80) return out;
  if (lead < 0xc2 || lead > 0xf4) return {1, false};
  out.bytes = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  // The second byte's range leaves out what could be written shorter, surrogates, and what is beyond the last character.
  const unsigned char low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
  const unsigned char high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
  for (std::size_t at = 1; at < std::min(out.bytes, text.size()); ++at) {
    const auto c = byte(at);
    out.good = out.good && (at == 1 ? c >= low && c <= high : (c & 0xc0) == 0x80);
  }
  return out;
}

}  // namespace

std::size_t whole_characters(std::string_view piece) {
  for (std::size_t back = 1; back <= std::min<std::size_t>(3, piece.size()); ++back) {
    const auto last = first_of(piece.substr(piece.size() - back));
    if (last.good && last.bytes > back) return piece.size() - back;
  }
  return piece.size();
}

std::string as_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const auto [bytes, good] = first_of(text);
    const bool whole = good && bytes <= text.size();
    out += whole ? text.substr(0, bytes) : std::string_view("\xef\xbf\xbd");
    text.remove_prefix(whole ? bytes : 1);
  }
  return out;
}

std::string cut(std::string_view text, std::size_t most) {
  if (text.size() <= most) return std::string(text);
  constexpr std::string_view kEllipsis = "...";
  std::size_t end = most > kEllipsis.size() ? most - kEllipsis.size() : 0;
  const auto continues = [&](std::size_t at) { return (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80; };
  while (end > 0 && continues(end)) --end;
  return std::string(text.substr(0, end)).append(kEllipsis);
}

}  // namespace knfe
