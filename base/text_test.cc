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

TEST_CASE("a character that a piece ends within is left for the next one") {
  CHECK(whole_characters("") == 0);
  CHECK(whole_characters("abc") == 3);
  CHECK(whole_characters("a\xc3\xa9") == 3);
  CHECK(whole_characters("a\xc3") == 1);
  CHECK(whole_characters("a\xe2\x82") == 1);
  CHECK(whole_characters("a\xf0\x9f\x92") == 1);
  CHECK(whole_characters("a\xf0\x9f\x92\xa9") == 5);
  CHECK(whole_characters("a\xff") == 2);      // will be no character, whatever comes
  CHECK(whole_characters("a\xe2\x28") == 3);  // likewise
}

TEST_CASE("what is no UTF-8 is shown as such, and the rest as it is") {
  CHECK(as_utf8("gr\xc3\xbc\xc3\x9f \xf0\x9f\x92\xa9") == "gr\xc3\xbc\xc3\x9f \xf0\x9f\x92\xa9");
  CHECK(as_utf8("a\xff"
                "b") ==
        "a\xef\xbf\xbd"
        "b");
  CHECK(as_utf8("\xc3") == "\xef\xbf\xbd");
  CHECK(as_utf8("\xc0\xaf") == "\xef\xbf\xbd\xef\xbf\xbd");                  // could be shorter
  CHECK(as_utf8("\xed\xa0\x80") == "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");  // half of a pair
  CHECK(as_utf8("\xf4\x90\x80\x80").size() == 12);                           // beyond the last
}

}  // namespace knfe
