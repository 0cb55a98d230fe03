#include "base/yaml_scalar.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>
#include <string>

#include "base/decimal.h"

namespace knfe {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool all_of(std::string_view text, std::string_view alphabet) {
  return !text.empty() && text.find_first_not_of(alphabet) == std::string_view::npos;
}

constexpr std::string_view kDecimal = "0123456789";
constexpr std::string_view kOctal = "01234567";
constexpr std::string_view kHexadecimal = "0123456789abcdefABCDEF";

bool one_of(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

// [0-9]+ ( . [0-9]* )? | . [0-9]+, then ( [eE] [-+]? [0-9]+ )?
bool is_float(std::string_view text) {
  const auto digits = [&text] {
    std::size_t count = 0;
    while (count < text.size() && is_digit(text[count])) ++count;
    text.remove_prefix(count);
    return count;
  };
  std::size_t mantissa = digits();
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    mantissa += digits();
  }
  if (mantissa == 0) return false;
  if (text.empty()) return true;
  if (text[0] != 'e' && text[0] != 'E') return false;
  text.remove_prefix(1);
  if (text.starts_with('+') || text.starts_with('-')) text.remove_prefix(1);
  return digits() > 0 && text.empty();
}

Result<Json> integer(std::string_view digits, int base, bool negative) {
  std::uint64_t magnitude = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), magnitude, base);
  constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (error != std::errc() || (negative && magnitude > kMost + 1)) {
    return fail(Code::kInvalid, "the number is too large", {}, "quote it if it is meant as text");
  }
  // Negated as unsigned: the lowest number has no positive twin.
  if (negative) return Json(static_cast<std::int64_t>(0 - magnitude));
  if (magnitude <= kMost) return Json(static_cast<std::int64_t>(magnitude));
  return Json(magnitude);
}

Result<Json> floating(std::string_view text, bool negative) {
  const auto number = read_decimal(text);
  if (!number) return fail(Code::kInvalid, "the number is beyond the range of a double");
  return Json(negative ? -*number : *number);
}

}  // namespace

Result<Json> plain_scalar(std::string_view text) {
  if (one_of(text, {"", "~", "null", "Null", "NULL"})) return Json(nullptr);
  if (one_of(text, {"true", "True", "TRUE"})) return Json(true);
  if (one_of(text, {"false", "False", "FALSE"})) return Json(false);
  if (text.starts_with("0x") && all_of(text.substr(2), kHexadecimal)) return integer(text.substr(2), 16, false);
  if (text.starts_with("0o") && all_of(text.substr(2), kOctal)) return integer(text.substr(2), 8, false);

  const bool negative = text.starts_with('-');
  const std::string_view number = negative || text.starts_with('+') ? text.substr(1) : text;
  if (one_of(number, {".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN"})) {
    return fail(Code::kInvalid, "JSON has no infinity and no not-a-number");
  }
  if (all_of(number, kDecimal)) {
    if (number.size() == 1 || number[0] != '0') return integer(number, 10, negative);
    if (all_of(number, kOctal)) return integer(number, 8, negative);
    return fail(Code::kInvalid, "a number with a leading zero that is not octal", {}, "quote it, or drop the zero");
  }
  if (is_float(number)) return floating(number, negative);
  return Json(boost::json::string_view(text.data(), text.size()));
}

bool needs_quotes(std::string_view text) {
  if (text.empty()) return true;
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (one_of(lower, {"~", "null", "true", "false", "yes", "no", "on", "off", "y", "n", "=", "<<"})) return true;
  if (one_of(lower, {".inf", "+.inf", "-.inf", ".nan", "+.nan", "-.nan"})) return true;
  // Decimal, octal, hexadecimal, binary, base 60, with underscores, floats, dates and times: one alphabet covers them.
  return (is_digit(text[0]) || text[0] == '+' || text[0] == '-' || text[0] == '.') &&
         all_of(lower, "0123456789abcdefxo_:.+-tz \t");
}

}  // namespace knfe
