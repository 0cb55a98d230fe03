#include "runtime/history.h"

#include <doctest/doctest.h>

#include "test/fakes/json_test.h"

namespace knfe::runtime {

namespace {

const Item kItem{0, {"n", "a"}};

Decision decision(const std::string& what, const std::string& at = "t") { return {at, "id", "edit", what, "done"}; }

}  // namespace

TEST_CASE("sixteen decisions are kept, and what is decided again is counted") {
  History history;
  CHECK(history.of(kItem) == nullptr);
  for (int i = 0; i < 20; ++i) history.add(kItem, decision(std::to_string(i)));
  history.add(kItem, decision("19", "later"));
  const auto& decisions = *history.of(kItem);
  REQUIRE(decisions.size() == 16);
  CHECK(decisions.front().what == "4");
  CHECK(decisions.back().times == 2);
  CHECK(decisions.back().at == "later");
}

TEST_CASE("what was decided about last is remembered longest") {
  History history;
  const auto item = [](std::size_t i) { return Item{0, {"n", std::to_string(i)}}; };
  history.add(kItem, decision("x"));
  for (std::size_t i = 0; i < History::in_all - 1; ++i) history.add(item(i), decision("x"));
  history.add(kItem, decision("y"));
  CHECK(history.of(kItem)->size() == 2);
  CHECK(history.of(item(0)) == nullptr);
  CHECK(history.of(item(1)) != nullptr);
}

TEST_CASE("a plan in a line: its writes and what the status says") {
  Plan plan;
  CHECK(text_of(plan) == "nothing to do");
  api::Meta pod;
  pod.key = {"n", "p"};
  plan.actions.push_back(delete_of({"", "v1", "Pod", "pods"}, pod));
  plan.status.emplace();
  plan.status->body =
      fakes::json(R"({"status":{"conditions":[{"type":"Ready","status":"False","reason":"Waiting","message":"for it"}]}})");
  plan.look_again = Duration(300);
  CHECK(text_of(plan) == plan.actions[0].text() + "; status Ready=False Waiting: for it; look again in 300 ms");
}

}  // namespace knfe::runtime
