#include "api/uid.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

namespace knfe::api {

TEST_CASE("a UID is its text, whatever that is") {
  for (const std::string text :
       {"5f3a9d10-0c1b-4f7e-9a55-fe0123456789", "00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000000",
        "5F3A9D10-0C1B-4F7E-9A55-FE0123456789", "5f3a9d10-0c1b-4f7e-9a55-fe012345678", "5f3a9d10-0c1b-4f7e-9a55-fe01234567890",
        "5f3a9d1000c1b-4f7e-9a55-fe0123456789", "5f3a9d10-0c1b-4f7e-9a55-fe01234567\xff\x01", "u1", ""}) {
    CAPTURE(text);
    CHECK(Uid(text).text() == text);
    CHECK(Uid(text).empty() == text.empty());
    CHECK(Uid(text) == text);
  }
}

TEST_CASE("UIDs are equal and in order as their texts are") {
  std::vector<std::string> texts{"5f3a9d10-0c1b-4f7e-9a55-fe0123456789",
                                 "5f3a9d10-0c1b-4f7e-9a55-fe0123456788",
                                 "u1",
                                 "",
                                 "ff3a9d10-0c1b-4f7e-9a55-000000000000",
                                 "5",
                                 "5g",
                                 "5F3A9D10-0C1B-4F7E-9A55-FE0123456789"};
  for (const auto& a : texts) {
    for (const auto& b : texts) {
      CAPTURE(a);
      CAPTURE(b);
      CHECK((Uid(a) == Uid(b)) == (a == b));
      CHECK((Uid(a) < Uid(b)) == (a < b));
      if (a == b) CHECK(Uid(a).hash() == Uid(b).hash());
    }
  }
}

}  // namespace knfe::api
