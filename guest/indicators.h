// Indicators: what a member measures of itself. Each is a command that writes a number; what it has been over its window is known
// in whole bands, so that what stays within them is no news.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "api/member.h"
#include "guest/window.h"
#include "net/loop.h"

namespace knfe::guest {

class Indicators {
 public:
  // `changed` is called from the loop when reports() or trouble() may say something else.
  Indicators(net::Loop& loop, std::function<void()> changed) : loop_(loop), changed_(std::move(changed)) {}

  // Measures these from now on, and what was measured the same way before goes on. None: measures nothing, and forgets.
  void measure(const std::vector<api::Indicator>& indicators);
  // Those that are known, by name.
  std::vector<api::IndicatorReport> reports() const;
  // Why the first that is not known cannot be measured; empty: no trouble.
  std::string trouble() const;

 private:
  struct Measured {
    explicit Measured(const api::Indicator& what)
        : indicator(what), every(std::chrono::seconds(what.every_seconds)), window(std::chrono::seconds(what.window_seconds)) {}
    // A command that takes longer than the time between two runs is no reason to know nothing.
    Duration gap() const { return 3 * std::max(every, took); }

    const api::Indicator indicator;
    const Duration every;
    Duration took{};  // the latest run
    Window window;
    std::string trouble;
    net::Handle running, again;
  };
  void run(Measured& measured);

  net::Loop& loop_;
  const std::function<void()> changed_;
  std::map<std::string, Measured> measured_;  // its entries stay where they are
};

}  // namespace knfe::guest
