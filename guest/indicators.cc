#include "guest/indicators.h"

#include <algorithm>

#include "base/decimal.h"
#include "base/log.h"
#include "net/process.h"

namespace knfe::guest {

namespace {

constexpr Duration kLimit{10'000};
constexpr std::size_t kMostOutput = 1024;

Result<double> read_measurement(const Result<net::Output>& output) {
  if (!output) return std::unexpected(output.error());
  if (output->code != 0) return fail(Code::kInvalid, "ended with exit code " + std::to_string(output->code));
  std::string_view text = output->text;
  const auto blank = [](char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  const auto number = read_decimal(text);
  if (!number || !(*number >= 0)) return fail(Code::kInvalid, "does not write one number of at least 0");
  return *number;
}

}  // namespace

void Indicators::measure(const std::vector<api::Indicator>& indicators) {
  std::erase_if(measured_, [&](const auto& entry) {
    return std::find(indicators.begin(), indicators.end(), entry.second.indicator) == indicators.end();
  });
  for (const auto& indicator : indicators) {
    const auto [entry, is_new] = measured_.try_emplace(indicator.name, indicator);
    if (is_new) run(entry->second);
  }
}

void Indicators::run(Measured& measured) {
  const Instant begun = boot_now();
  measured.again.reset();
  measured.running = net::run_for_output(
      loop_, measured.indicator.command, {}, kMostOutput, kLimit, [this, &measured, begun](const Result<net::Output>& output) {
        measured.running.reset();
        measured.took = boot_now() - begun;
        const auto value = read_measurement(output);
        std::string trouble;
        if (value) {
          measured.window.add(boot_now(), *value, measured.gap());
        } else {
          trouble = "indicator " + measured.indicator.name + " " + value.error().message;
          // It may fail every second for long: only another failure is news.
          log(trouble == measured.trouble ? Level::kDebug : Level::kInfo, "not measured", {{"error", trouble}});
        }
        measured.trouble = std::move(trouble);
        const Duration left = begun + measured.every - boot_now();
        measured.again = loop_.after(std::max(left, Duration(0)), [this, &measured] { run(measured); });
        changed_();
      });
}

std::vector<api::IndicatorReport> Indicators::reports() const {
  std::vector<api::IndicatorReport> out;
  for (const auto& [name, measured] : measured_) {
    const auto range = measured.window.range(boot_now(), measured.gap());
    const auto band = read_decimal(measured.indicator.band);
    if (!range || !band || *band <= 0) continue;
    out.push_back({name, band_below(range->low, *band), band_above(range->high, *band)});
  }
  return out;
}

std::string Indicators::trouble() const {
  for (const auto& [name, measured] : measured_) {
    if (!measured.trouble.empty() && !measured.window.range(boot_now(), measured.gap())) return measured.trouble;
  }
  return {};
}

}  // namespace knfe::guest
