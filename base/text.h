// Text: what is shown to people has an end.
#pragma once

#include <string>
#include <string_view>

namespace knfe {

// At most `most` bytes of UTF-8 text, whole characters only, with an ellipsis where something is missing.
std::string cut(std::string_view text, std::size_t most);

}  // namespace knfe
