#include "base/word.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <thread>
#include <vector>

namespace knfe {

TEST_CASE("a word is its text") {
  const Word ready = "Ready", also = std::string("Ready"), other = std::string_view("Stalled");
  CHECK(ready == also);
  CHECK(ready != other);
  CHECK(ready < other);
  CHECK(ready == "Ready");
  CHECK("is " + ready + "." == "is Ready.");
  CHECK(ready.text().data() == also.text().data());  // kept once
  CHECK(ready.hash() == also.hash());
  CHECK(Word().empty());
  CHECK(Word("") == Word());
  CHECK(Word().text().empty());
}

TEST_CASE("a word outlives the one that it was copied from") {
  Word kept;
  {
    const Word first = "a text that is too long to be kept in place";
    kept = first;
    Word moved = kept;
    kept = std::move(moved);
  }
  CHECK(kept == "a text that is too long to be kept in place");
  kept = kept;  // NOLINT(clang-diagnostic-self-assign-overloaded)
  CHECK(kept == "a text that is too long to be kept in place");
}

TEST_CASE("threads may make and drop the same words") {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([] {
      for (int round = 0; round < 10'000; ++round) {
        const Word one = round % 2 ? "odd" : "even";
        const Word copy = one;
        if (copy != one) std::abort();
      }
    });
  }
  for (auto& each : threads) each.join();
  CHECK(Word("odd") == "odd");
}

}  // namespace knfe
