// Window: the least and the most of what was measured lately.
#pragma once

#include <deque>
#include <optional>
#include <string>

#include "base/clock.h"

namespace knfe::guest {

class Window {
 public:
  // `length` 0: of the latest measurement alone. More than three times `every` without one is a gap: what was before counts no
  // more.
  Window(Duration length, Duration every) : length_(length), every_(every) {}

  void add(Instant now, double value);
  struct Range {
    double low, high;
  };
  // Nothing while it is not known for the whole length.
  std::optional<Range> range(Instant now) const;

 private:
  struct Sample {
    Instant at;
    double value;
  };
  const Duration length_, every_;
  std::deque<Sample> samples_;  // without gap; the first is as old as the window, or the oldest there is
};

// As a multiple of `band` that is not above `value`, or not below it: "20", "0.5".
std::string band_below(double value, double band);
std::string band_above(double value, double band);

}  // namespace knfe::guest
