// Decimal: doubles as text and back. By the C library, in the locale "C" that no program of ours leaves: what the standard
// library of C++ has for it are 150 kB of tables.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace knfe {

// 15 digits at most, as metrics write them: 0.1, 1e+20, inf.
std::string short_decimal(double number);
// As many digits as it takes to read the same number back: 15, or up to 17.
std::string exact_decimal(double number);
// All of `text` as a number, such as "-1.5e3"; nothing if it is none, or beyond the range of a double.
std::optional<double> read_decimal(std::string_view text);

}  // namespace knfe
