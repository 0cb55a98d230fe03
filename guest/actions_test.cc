#include "guest/actions.h"

#include <doctest/doctest.h>

#include "guest/agent_fixture_test.h"

namespace knfe::guest {

using std::chrono::seconds;

namespace {

struct Acting : AgentFixture {
  // `script` runs in the folder; what it is called with stands in "done".
  void knows(const std::string& script, int timeout = 60) {
    const Json actions = JsonArray{JsonObject{{"name", "backup"},
                                              {"command", JsonArray{"/bin/sh", "-c", "cd $0; " + script, folder.path()}},
                                              {"timeoutSeconds", timeout}}};
    KNFE_CHECK(server.store.merge_patch(kMembers, kMember, JsonObject{{"spec", JsonObject{{"actions", actions}}}}, "", "knfe"));
  }
  void ask(const std::string& actions) {
    JsonObject map = api::skeleton(kMaps, kList);
    map["data"] = JsonObject{{"members.json", list_of("f-r-0=Serving")}};
    if (!actions.empty()) map["data"].as_object()["actions.json"] = actions;
    KNFE_CHECK(server.store.apply(kMaps, map, "", "knfe"));
    rest();
  }
  // ME stands for this member's UID.
  std::string one(const std::string& uid, const std::string& more = R"("action": "backup", "members": ["ME"])") const {
    std::string out = R"({"uid": ")" + uid + R"(", )" + more + "}";
    return out.replace(out.find("ME"), 2, std::string(as_string(fakes::pick(member(), "metadata", "uid"))));
  }
  // "a 0 saved; b running"
  std::string reported() const {
    std::string out;
    const Json live = member();
    for (const auto& report : as_array(at(live, "status", "agent", "actions"))) {
      out += (out.empty() ? "" : "; ") + std::string(as_string(at(report, "uid")));
      if (at(report, "finished").is_null()) {
        out += " running";
      } else {
        out += (at(report, "exitCode").is_null() ? "" : " " + to_text(at(report, "exitCode"))) + " " +
               std::string(as_string(at(report, "output")));
      }
    }
    return out;
  }
  std::string done() const { return folder.read("done"); }
};

}  // namespace

TEST_CASE_FIXTURE(Acting, "what is asked is done once, with its parameters, and told of until nobody asks any more") {
  knows("echo $KNFE_PARAMETER_KEYSPACE >> done; echo saved");
  start();
  ask("[" + one("a", R"("action": "backup", "members": ["other", "ME"], "parameters": {"KEYSPACE": "calls"})") + "]");
  CHECK(reported() == "a 0 saved");
  CHECK(done() == "calls\n");
  put_list("f-r-0=Serving f-r-1=Serving");
  ask("[" + one("a") + "]");
  pass(seconds(60));
  CHECK(done() == "calls\n");
  ask("");
  CHECK(reported() == "");
  reports();
  pass(seconds(60));
  CHECK(reports() == 0);
}

TEST_CASE_FIXTURE(Acting, "one after the other, in their order") {
  knows("echo $KNFE_PARAMETER_N >> done");
  start();
  const auto numbered = [this](const std::string& n) {
    return one(n, R"("action": "backup", "members": ["ME"], "parameters": {"N": ")" + n + R"("})");
  };
  ask("[" + numbered("a") + "," + numbered("b") + "," + numbered("c") + "]");
  CHECK(done() == "a\nb\nc\n");
  CHECK(reported() == "a 0 ; b 0 ; c 0 ");
}

TEST_CASE_FIXTURE(Acting, "what others are asked is not done, nor what nobody can read") {
  knows("echo x >> done");
  start();
  ask("[" + one("a", R"("action": "backup", "members": ["another life of ME"])") + "]");
  ask("[7, {}, {\"members\": [\"f-r-0\"]}]");
  ask("{");
  ask("{}");
  CHECK(done() == "");
  CHECK(tells("Serving", "True"));
}

TEST_CASE_FIXTURE(Acting, "it does not begin before the API server has taken that it does") {
  knows("echo x >> done");
  start();
  using Fate = fakes::ApiServer::Fate;
  bool lost = true;
  server.fate = [&](const net::Request& request) { return lost && request.method == "PATCH" ? Fate::kDropped : Fate::kAnswered; };
  ask("[" + one("a") + "]");
  pass(seconds(5));
  CHECK(done() == "");
  lost = false;
  pass(seconds(60));
  CHECK(done() == "x\n");
  CHECK(reported() == "a 0 ");
}

TEST_CASE_FIXTURE(Acting, "what was begun by an agent that is no more is not begun again") {
  KNFE_CHECK(server.store.merge_patch(
      kMembers, kMember,
      fakes::json(
          R"({"status": {"agent": {"podUID": "earlier", "actions": [{"uid": "a", "started": "2026-01-01T00:00:00Z"}]}}})"),
      "status", "knfe-guest"));
  knows("echo x >> done");
  start();
  ask("[" + one("a") + "]");
  CHECK(done() == "");
  CHECK(reported().starts_with("a the guest agent was started anew"));
}

TEST_CASE_FIXTURE(Acting, "what was asked too long ago is not begun") {
  knows("echo x >> done");
  start();
  ask("[" + one("a", R"("action": "backup", "created": "2026-01-01T00:00:00Z", "deadlineSeconds": 600, "members": ["ME"])") +
      "]");
  CHECK(done() == "");
  CHECK(reported() == "a it was asked too late: its deadline was over");
}

TEST_CASE_FIXTURE(Acting, "how it failed is told") {
  start();
  SUBCASE("by its exit code, and the end of what it wrote") {
    knows("yes 0123456789 | head -n 1000; echo the end; exit 3");
    ask("[" + one("a") + "]");
    CHECK(reported().starts_with("a 3 "));
    CHECK(reported().ends_with("0123456789\nthe end"));
    CHECK(reported().size() < 600);
  }
  SUBCASE("as nobody has told it how") {
    ask("[" + one("a") + "]");
    CHECK(reported() == "a the member knows no action backup");
  }
  SUBCASE("as it took too long") {
    knows("sleep 1000", 1);
    JsonObject map = api::skeleton(kMaps, kList);
    map["data"] = JsonObject{{"members.json", list_of("f-r-0=Serving")}, {"actions.json", "[" + one("a") + "]"}};
    KNFE_CHECK(server.store.apply(kMaps, map, "", "knfe"));
    fakes::settle(loop);
    CHECK(reported() == "a running");
    time.pass(loop, seconds(2));
    rest();
    CHECK(reported().starts_with("a "));
    CHECK(reported() != "a running");
  }
}

TEST_CASE_FIXTURE(Acting, "what is asked no more is killed, and the next begins") {
  knows("if [ -e held ]; then echo x >> done; else touch held; exec sleep 1000; fi");
  start();
  JsonObject map = api::skeleton(kMaps, kList);
  map["data"] = JsonObject{{"members.json", list_of("f-r-0=Serving")}, {"actions.json", "[" + one("a") + "," + one("b") + "]"}};
  KNFE_CHECK(server.store.apply(kMaps, map, "", "knfe"));
  REQUIRE(fakes::until(loop, [&] { return std::filesystem::exists(folder.at("held")); }));
  CHECK(reported() == "a running");
  ask("[" + one("b") + "]");
  CHECK(reported() == "b 0 ");
  CHECK(done() == "x\n");
}

}  // namespace knfe::guest
