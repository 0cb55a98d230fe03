// Metrics: the text format of Prometheus, and histograms to put there.
//
//   MetricsText out;
//   out.family("workqueue_depth", "gauge");
//   out.line({{"name", "member"}}, 3);       // workqueue_depth{name="member"} 3
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace knfe {

using MetricLabels = std::vector<std::pair<std::string_view, std::string>>;

// Counts seconds in fixed buckets, from a millisecond to a minute.
class Histogram {
 public:
  static constexpr std::array bounds{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0};

  void observe(double seconds);
  std::uint64_t count() const { return count_; }

 private:
  friend class MetricsText;
  std::array<std::uint64_t, bounds.size()> below_{};  // in this bucket alone
  std::uint64_t count_ = 0;
  double sum_ = 0;
};

class MetricsText {
 public:
  // What the lines that follow belong to: a counter, a gauge or a histogram.
  void family(std::string_view name, std::string_view type);
  void line(const MetricLabels& labels, double value);
  void line(MetricLabels labels, const Histogram& histogram);
  std::string take() { return std::move(text_); }

 private:
  void sample(std::string_view suffix, const MetricLabels& labels, double value);

  std::string name_;
  std::string text_;
};

}  // namespace knfe
