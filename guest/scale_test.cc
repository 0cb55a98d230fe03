#include "guest/scale.h"

#include <doctest/doctest.h>

namespace knfe::guest {

TEST_CASE("how many members are wanted is said as a number, or relative to now") {
  const auto read = [](const char* text) {
    const auto resize = parse_resize(text);
    return resize ? std::to_string(resize->number) + (resize->relative ? " more" : "") : "?";
  };
  CHECK(read("5") == "5");
  CHECK(read("0") == "0");
  CHECK(read("+2") == "2 more");
  CHECK(read("-1") == "-1 more");
  for (const char* wrong : {"", "+", "five", "1.5", "1001", "99999", "+-1", " 5", "5 "}) {
    CAPTURE(wrong);
    CHECK(read(wrong) == "?");
  }
}

}  // namespace knfe::guest
