#include "operators/policy/decision.h"

#include <algorithm>
#include <cmath>

#include "base/decimal.h"

namespace knfe::operators {

namespace {

using std::chrono::days;
using std::chrono::minutes;
using std::chrono::seconds;
using std::chrono::sys_days;
using std::chrono::sys_seconds;

// The pattern of the schema lets nothing else through.
minutes time_of_day(const std::string& text) {
  if (text.size() != 5) return minutes(0);
  const auto digits = [&](std::size_t at) { return (text[at] - '0') * 10 + (text[at + 1] - '0'); };
  return minutes(60 * digits(0) + digits(3));
}

bool begins_on(const api::Hours& hours, sys_days day) {
  static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  if (hours.days.empty()) return true;
  const auto* name = kDays[std::chrono::weekday(day).c_encoding()];
  return std::find(hours.days.begin(), hours.days.end(), name) != hours.days.end();
}

minutes length_of(const api::Hours& hours) {
  const auto length = time_of_day(hours.to) - time_of_day(hours.from);
  return length > minutes(0) ? length : length + days(1);
}

bool is_now(const api::Hours& hours, sys_seconds now) {
  const auto today = std::chrono::floor<days>(now);
  for (const auto day : {today, today - days(1)}) {
    const auto begin = day + time_of_day(hours.from);
    if (begins_on(hours, day) && begin <= now && now < begin + length_of(hours)) return true;
  }
  return false;
}

std::string members(std::int32_t count) { return std::to_string(count) + (count == 1 ? " member" : " members"); }

// Numbers from the schema's patterns.
double number(const std::string& text) { return read_decimal(text).value_or(0); }

constexpr double kTiny = 1e-9;  // what sums of decimals may be off by

std::int32_t as_many(double load, double each) {
  return static_cast<std::int32_t>(std::clamp(std::ceil(load / each - kTiny), 0.0, 1000.0));
}

}  // namespace

Bounds bounds_of(const api::Size& role, const api::PolicySpec& policy, sys_seconds now) {
  Bounds out{role.min.value_or(0), role.max.value_or(0), "the role", "the role"};
  const auto narrow = [&](const std::optional<std::int32_t>& min, const std::optional<std::int32_t>& max,
                          const std::string& who) {
    if (min && *min > out.min) out.min = *min, out.because_min = who;
    if (max && *max < out.max) out.max = *max, out.because_max = who;
  };
  narrow(policy.min, policy.max, "the policy");
  for (const auto& hours : policy.hours) {
    if (is_now(hours, now)) narrow(hours.min, hours.max, "hours " + hours.name);
  }
  out.max = std::max(out.max, role.min.value_or(0));
  if (out.min > out.max) out.min = out.max, out.because_min = out.because_max;
  return out;
}

std::optional<Duration> next_hours(const api::PolicySpec& policy, sys_seconds now) {
  std::optional<Duration> out;
  const auto today = std::chrono::floor<days>(now);
  for (const auto& hours : policy.hours) {
    for (const auto& edge : {hours.from, hours.to}) {
      auto at = today + time_of_day(edge);
      if (at <= now) at += days(1);
      const Duration wait = at - now;
      out = std::min(out.value_or(wait), wait);
    }
  }
  return out;
}

Decision decide(const api::PolicySpec& policy, const Bounds& bounds, const Reports& reports, std::int32_t size, Duration steady) {
  Decision out{size, {}, {}};
  if (size < bounds.min) {
    out.wanted = bounds.min;
    out.because = bounds.because_min + " wants at least " + std::to_string(bounds.min);
    return out;
  }
  if (size > bounds.max) {
    out.wanted = bounds.max;
    out.because = bounds.because_max + " wants at most " + std::to_string(bounds.max);
    return out;
  }
  if (!policy.load || size == 0) return out;
  const auto& load = *policy.load;
  const double above = number(load.scale_out.above);
  const auto wait = [&](std::int32_t cool_down_seconds) {
    const Duration cool = seconds(cool_down_seconds);
    if (steady < cool) out.not_before = cool - steady;
  };
  // Who has not reported - it joins, it is silent, it leaves - carries nothing where members are to be added, and all that one
  // can where they are to be taken away: not knowing moves nothing.
  if (reports.low > above * size + kTiny) {
    const auto most = std::min(bounds.max, size + load.scale_out.step.value_or(1000));
    out.wanted = std::clamp(as_many(reports.low, above), size, most);
    if (out.wanted > size) {
      out.because = load.indicator + " has been at least " + short_decimal(reports.low) + " in all, and " + members(size) +
                    " take " + load.scale_out.above + " each";
      wait(load.scale_out.cool_down_seconds);
    }
    return out;
  }
  if (!load.scale_in) return out;
  const double below = number(load.scale_in->below);
  const double most_possible = reports.high + (std::max(0, size - reports.known) + reports.leaving) * above;
  if (most_possible < below * size - kTiny) {
    // Without members nobody would ever tell of any load.
    const auto least = std::max({bounds.min, size - load.scale_in->step, 1});
    out.wanted = std::clamp(as_many(most_possible, (above + below) / 2), least, size);
    if (out.wanted < size) {
      out.because = load.indicator + " has been at most " + short_decimal(most_possible) + " in all, less than " +
                    load.scale_in->below + " for each of " + members(size);
      wait(load.scale_in->cool_down_seconds);
    }
  }
  return out;
}

}  // namespace knfe::operators
