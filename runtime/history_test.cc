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

TEST_CASE("what is undone is carried out again at once, and ever later if it is undone again") {
  History history;
  const auto carry_out = [&](std::uint64_t digest, int at) {
    auto one = decision("create");
    one.digest = digest;
    one.when = Instant(Duration(at));
    one.carried_out = true;
    history.add(kItem, std::move(one));
  };
  const auto earliest = [&](std::uint64_t digest) { return history.earliest(kItem, digest).time_since_epoch().count(); };
  CHECK(earliest(1) == 0);
  carry_out(1, 1000);
  CHECK(earliest(1) == 1000);
  carry_out(1, 1001);
  CHECK(earliest(1) == 1051);
  carry_out(2, 1002);
  carry_out(1, 1051);
  CHECK(earliest(1) == 1151);
  CHECK(earliest(2) == 1002);
  for (int i = 0; i < 100; ++i) carry_out(1, 2000);
  CHECK(earliest(1) == 32'000);
  auto failed = decision("create");
  failed.digest = 3;
  failed.when = Instant(Duration(2000));
  for (int i = 0; i < 3; ++i) history.add(kItem, failed);
  CHECK(earliest(3) == 0);
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
  const auto text = text_of(plan);
  const auto digest = digest_of(plan, text);
  CHECK(digest_of(plan, text) == digest);
  plan.actions[0].uid = "another";
  const auto another = digest_of(plan, text);
  CHECK(another != digest);
  plan.status->digest = 1;
  CHECK(digest_of(plan, text) != another);
}

}  // namespace knfe::runtime
