// Text: what is shown to people has an end, and is text.
#pragma once

#include <string>
#include <string_view>

namespace knfe {

// At most `most` bytes of UTF-8 text, whole characters only, with an ellipsis where something is missing.
std::string cut(std::string_view text, std::size_t most);

// How much of a piece of a longer text is whole: all, or all but the beginning of its last character (UTF-8).
std::size_t whole_characters(std::string_view piece);
// As UTF-8: a byte that is part of no character is U+FFFD.
std::string as_utf8(std::string_view text);

}  // namespace knfe
