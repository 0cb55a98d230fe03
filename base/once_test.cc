#include "base/once.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace knfe {

namespace {

struct Entry {
  std::string text;
  bool operator==(const Entry&) const = default;
};
std::size_t hash_of(const Entry& entry) { return entry.text.size(); }  // many have the same
using Entries = std::vector<Entry>;

}  // namespace

TEST_CASE("a list that is there already is kept once") {
  const Once<Entries> one = Entries{{"a"}, {"b"}}, same{{"a"}, {"b"}}, other{{"b"}, {"a"}}, none;
  CHECK(one == same);
  CHECK(&*one == &*same);
  CHECK(one != other);
  CHECK(*other == Entries{{"b"}, {"a"}});
  CHECK(none.empty());
  CHECK(none == Once<Entries>(Entries{}));
  CHECK((*none).empty());
}

TEST_CASE("a list outlives the one that it was copied from, and no more") {
  Once<Entries> kept;
  {
    const Once<Entries> first{{"x"}};
    kept = first;
    Once<Entries> moved = kept;
    kept = std::move(moved);
  }
  CHECK(*kept == Entries{{"x"}});
  kept = {};
  CHECK(kept.empty());
}

}  // namespace knfe
