#include "base/text.h"

#include <doctest/doctest.h>

namespace knfe {

TEST_CASE("what is too long is cut between characters") {
  CHECK(cut("abc", 3) == "abc");
  CHECK(cut("abcdefgh", 7) == "abcd...");
  CHECK(cut("", 0).empty());
  // Of two, three and four bytes.
  CHECK(cut("ab\u00e4\u00e4\u00e4\u00e4", 7) == "ab\u00e4...");
  CHECK(cut("ab\u00e4\u00e4\u00e4\u00e4", 6) == "ab...");
  CHECK(cut("a\u20ac\u20ac\u20ac", 8) == "a\u20ac...");
  CHECK(cut("a\U0001f600\U0001f600", 7) == "a...");
}

}  // namespace knfe
