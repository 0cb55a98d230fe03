#include "guest/window.h"

#include <doctest/doctest.h>

namespace knfe::guest {

using std::chrono::seconds;

namespace {

const Instant kBegin{seconds(1000)};

std::string range(const Window& window, int second) {
  const auto range = window.range(kBegin + seconds(second), seconds(15));
  return range ? band_below(range->low, 1) + ".." + band_above(range->high, 1) : "unknown";
}

}  // namespace

TEST_CASE("what a window has seen is known once it is as old as it is long") {
  Window window(seconds(10));
  CHECK(range(window, 0) == "unknown");
  window.add(kBegin, 7, seconds(15));
  window.add(kBegin + seconds(5), 3, seconds(15));
  CHECK(range(window, 5) == "unknown");
  window.add(kBegin + seconds(10), 4, seconds(15));
  CHECK(range(window, 10) == "3..7");
}

TEST_CASE("what is older than the window counts no more, but for how it was when it began") {
  Window window(seconds(10));
  window.add(kBegin, 100, seconds(15));
  for (int second = 5; second <= 20; second += 5) window.add(kBegin + seconds(second), second, seconds(15));
  CHECK(range(window, 20) == "10..20");
  window.add(kBegin + seconds(26), 1, seconds(15));
  CHECK(range(window, 26) == "1..20");
}

TEST_CASE("without length, the latest is all") {
  Window window(seconds(0));
  window.add(kBegin, 7, seconds(15));
  CHECK(range(window, 0) == "7..7");
  window.add(kBegin + seconds(5), 8, seconds(15));
  CHECK(range(window, 5) == "8..8");
}

TEST_CASE("after a gap nothing is known until the window is whole again") {
  Window window(seconds(10));
  for (int second = 0; second <= 20; second += 5) window.add(kBegin + seconds(second), 1, seconds(15));
  CHECK(range(window, 35) == "1..1");
  CHECK(range(window, 36) == "unknown");
  window.add(kBegin + seconds(40), 2, seconds(15));
  CHECK(range(window, 40) == "unknown");
  window.add(kBegin + seconds(45), 2, seconds(15));
  window.add(kBegin + seconds(50), 2, seconds(15));
  CHECK(range(window, 50) == "2..2");
}

TEST_CASE("bands are told in plain digits, and never narrower than what was measured") {
  CHECK(band_below(19.9, 10) == "10");
  CHECK(band_above(10.1, 10) == "20");
  CHECK(band_below(20, 10) == "20");
  CHECK(band_above(20, 10) == "20");
  CHECK(band_below(0.31, 0.1) == "0.3");
  CHECK(band_above(0.3, 0.1) == "0.3");
  CHECK(band_below(0, 1) == "0");
  CHECK(band_above(0, 1) == "0");
  CHECK(band_above(123456789, 0.5) == "123456789");
  CHECK(band_above(1e30, 1) == "999999999999");
  CHECK(band_above(2e-5, 0.00001) == "0.00002");
}

}  // namespace knfe::guest
