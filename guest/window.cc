#include "guest/window.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace knfe::guest {

namespace {

constexpr double kMost = 999'999'999'999;  // what the schema has digits for

// In plain digits, as the schema wants them: 3 bands of 0.1 are 0.3, and not what doubles make of it.
std::string multiple(double count, double band) {
  char text[32];
  std::string out(
      text, static_cast<std::size_t>(std::snprintf(text, sizeof text, "%.6f", std::min(std::max(0.0, count * band), kMost))));
  out.erase(out.find_last_not_of('0') + 1);
  if (out.ends_with('.')) out.pop_back();
  return out;
}

}  // namespace

void Window::add(Instant now, double value, Duration gap) {
  if (!samples_.empty() && now - samples_.back().at > gap) samples_.clear();
  samples_.push_back({now, value});
  // The newest of those that are older than the window stays: it says how it was when the window began.
  while (samples_.size() > 1 && samples_[1].at <= now - length_) samples_.pop_front();
}

std::optional<Window::Range> Window::range(Instant now, Duration gap) const {
  if (samples_.empty() || now - samples_.back().at > gap || samples_.front().at > now - length_) return std::nullopt;
  const auto [low, high] =
      std::minmax_element(samples_.begin(), samples_.end(), [](const Sample& a, const Sample& b) { return a.value < b.value; });
  return Range{low->value, high->value};
}

std::string band_below(double value, double band) { return multiple(std::floor(value / band + 1e-9), band); }
std::string band_above(double value, double band) { return multiple(std::ceil(value / band - 1e-9), band); }

}  // namespace knfe::guest
