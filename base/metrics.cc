#include "base/metrics.h"

#include <algorithm>

#include "base/decimal.h"

namespace knfe {

namespace {

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || c == '"') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out;
}

}  // namespace

void Histogram::observe(double seconds) {
  const auto bound = std::lower_bound(bounds.begin(), bounds.end(), seconds);
  if (bound != bounds.end()) ++below_[static_cast<std::size_t>(bound - bounds.begin())];
  ++count_;
  sum_ += seconds;
}

void MetricsText::family(std::string_view name, std::string_view type) {
  name_ = name;
  text_.append("# TYPE ").append(name).append(" ").append(type).append("\n");
}

void MetricsText::sample(std::string_view suffix, const MetricLabels& labels, double value) {
  text_.append(name_).append(suffix);
  char separator = '{';
  for (const auto& [name, content] : labels) {
    text_ += separator;
    text_.append(name).append("=\"").append(escaped(content)).append("\"");
    separator = ',';
  }
  if (!labels.empty()) text_ += '}';
  text_.append(" ").append(short_decimal(value)).append("\n");
}

void MetricsText::line(const MetricLabels& labels, double value) { sample({}, labels, value); }

void MetricsText::line(MetricLabels labels, const Histogram& histogram) {
  std::uint64_t below = 0;
  labels.emplace_back("le", "");
  for (std::size_t i = 0; i < Histogram::bounds.size(); ++i) {
    below += histogram.below_[i];
    labels.back().second = short_decimal(Histogram::bounds[i]);
    sample("_bucket", labels, static_cast<double>(below));
  }
  labels.back().second = "+Inf";
  sample("_bucket", labels, static_cast<double>(histogram.count_));
  labels.pop_back();
  sample("_sum", labels, histogram.sum_);
  sample("_count", labels, static_cast<double>(histogram.count_));
}

}  // namespace knfe
