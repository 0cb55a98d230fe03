#include "api/version.h"

#include <doctest/doctest.h>

namespace knfe::api {

TEST_CASE("resource versions are numbers") {
  CHECK(Version("9") < Version("10"));
  CHECK_FALSE(Version("10") < Version("9"));
  CHECK(Version("99") < Version("100"));
  CHECK_FALSE(Version("7") < Version("7"));
  CHECK(Version("") < Version("1"));
  CHECK(Version("9223372036854775807").text() == "9223372036854775807");
}

TEST_CASE("what is no number is no version") {
  for (const char* text : {"", "0", "abc", "-1", "1a", " 1", "18446744073709551616"}) {
    CAPTURE(text);
    CHECK(Version(text).empty());
    CHECK(Version(text).text().empty());
  }
}

}  // namespace knfe::api
