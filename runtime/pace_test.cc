#include "runtime/pace.h"

#include <doctest/doctest.h>

namespace knfe::runtime {

namespace {

struct Fixture {
  Pace pace;
  void carry_out(int at, std::uint64_t content = 7, std::uint64_t where = 1) {
    pace.carried_out(where, content, Instant(Duration(at)));
  }
  auto earliest(std::uint64_t content = 7, std::uint64_t where = 1) const {
    return pace.earliest(where, [=] { return content; }).time_since_epoch().count();
  }
};

Plan plan_of(const char* name, Action::Verb verb = Action::Verb::kApply) {
  Plan plan;
  Action action;
  action.verb = verb;
  action.resource = {"", "v1", "ConfigMap", "configmaps"};
  action.key = {"n", name};
  plan.actions.push_back(std::move(action));
  return plan;
}

}  // namespace

TEST_CASE_FIXTURE(Fixture, "what is undone is carried out again at once, and ever later if it is undone again") {
  CHECK(earliest() == 0);
  carry_out(1000);
  CHECK(earliest() == 0);
  carry_out(1001);
  CHECK(earliest() == 1051);
  carry_out(1051);
  CHECK(earliest() == 1151);
  for (int i = 0; i < 100; ++i) carry_out(2000);
  CHECK(earliest() == 32'000);
}

TEST_CASE_FIXTURE(Fixture, "other content, and other writes, are not held back by it") {
  for (int i = 0; i < 10; ++i) carry_out(1000 + i);
  CHECK(earliest() > 10'000);
  CHECK(earliest(8) == 0);
  CHECK(earliest(7, 2) == 0);
  carry_out(2000, 8);
  CHECK(earliest(8) == 0);
}

TEST_CASE_FIXTURE(Fixture, "two that are undone by turns are two") {
  for (int i = 0; i < 10; ++i) {
    carry_out(1000, 7, 1);
    carry_out(1000, 7, 2);
  }
  CHECK(earliest(7, 1) == 1000 + (50 << 8));
  CHECK(earliest(7, 2) == 1000 + (50 << 8));
}

TEST_CASE_FIXTURE(Fixture, "what was last undone more than a minute ago is forgotten, and so are the oldest of many") {
  for (int i = 0; i < 10; ++i) carry_out(1000);
  carry_out(70'000);
  CHECK(earliest() == 0);
  CHECK(pace.size() == 1);
  for (int i = 0; i < 20'000; ++i) carry_out(70'001, 7, static_cast<std::uint64_t>(i) + 10);
  CHECK(pace.size() <= Pace::most + 1);
}

TEST_CASE("where: whose plan writes what to which; of a status nothing") {
  const Item a{0, {"n", "a"}}, b{0, {"n", "b"}};
  CHECK(Pace::where(a, Plan()) == 0);
  CHECK(Pace::where(a, plan_of("x")) == Pace::where(a, plan_of("x")));
  CHECK(Pace::where(a, plan_of("x")) != Pace::where(b, plan_of("x")));
  CHECK(Pace::where(a, plan_of("x")) != Pace::where(a, plan_of("y")));
  CHECK(Pace::where(a, plan_of("x")) != Pace::where(a, plan_of("x", Action::Verb::kDelete)));
}

}  // namespace knfe::runtime
