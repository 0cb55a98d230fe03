#include "base/decimal.h"

#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstdlib>

namespace knfe {

namespace {

std::string with_digits(double number, int digits) {
  char text[32];
  return {text, static_cast<std::size_t>(std::snprintf(text, sizeof text, "%.*g", digits, number))};
}

}  // namespace

std::string short_decimal(double number) { return with_digits(number, 15); }

std::string exact_decimal(double number) {
  for (int digits = 15; digits < 17; ++digits) {
    std::string text = with_digits(number, digits);
    if (std::strtod(text.c_str(), nullptr) == number) return text;
  }
  return with_digits(number, 17);
}

std::optional<double> read_decimal(std::string_view text) {
  // No blanks before it, no hexadecimal, no words.
  if (text.empty() || text.find_first_not_of("0123456789+-.eE") != text.npos) return std::nullopt;
  const std::string whole(text);
  char* end = nullptr;
  errno = 0;
  const double number = std::strtod(whole.c_str(), &end);
  if (end != whole.c_str() + whole.size()) return std::nullopt;
  // What is small and inexact is told as an error, too, and is none.
  if (errno == ERANGE && (std::isinf(number) || number == 0)) return std::nullopt;
  return number;
}

}  // namespace knfe
