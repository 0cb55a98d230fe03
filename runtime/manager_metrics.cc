#include <algorithm>
#include <cstdlib>
#include <ctime>

#include "runtime/manager.h"

namespace knfe::runtime {

namespace {

constexpr std::array kPriorityNames{"edit", "change", "list"};

double number(std::uint64_t value) { return static_cast<double>(value); }

}  // namespace

void Manager::run_metrics(MetricsText& out) const {
  const auto each = [&](const char* family, const char* type, auto value) {
    out.family(family, type);
    for (const auto& controller : controllers_) out.line({{"controller", controller.name}}, value(controller));
  };
  out.family("controller_runtime_reconcile_total", "counter");
  for (const auto& controller : controllers_) {
    out.line({{"controller", controller.name}, {"result", "success"}}, number(controller.succeeded));
    out.line({{"controller", controller.name}, {"result", "requeue"}}, number(controller.requeued));
    out.line({{"controller", controller.name}, {"result", "error"}}, number(controller.failed));
  }
  each("controller_runtime_reconcile_errors_total", "counter", [](const auto& one) { return number(one.errors); });
  each("controller_runtime_terminal_reconcile_errors_total", "counter", [](const auto& one) { return number(one.terminal); });
  each("controller_runtime_reconcile_panics_total", "counter", [](const auto& one) { return number(one.panics); });
  each("controller_runtime_reconcile_timeouts_total", "counter", [](const auto& one) { return number(one.timeouts); });
  each("controller_runtime_reconcile_time_seconds", "histogram", [](const auto& one) { return one.worked; });
  each("controller_runtime_active_workers", "gauge", [&](const auto& one) {
    return number(static_cast<std::uint64_t>(
        std::count_if(runs_.begin(), runs_.end(), [&](const Run& run) { return &controllers_[run.item.controller] == &one; })));
  });
  each("controller_runtime_max_concurrent_reconciles", "gauge", [](const auto&) { return number(most_runs); });
  out.family("knfe_last_success_timestamp_seconds", "gauge");
  for (const auto& controller : controllers_) {
    if (!controller.succeeded_at) continue;
    const auto age = static_cast<double>((boot_now() - *controller.succeeded_at).count()) / 1000;
    out.line({{"controller", controller.name}}, static_cast<double>(std::time(nullptr)) - age);
  }
  out.family("knfe_watch_lag_seconds", "histogram");
  out.line({}, watch_lag_);
  each("stale_sync_skips_total", "counter", [](const auto& one) { return number(one.parked); });
}

void Manager::queue_metrics(MetricsText& out) const {
  const auto labels = [](const Controller& one) { return MetricLabels{{"name", one.name}, {"controller", one.name}}; };
  const auto each = [&](const char* family, const char* type, auto value) {
    out.family(family, type);
    for (const auto& controller : controllers_) out.line(labels(controller), value(controller));
  };
  out.family("workqueue_depth", "gauge");
  for (std::size_t i = 0; i < controllers_.size(); ++i) {
    for (const auto priority : kPriorities) {
      auto own = labels(controllers_[i]);
      own.emplace_back("priority", kPriorityNames[static_cast<std::size_t>(priority)]);
      out.line(own, number(queue_.size(i, priority)));
    }
  }
  each("workqueue_adds_total", "counter", [](const auto& one) { return number(one.adds); });
  each("workqueue_retries_total", "counter", [](const auto& one) { return number(one.retries); });
  each("workqueue_queue_duration_seconds", "histogram", [](const auto& one) { return one.waited; });
  each("workqueue_work_duration_seconds", "histogram", [](const auto& one) { return one.worked; });
  const auto ages = [&](const Controller& one) {
    std::pair<double, double> sum_and_longest{0, 0};
    for (const auto& run : runs_) {
      if (&controllers_[run.item.controller] != &one) continue;
      const double age = boot_seconds() - run.started;
      sum_and_longest = {sum_and_longest.first + age, std::max(sum_and_longest.second, age)};
    }
    return sum_and_longest;
  };
  each("workqueue_unfinished_work_seconds", "gauge", [&](const auto& one) { return ages(one).first; });
  each("workqueue_longest_running_processor_seconds", "gauge", [&](const auto& one) { return ages(one).second; });
}

void Manager::metrics(MetricsText& out) const {
  run_metrics(out);
  queue_metrics(out);
  const auto each = [&](const char* family, const char* type, auto value) {
    out.family(family, type);
    for (const auto* informer : watched_.all()) {
      out.line({{"resource", std::string(informer->cache().resource().plural)}}, value(*informer));
    }
  };
  each("knfe_cached_objects", "gauge", [](const auto& one) { return number(one.cache().size()); });
  each("knfe_lists_total", "counter", [](const auto& one) { return number(one.lists()); });
  each("knfe_rewinds_total", "counter", [](const auto& one) { return number(one.cache().rewinds()); });
  each("knfe_resource_served", "gauge", [](const auto& one) { return one.served() ? 1.0 : 0.0; });
  each("store_resource_version", "gauge", [](const auto& one) { return static_cast<double>(one.cache().latest().number()); });
  out.family("knfe_objects", "gauge");
  for (const auto* informer : watched_.all()) {
    const auto [ready, other] = informer->cache().readiness();
    const std::string kind(informer->cache().resource().kind);
    if (ready + other == 0) continue;
    out.line({{"kind", kind}, {"ready", "true"}}, number(ready));
    out.line({{"kind", kind}, {"ready", "false"}}, number(other));
  }
  out.family("knfe_writes_total", "counter");
  for (const auto& [effect, count] : effects_) {
    out.line({{"resource", effect.resource}, {"verb", effect.verb}, {"effect", effect.effect}}, number(count));
  }
  out.family("knfe_api_requests_total", "counter");
  for (const auto& [count, value] : api_.counts()) {
    out.line({{"verb", count.verb}, {"resource", count.resource}, {"code", std::to_string(count.status)}}, number(value));
  }
}

std::string Manager::metrics() const {
  MetricsText out;
  metrics(out);
  return out.take();
}

}  // namespace knfe::runtime
