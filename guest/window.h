// Window: the least and the most of what was measured lately.
#pragma once

#include <deque>
#include <optional>
#include <string>

#include "base/clock.h"

namespace knfe::guest {

class Window {
 public:
  // `length` 0: of the latest measurement alone.
  explicit Window(Duration length) : length_(length) {}

  // More than `gap` after the one before, that and all before it count no more.
  void add(Instant now, double value, Duration gap);
  struct Range {
    double low, high;
  };
  // Nothing while it is not known for the whole length, or if the latest is older than `gap`.
  std::optional<Range> range(Instant now, Duration gap) const;

 private:
  struct Sample {
    Instant at;
    double value;
  };
  const Duration length_;
  std::deque<Sample> samples_;  // without gap; the first is as old as the window, or the oldest there is
};

// As a multiple of `band` that is not above `value`, or not below it: "20", "0.5".
std::string band_below(double value, double band);
std::string band_above(double value, double band);

}  // namespace knfe::guest
