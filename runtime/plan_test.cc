#include "runtime/plan.h"

#include <doctest/doctest.h>

#include "api/network.h"
#include "test/fakes/json_test.h"

namespace knfe::runtime {

using fakes::json;

namespace {

struct Fixture {
  api::Conditions live;
  api::Meta meta;
  Moment moment{"2026-01-01T00:00:00Z", Instant{}, nullptr};
  std::string notes;

  Fixture() {
    meta.generation = 3;
    meta.key = {"n", "a"};
    meta.uid = "u";
  }
  // One round: what is there afterwards, and what was told.
  void round(const std::function<void(ConditionWriter&)>& say) {
    ConditionWriter writer(live, meta, moment);
    say(writer);
    notes.clear();
    for (const auto& note : writer.notes) notes += (note.warning ? "!" : "") + note.reason + "/" + note.message + " ";
    live = std::move(writer.conditions);
  }
  const api::Condition& of(const char* type) {
    const auto* found = api::find(live, type);
    REQUIRE(found != nullptr);
    return *found;
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a transition time moves only with its status") {
  round([](auto& write) { write.set("Ready", false, "Waiting", "w"); });
  CHECK(of("Ready").last_transition_time == "2026-01-01T00:00:00Z");
  moment.wall = "2026-01-01T00:00:05Z";
  meta.generation = 4;
  round([](auto& write) { write.set("Ready", false, "Else", "e"); });
  CHECK(of("Ready").last_transition_time == "2026-01-01T00:00:00Z");
  CHECK(of("Ready").reason == "Else");
  CHECK(of("Ready").observed_generation == 4);
  round([](auto& write) { write.set("Ready", true, "Good", "g"); });
  CHECK(of("Ready").last_transition_time == "2026-01-01T00:00:05Z");
}

TEST_CASE_FIXTURE(Fixture, "transitions are told of, the first only if it is good news") {
  round([](auto& write) { write.set("Ready", false, "Waiting", "w"); });
  CHECK(notes.empty());  // that a new object is not ready yet is no news
  round([](auto& write) { write.set("Ready", false, "Waiting", "another message"); });
  CHECK(notes.empty());
  round([](auto& write) { write.set("Ready", false, "Else", "b"); });
  CHECK(notes.empty());
  round([](auto& write) { write.set("Ready", true, "Good", "g"); });
  CHECK(notes == "Good/Ready: g ");
  round([](auto& write) { write.set("Ready", true, "Better", "g"); });
  CHECK(notes.empty());
  round([](auto& write) { write.set("Ready", false, "Lost", "l"); });
  CHECK(notes == "Lost/Ready: l ");
}

TEST_CASE_FIXTURE(Fixture, "to be stalled is a warning, to be under way is none") {
  round([](auto& write) { write.set_ready(false, false, "Waiting", "w"); });
  CHECK(notes.empty());
  round([](auto& write) { write.set_ready(false, true, "Stuck", "s"); });
  CHECK(notes.find("!Stuck/Stalled: s") != std::string::npos);
  CHECK(notes.find("Reconciling") == std::string::npos);
  CHECK(notes.find("!Stuck/Ready") == std::string::npos);
  round([](auto& write) { write.set_ready(false, true, "Stuck otherwise", "s"); });
  CHECK(notes == "!Stuck otherwise/Stalled: s ");
}

TEST_CASE_FIXTURE(Fixture, "ready, under way and stuck exclude each other") {
  const auto state = [this] { return of("Ready").status.text() + of("Reconciling").status + of("Stalled").status; };
  round([](auto& write) { write.set_ready(true, false, "Good", "g"); });
  CHECK(state() == "TrueFalseFalse");
  round([](auto& write) { write.set_ready(false, false, "Waiting", "w"); });
  CHECK(state() == "FalseTrueFalse");
  CHECK(of("Reconciling").message == "w");
  round([](auto& write) { write.set_ready(false, true, "Stuck", "s"); });
  CHECK(state() == "FalseFalseTrue");
  CHECK(of("Stalled").message == "s");
}

TEST_CASE_FIXTURE(Fixture, "a refusal by the API server overrides what the plan says") {
  const Error refusal{Code::kInvalid, "spec.containers is empty", "create pods/x", {}, 0};
  moment.refusal = &refusal;
  round([](auto& write) { write.set_ready(true, false, "Good", "g"); });
  CHECK(of("Ready").status == "False");
  CHECK(of("Stalled").status == "True");
  CHECK(of("Ready").reason == "Refused");
  CHECK(of("Ready").message.text().find("spec.containers is empty") != std::string::npos);
  const Error taken{Code::kAlreadyExists, "Pod x exists", {}, {}, 0};
  moment.refusal = &taken;
  round([](auto& write) { write.set_ready(true, false, "Good", "g"); });
  CHECK(of("Ready").reason == "NameTaken");
}

TEST_CASE_FIXTURE(Fixture, "a status is written if it says something else, and under the object's UID") {
  api::Network network;
  network.meta = meta;
  api::NetworkStatus wanted;
  wanted.observed_generation = 3;
  Plan plan;
  write_status(plan, network, wanted, {{false, "R", "m"}});
  REQUIRE(plan.status);
  CHECK_FALSE(plan.settled());
  CHECK(plan.status->text() == "apply networks/status n/a");
  CHECK(as_string(at(plan.status->body, "metadata", "uid")) == "u");
  CHECK(plan.notes.size() == 1);

  network.meta.status_digest = api::digest_of_desired(plan.status->body);
  Plan again;
  write_status(again, network, wanted, {{false, "R", "m"}});
  CHECK(again.settled());
  CHECK(again.notes.empty());
  wanted.in_use_by = {"x"};
  write_status(again, network, wanted, {});
  CHECK(again.status);
}

TEST_CASE_FIXTURE(Fixture, "an apply is planned for what is not there or differs") {
  const Json desired = json(R"({"metadata":{"name":"a","namespace":"n"},"spec":{"x":1}})");
  Plan plan;
  apply_if_different(plan, api::Network::resource, desired, nullptr);
  REQUIRE(plan.actions.size() == 1);
  CHECK(plan.actions[0].fresh);
  CHECK(plan.actions[0].key.text() == "n/a");
  apply_if_different(plan, api::Network::resource, desired, &meta);
  REQUIRE(plan.actions.size() == 2);
  CHECK_FALSE(plan.actions[1].fresh);
  meta.spec_digest = api::digest_of_desired(desired);
  apply_if_different(plan, api::Network::resource, desired, &meta);
  CHECK(plan.actions.size() == 2);
}

TEST_CASE_FIXTURE(Fixture, "finalizers are put on and taken off beside those of others, for this very version") {
  meta.finalizers.edit() = {"other/f"};
  meta.resource_version = "7";
  const auto added = finalizer_addition(api::Network::resource, meta, "knfe.io/x");
  CHECK(canonical(added.body) == R"({"metadata":{"finalizers":["other/f","knfe.io/x"],"resourceVersion":"7","uid":"u"}})");
  meta.finalizers.edit() = {"knfe.io/x", "other/f"};
  CHECK(canonical(finalizer_removal(api::Network::resource, meta, "knfe.io/x").body) ==
        R"({"metadata":{"finalizers":["other/f"],"resourceVersion":"7","uid":"u"}})");
  meta.finalizers.edit() = {"knfe.io/x"};
  const auto last = finalizer_removal(api::Network::resource, meta, "knfe.io/x");
  CHECK(canonical(at(last.body, "metadata", "finalizers")) == "[]");
}

TEST_CASE("what a proof of absence says is not there is the object, what belongs to it and, if they count, orphans") {
  auto proof = proof_of_absence(api::Network::resource, {"n", "p"}, "owner");
  const auto owned = [](const std::string& uid) {
    return json(R"({"metadata": {"uid": "x", "ownerReferences": [{"uid": ")" + uid + R"(", "controller": true}]}})");
  };
  const Json alone = json(R"({"metadata": {"uid": "x"}})");
  CHECK(is_disproof(proof, json(R"({"metadata": {"uid": "owner"}})")));
  CHECK(is_disproof(proof, owned("owner")));
  CHECK_FALSE(is_disproof(proof, owned("another")));
  CHECK_FALSE(is_disproof(proof, alone));
  CHECK_FALSE(is_disproof(proof, Json()));
  proof.orphans = true;
  CHECK(is_disproof(proof, alone));
  CHECK_FALSE(is_disproof(proof, owned("another")));
  proof.uid = {};
  CHECK(is_disproof(proof, owned("another")));
  CHECK_FALSE(is_disproof(proof, Json()));
}

TEST_CASE_FIXTURE(Fixture, "deletions and proofs name the UID that they mean") {
  CHECK(delete_of(api::Network::resource, meta).uid == "u");
  const auto proof = proof_of_absence(api::Network::resource, {"n", "p"}, "owner");
  CHECK(proof.uid == "owner");
  CHECK(proof.text() == "prove the absence of networks n/p");
}

}  // namespace knfe::runtime
