#include "base/decimal.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

namespace knfe {

TEST_CASE("numbers as metrics write them") {
  CHECK(short_decimal(0) == "0");
  CHECK(short_decimal(3) == "3");
  CHECK(short_decimal(0.1 + 0.2) == "0.3");
  CHECK(short_decimal(1790000000.125) == "1790000000.125");
  CHECK(short_decimal(-1e22) == "-1e+22");
  CHECK(short_decimal(std::numeric_limits<double>::infinity()) == "inf");
}

TEST_CASE("an exact number reads back as itself, in no more digits than that takes") {
  CHECK(exact_decimal(0.1) == "0.1");
  CHECK(exact_decimal(0.1 + 0.2) == "0.30000000000000004");
  CHECK(exact_decimal(1.0 / 3) == "0.3333333333333333");
  for (const double number : {0.0, -0.0, 1.5, 1e22, 1.0 / 3, 2.0 / 3, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308,
                              9007199254740993.0, -123456789.123456789}) {
    CAPTURE(number);
    const auto back = read_decimal(exact_decimal(number));
    REQUIRE(back);
    CHECK(*back == number);
    CHECK(std::signbit(*back) == std::signbit(number));
  }
}

TEST_CASE("what is no number, or too large or small, is none") {
  for (const char* text : {"", " 1", "1 ", "0x10", "inf", "nan", "1e", "1e+", ".", "-", "1.2.3", "1,5", "1e999", "-1e999",
                           "1e-999", "infinity", "1_000"}) {
    CAPTURE(text);
    CHECK_FALSE(read_decimal(text));
  }
  CHECK(*read_decimal("5e-324") == std::numeric_limits<double>::denorm_min());
  CHECK(*read_decimal("0e-999") == 0);
}

}  // namespace knfe
