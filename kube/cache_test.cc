#include "kube/cache.h"

#include <doctest/doctest.h>

#include "api/allocation.h"

namespace knfe::kube {

namespace {

api::Allocation claim(const std::string& name, const std::string& version, const std::string& owner = "u1",
                      const std::string& network = "net") {
  api::Allocation out;
  out.meta.key = {"n", name};
  out.meta.uid = "uid-" + name;
  out.meta.resource_version = version;
  out.meta.owners = {{"v1", "K", "k", owner, true}};
  out.spec.network = network;
  return out;
}

struct Fixture {
  Cache<api::Allocation> cache{[](const api::Allocation& a) { return a.spec.network; }};
  std::string told;
  Fixture() {
    cache.on_change([this](const api::Allocation* before, const api::Allocation* after) {
      told +=
          (before ? before->meta.resource_version.text() : "-") + ">" + (after ? after->meta.resource_version.text() : "-") + " ";
    });
  }
  std::string version(const std::string& name) {
    const auto* found = cache.get({"n", name});
    return found ? found->meta.resource_version : "";
  }
  static std::string names(const std::vector<const api::Allocation*>& found) {
    std::string out;
    for (const auto* one : found) out += one->meta.key.name + " ";
    return out;
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "each change is told with what was before and what is after") {
  cache.put(claim("a", "5"));
  cache.put(claim("a", "7"));
  cache.erase({"n", "a"}, "8");
  CHECK(told == "->5 5>7 7>- ");
  CHECK(cache.get({"n", "a"}) == nullptr);
  CHECK(cache.size() == 0);
}

TEST_CASE_FIXTURE(Fixture, "what is older than what is known is ignored") {
  cache.put(claim("a", "10"));
  cache.put(claim("a", "9"));
  CHECK(version("a") == "10");
  cache.erase({"n", "a"}, "9");  // the end of an earlier life
  CHECK(version("a") == "10");
  cache.put(claim("a", "10"));  // a relist tells it again: nothing has changed
  cache.erase({"n", "other"}, "99");
  CHECK(told == "->10 ");
  cache.erase({"n", "a"}, "10");
  CHECK(version("a") == "");
}

TEST_CASE_FIXTURE(Fixture, "indexes follow the object") {
  cache.put(claim("b", "1", "u1", "x"));
  cache.put(claim("a", "2", "u1", "x"));
  cache.put(claim("c", "3", "u2", "y"));
  CHECK(names(cache.owned_by("u1")) == "a b ");
  CHECK(names(cache.by_index("x")) == "a b ");
  cache.put(claim("a", "4", "u2", "y"));
  CHECK(names(cache.owned_by("u1")) == "b ");
  CHECK(names(cache.owned_by("u2")) == "a c ");
  CHECK(names(cache.by_index("x")) == "b ");
  CHECK(names(cache.by_index("y")) == "a c ");
  cache.erase({"n", "a"}, "5");
  CHECK(names(cache.owned_by("u2")) == "c ");
  CHECK(names(cache.by_index("y")) == "c ");
  CHECK(cache.by_index("none").empty());
}

TEST_CASE_FIXTURE(Fixture, "an owner that does not control is no owner; one without owners is found by no UID") {
  auto shared = claim("a", "1");
  shared.meta.owners = {{"v1", "K", "k", "u1", false}};
  cache.put(shared);
  CHECK(cache.owned_by("u1").empty());
  CHECK(cache.owned_by("").empty());
  cache.erase({"n", "a"}, "2");
  CHECK(cache.size() == 0);
}

TEST_CASE_FIXTURE(Fixture, "what a complete list does not name is gone, unless it is newer than the list") {
  cache.put(claim("a", "1"));
  cache.put(claim("b", "2"));
  cache.put(claim("new", "9"));  // read live meanwhile
  told.clear();
  Listed known;
  known.add("n", "a");
  known.seal();
  cache.keep_only(known, "5");
  CHECK(told == "2>- ");
  CHECK(version("a") == "1");
  CHECK(version("new") == "9");
}

TEST_CASE_FIXTURE(Fixture, "what was read live does not bring back what the watch has seen the end of") {
  cache.put(claim("a", "5"));
  cache.advance("7");
  cache.erase({"n", "a"}, "7");
  cache.put_live(claim("a", "6"));  // read before it was deleted, arrived after
  CHECK(version("a") == "");
  cache.put_live(claim("a", "8"));  // a successor that the watch has yet to tell of
  CHECK(version("a") == "8");
  cache.put_live(claim("a", "9"));
  CHECK(version("a") == "9");
  cache.put_live(claim("a", "8"));
  CHECK(version("a") == "9");
}

TEST_CASE_FIXTURE(Fixture, "how far a cache is never goes back") {
  int told_times = 0;
  cache.on_advance([&] { ++told_times; });
  CHECK_FALSE(cache.reached("1"));
  cache.advance("9");
  cache.advance("8");
  CHECK(cache.reached("9"));
  CHECK_FALSE(cache.reached("10"));
  CHECK(told_times == 2);
  CHECK_FALSE(cache.synced());
}

TEST_CASE_FIXTURE(Fixture, "after a restore from a backup lower versions are the newer ones, until a list is complete") {
  cache.put(claim("a", "10"));
  cache.put(claim("b", "11"));
  cache.put(claim("c", "3"));
  cache.advance("12");
  cache.set_synced();
  cache.rewind();
  CHECK_FALSE(cache.reached("5"));
  CHECK(cache.rewinds() == 0);
  told.clear();
  cache.put(claim("a", "4"));
  cache.put(claim("c", "3"));  // the number may have been given twice
  Listed listed;
  listed.add("n", "a");
  listed.add("n", "c");
  listed.seal();
  cache.keep_only(listed, "5");
  cache.set_synced();
  cache.advance("5");
  CHECK(told == "10>4 3>3 11>- ");
  CHECK(cache.rewinds() == 1);
  CHECK(cache.reached("5"));
  cache.put(claim("a", "2"));  // and then as ever
  CHECK(version("a") == "4");
}

TEST_CASE_FIXTURE(Fixture, "a listener may look at the cache as it is after the change") {
  std::string seen;
  cache.on_change([&](const api::Allocation*, const api::Allocation*) { seen = names(cache.owned_by("u1")); });
  cache.put(claim("a", "1"));
  CHECK(seen == "a ");
  cache.erase({"n", "a"}, "2");
  CHECK(seen.empty());
}

}  // namespace knfe::kube
