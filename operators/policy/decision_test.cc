#include "operators/policy/decision.h"

#include <doctest/doctest.h>

#include "base/rfc3339.h"

namespace knfe::operators {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

namespace {

std::chrono::sys_seconds at(const char* time) { return read_rfc3339(time).value(); }

api::PolicySpec by_load() {
  api::PolicySpec out;
  out.load = api::Load{"calls", {"40", {}, 0}, api::ScaleIn{"20", 1, 300}};
  return out;
}

const Bounds kOneToTen{1, 10, "the role", "the role"};
constexpr Duration kLong = hours(1);

std::int32_t wanted(const Reports& reports, std::int32_t size, const api::PolicySpec& policy = by_load()) {
  return decide(policy, kOneToTen, reports, size, kLong).wanted;
}

}  // namespace

TEST_CASE("as many members are added as it takes for none to carry too much") {
  CHECK(wanted({80, 80, 2, 0}, 2) == 2);
  CHECK(wanted({81, 90, 2, 0}, 2) == 3);
  CHECK(wanted({200, 210, 2, 0}, 2) == 5);
  CHECK(wanted({9000, 9000, 2, 0}, 2) == 10);
  auto policy = by_load();
  policy.load->scale_out.step = 2;
  CHECK(wanted({200, 210, 2, 0}, 2, policy) == 4);
  const auto decision = decide(by_load(), kOneToTen, {81, 90, 2, 0}, 2, kLong);
  CHECK(decision.because == "calls has been at least 81 in all, and 2 members take 40 each");
}

TEST_CASE("members that are on their way count: load that is being spread adds no more") {
  // Five are wanted, two of them carry it all until the others have joined.
  CHECK(wanted({200, 210, 2, 0}, 5) == 5);
}

TEST_CASE("members are taken away one by one, and not so many that the others would carry too much") {
  CHECK(wanted({0, 79, 4, 0}, 4) == 3);
  CHECK(wanted({0, 80, 4, 0}, 4) == 4);  // 20 each is not less than 20
  CHECK(wanted({0, 0, 4, 0}, 4) == 3);
  CHECK(wanted({0, 0, 1, 0}, 1) == 1);
  auto policy = by_load();
  policy.load->scale_in->step = 1000;
  CHECK(wanted({0, 0, 4, 0}, 4, policy) == 1);
  CHECK(wanted({0, 79, 4, 0}, 4, policy) == 3);  // 27 each: between both
  policy.load->scale_in.reset();
  CHECK(wanted({0, 0, 4, 0}, 4, policy) == 4);
  // Without members nobody would ever tell of any load.
  CHECK(decide(by_load(), {0, 10, "the role", "the role"}, {0, 0, 1, 0}, 1, kLong).wanted == 1);
}

TEST_CASE("between both thresholds, and while the input swings across them, the size stays") {
  for (const double load : {81.0, 100.0, 159.0}) CHECK(wanted({load, load, 4, 0}, 4) == 4);
  // The least and the most of a window that has seen everything.
  CHECK(wanted({0, 400, 4, 0}, 4) == 4);
}

TEST_CASE("who has not reported moves nothing") {
  CHECK(wanted({0, 0, 0, 0}, 4) == 4);
  CHECK(wanted({81, 81, 1, 0}, 2) == 3);  // what is known is enough
  CHECK(wanted({0, 30, 3, 0}, 4) == 3);   // even if the fourth carries all it can
  CHECK(wanted({0, 41, 3, 0}, 4) == 4);   // it may not be so
  CHECK(wanted({0, 30, 3, 1}, 3) == 3);   // nor is what one that leaves hands on
  CHECK(wanted({0, 30, 3, 0}, 3) == 2);
}

TEST_CASE("after a change of size it stays for a while, which differs by direction") {
  const auto in = decide(by_load(), kOneToTen, {0, 0, 4, 0}, 4, seconds(100));
  CHECK(in.wanted == 3);
  CHECK(in.not_before == Duration(seconds(200)));
  CHECK(!decide(by_load(), kOneToTen, {0, 0, 4, 0}, 4, seconds(300)).not_before);
  CHECK(!decide(by_load(), kOneToTen, {500, 500, 4, 0}, 4, seconds(0)).not_before);
  auto policy = by_load();
  policy.load->scale_out.cool_down_seconds = 10;
  CHECK(decide(policy, kOneToTen, {500, 500, 4, 0}, 4, seconds(0)).not_before == Duration(seconds(10)));
}

TEST_CASE("bounds hold at once, whatever the load") {
  const auto up = decide(by_load(), {3, 10, "hours day", "the role"}, {0, 0, 2, 0}, 2, seconds(0));
  CHECK(up.wanted == 3);
  CHECK(up.because == "hours day wants at least 3");
  CHECK(!up.not_before);
  const auto down = decide(by_load(), {1, 4, "the role", "the policy"}, {900, 900, 6, 0}, 6, seconds(0));
  CHECK(down.wanted == 4);
  CHECK(down.because == "the policy wants at most 4");
}

TEST_CASE("the role's bounds have the last word, then what is most") {
  const api::Size role{{}, 2, 2, 8, false};
  const auto now = at("2026-01-05T12:00:00Z");
  api::PolicySpec policy;
  const auto both = [&] {
    const auto bounds = bounds_of(role, policy, now);
    return std::pair(bounds.min, bounds.max);
  };
  CHECK(both() == std::pair(2, 8));
  policy.min = 3, policy.max = 5;
  CHECK(both() == std::pair(3, 5));
  policy.min = 20;
  CHECK(both() == std::pair(5, 5));
  policy.min = {}, policy.max = 1;
  CHECK(both() == std::pair(2, 2));
}

TEST_CASE("hours hold on the days on which they begin, also into the next day") {
  api::PolicySpec policy;
  policy.hours = {{"night", "22:00", "06:00", {"Fri"}, 5, {}}};
  const auto least = [&](const char* time) { return bounds_of({{}, 2, 2, 8, false}, policy, at(time)).min; };
  CHECK(least("2026-01-02T21:59:59Z") == 2);  // a Friday
  CHECK(least("2026-01-02T22:00:00Z") == 5);
  CHECK(least("2026-01-03T05:59:59Z") == 5);
  CHECK(least("2026-01-03T06:00:00Z") == 2);
  CHECK(least("2026-01-03T23:00:00Z") == 2);
  CHECK(least("2026-01-02T03:00:00Z") == 2);
  policy.hours[0].days.clear();
  CHECK(least("2026-01-03T23:00:00Z") == 5);
  policy.hours[0].from = policy.hours[0].to = "00:00";
  CHECK(least("2026-01-03T12:00:00Z") == 5);
}

TEST_CASE("the next change of hours is known") {
  api::PolicySpec policy;
  CHECK(!next_hours(policy, at("2026-01-02T12:00:00Z")));
  policy.hours = {{"day", "08:00", "20:00", {}, 5, {}}};
  CHECK(next_hours(policy, at("2026-01-02T07:59:30Z")) == Duration(seconds(30)));
  CHECK(next_hours(policy, at("2026-01-02T08:00:00Z")) == Duration(hours(12)));
  CHECK(next_hours(policy, at("2026-01-02T20:00:00Z")) == Duration(hours(12)));
}

}  // namespace knfe::operators
