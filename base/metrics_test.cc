#include "base/metrics.h"

#include <doctest/doctest.h>

namespace knfe {

TEST_CASE("metrics are the text that Prometheus reads") {
  MetricsText out;
  out.family("workqueue_depth", "gauge");
  out.line({{"name", "member"}, {"odd", "a\"b\\c\nd"}}, 3);
  out.line({}, 12345678901.0);
  out.line({}, 0.25);
  CHECK(out.take() ==
        "# TYPE workqueue_depth gauge\n"
        "workqueue_depth{name=\"member\",odd=\"a\\\"b\\\\c d\"} 3\n"
        "workqueue_depth 12345678901\n"
        "workqueue_depth 0.25\n");
}

TEST_CASE("a bucket holds what took its time or less, and all that the buckets before it hold") {
  Histogram histogram;
  for (const double seconds : {0.0, 0.001, 0.0011, 59.0, 600.0}) histogram.observe(seconds);
  MetricsText out;
  out.family("x", "histogram");
  out.line({{"a", "b"}}, histogram);
  const std::string text = out.take();
  for (const char* line : {"x_bucket{a=\"b\",le=\"0.001\"} 2\n", "x_bucket{a=\"b\",le=\"0.0025\"} 3\n",
                           "x_bucket{a=\"b\",le=\"30\"} 3\n", "x_bucket{a=\"b\",le=\"60\"} 4\n",
                           "x_bucket{a=\"b\",le=\"+Inf\"} 5\n", "x_sum{a=\"b\"} 659.0021\n", "x_count{a=\"b\"} 5\n"}) {
    INFO(text);
    CHECK(text.find(line) != std::string::npos);
  }
}

}  // namespace knfe
