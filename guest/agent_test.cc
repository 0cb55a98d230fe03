#include "guest/agent.h"

#include <doctest/doctest.h>

#include "guest/agent_fixture_test.h"

namespace knfe::guest {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Fate = fakes::ApiServer::Fate;

TEST_CASE_FIXTURE(AgentFixture, "without hooks a member serves at once, as its pod says") {
  start();
  CHECK(told("Joined") == "True Joined: The member is part of the cluster.");
  CHECK(told("Serving") == "True Serving: The member takes traffic.");
  CHECK(told("Left") == "False Serving: The member is wanted.");
  CHECK(as_string(fakes::pick(member(), "status", "agent", "podUID")) == "pod");
  CHECK(reports() == 1);
}

TEST_CASE_FIXTURE(AgentFixture, "a member does not serve before its joined hook succeeds, which is asked twice a second") {
  with_hooks();
  fails("joined");
  start();
  CHECK(told("Joined") == "False Joining: Not joined yet: hook joined ended with exit code 1.");
  CHECK(told("Serving") == "False Joining: Not joined yet: hook joined ended with exit code 1.");
  runs();
  pass(milliseconds(1900));
  CHECK(runs() == "joined joined joined ");
  CHECK(reports() == 1);
  succeeds("joined");
  pass(milliseconds(200));
  CHECK(tells("Joined", "True Joined"));
  CHECK(tells("Serving", "True Serving"));
  CHECK(reports() == 1);
}

TEST_CASE_FIXTURE(AgentFixture, "a member that serves is asked every five seconds, and nothing is written while that is so") {
  with_hooks();
  start();
  CHECK(runs().find("joined ") != std::string::npos);
  reports();
  pass(milliseconds(4900));
  CHECK(runs() == "");
  pass(milliseconds(10'200));
  CHECK(runs() == "joined joined joined ");
  CHECK(reports() == 0);
}

TEST_CASE_FIXTURE(AgentFixture, "a member that serves stops to after three failures in a row, and not before") {
  with_hooks();
  start();
  pass(milliseconds(4900));
  fails("joined");
  SUBCASE("two") {
    pass(milliseconds(800));
    CHECK(tells("Serving", "True"));
    succeeds("joined");
    pass(milliseconds(500));
    CHECK(tells("Serving", "True"));
    // They are forgotten.
    pass(milliseconds(4500));
    fails("joined");
    pass(milliseconds(900));
    CHECK(tells("Serving", "True"));
  }
  SUBCASE("three") {
    pass(milliseconds(1200));
    CHECK(told("Serving") == "False Joining: Not joined yet: hook joined ended with exit code 1.");
    CHECK(tells("Left", "False Serving"));
    succeeds("joined");
    pass(milliseconds(500));
    CHECK(tells("Serving", "True"));
  }
}

TEST_CASE_FIXTURE(AgentFixture, "a hook that cannot be started says so") {
  identity.membership.joined = api::Hook{{"/no/such/program"}};
  start();
  CHECK(told("Serving").starts_with("False Joining: Not joined yet: hook joined /no/such/program: cannot be started"));
}

TEST_CASE_FIXTURE(AgentFixture, "a hook that takes longer than ten seconds is killed, and tried again") {
  with_hooks();
  identity.membership.peers_changed.reset();
  start_held("joined");
  time.pass(loop, milliseconds(9900));
  CHECK(told("Serving") == "");
  time.pass(loop, milliseconds(200));
  REQUIRE(fakes::until(loop, [&] { return !told("Serving").empty(); }));
  CHECK(told("Serving").find("did not end within 10 s and was killed") != std::string::npos);
  open_gate("joined");
  pass(milliseconds(600));
  CHECK(tells("Serving", "True"));
}

TEST_CASE_FIXTURE(AgentFixture, "nothing is done before its Member is known") {
  with_hooks();
  REQUIRE(server.store.remove(kMembers, kMember));
  start();
  CHECK(runs() == "peersChanged ");
  put_member();
  rest();
  CHECK(runs() == "joined ");
  CHECK(tells("Serving", "True"));
}

TEST_CASE_FIXTURE(AgentFixture, "the list is written, then peersChanged runs, at each change and at nothing else") {
  with_hooks();
  identity.membership.joined.reset();
  // It sees the files of the list that it is told of.
  auto& command = identity.membership.peers_changed->command;
  command[2] = "cut -f 3 $0/members.tsv >> $0/seen; " + command[2];
  start();
  CHECK(folder.read("seen") == "Joining\n");
  put_list("f-r-0=Serving");
  rest();
  CHECK(folder.read("seen") == "Joining\nServing\n");
  CHECK(folder.read("hosts") == "10.0.0.1 f-r-0.core f-r-0\n");
  runs();
  REQUIRE(server.store.merge_patch(kMaps, kList, fakes::json(R"({"metadata":{"labels":{"a":"b"}}})"), "", "somebody"));
  server.cut_streams();
  pass(seconds(6));
  CHECK(runs() == "");
}

TEST_CASE_FIXTURE(AgentFixture, "peersChanged is tried again each second until it succeeds, which the report tells") {
  with_hooks();
  identity.membership.joined.reset();
  fails("peersChanged");
  start();
  runs();
  CHECK(told("Serving") == "True Serving: The member takes traffic; hook peersChanged ended with exit code 1.");
  pass(milliseconds(2200));
  CHECK(runs() == "peersChanged peersChanged ");
  succeeds("peersChanged");
  pass(seconds(1));
  CHECK(told("Serving") == "True Serving: The member takes traffic.");
  pass(seconds(3));
  CHECK(runs() == "peersChanged ");
}

TEST_CASE_FIXTURE(AgentFixture, "while peersChanged waits for its next try a newer list does not wait") {
  with_hooks();
  fails("peersChanged");
  start();
  runs();
  succeeds("peersChanged");
  put_list("f-r-0=Serving");
  rest();
  CHECK(runs() == "peersChanged ");
  pass(seconds(3));
  CHECK(runs() == "");
}

TEST_CASE_FIXTURE(AgentFixture, "what changes while peersChanged runs makes it run once more, for the newest") {
  with_hooks();
  identity.membership.joined.reset();
  start_held("peersChanged");
  for (const char* list : {"f-r-0=Serving", "f-r-0=Serving f-r-1=Joining", "f-r-0=Serving f-r-1=Serving"}) {
    put_list(list);
    fakes::settle(loop);
  }
  CHECK(folder.read("members.tsv").find("f-r-1\tr\tServing") != std::string::npos);
  CHECK(folder.read("runs") == "peersChanged\n");
  open_gate("peersChanged");
  rest();
  CHECK(runs() == "peersChanged peersChanged ");
}

TEST_CASE_FIXTURE(AgentFixture, "a list that is malformed changes nothing, and a good one is taken again") {
  with_hooks();
  start();
  const auto json = folder.read("members.json"), tsv = folder.read("members.tsv");
  runs();
  for (const char* text : {"", "{", R"({"members":{}})"}) {
    put_list_text(text);
    rest();
    CHECK(folder.read("members.json") == json);
    CHECK(folder.read("members.tsv") == tsv);
    CHECK(runs() == "");
  }
  put_list("f-r-0=Serving");
  rest();
  CHECK(folder.read("members.tsv") != tsv);
  CHECK(runs() == "peersChanged ");
}

TEST_CASE_FIXTURE(AgentFixture, "without its list a member keeps the files that it has, and works") {
  with_hooks();
  start();
  const auto tsv = folder.read("members.tsv");
  remove_list();
  pass(seconds(6));
  CHECK(folder.read("members.tsv") == tsv);
  CHECK(tells("Serving", "True"));
}

TEST_CASE_FIXTURE(AgentFixture, "what others write into its Member is no news") {
  start();
  reports();
  REQUIRE(server.store.merge_patch(kMembers, kMember, fakes::json(R"({"metadata":{"labels":{"a":"b"}}})"), "", "somebody"));
  server.cut_streams();
  pass(seconds(6));
  CHECK(reports() == 0);
}

TEST_CASE_FIXTURE(AgentFixture, "an agent that starts anew in the same pod says nothing that is said already") {
  start();
  reports();
  start();
  CHECK(reports() == 0);
}

TEST_CASE_FIXTURE(AgentFixture, "the agent of another pod says it for its own") {
  start();
  identity.pod_uid = "next pod";
  reports();
  start();
  CHECK(reports() == 1);
  CHECK(as_string(fakes::pick(member(), "status", "agent", "podUID")) == "next pod");
}

TEST_CASE_FIXTURE(AgentFixture, "the earlier report stands until there is something to tell") {
  start();
  with_hooks();
  fails("joined");
  reports();
  identity.membership.peers_changed.reset();
  start_held("joined");
  fakes::settle(loop);
  CHECK(reports() == 0);
  CHECK(tells("Serving", "True"));
  open_gate("joined");
  rest();
  CHECK(tells("Serving", "False Joining"));
}

TEST_CASE_FIXTURE(AgentFixture, "a report that was not taken is tried again until it is") {
  with_hooks();
  fails("joined");
  start();
  bool out = true;
  SUBCASE("it never arrives") {
    server.fate = [&](const net::Request& request) {
      return out && request.method == "PATCH" ? Fate::kDropped : Fate::kAnswered;
    };
  }
  SUBCASE("the server fails") {
    server.store.admit = [&](const api::Resource&, const Json&) -> Result<void> {
      return out ? fail(Code::kInternal, "etcd is away") : Result<void>();
    };
  }
  SUBCASE("the server refuses") {
    server.store.admit = [&](const api::Resource&, const Json&) -> Result<void> {
      return out ? fail(Code::kForbidden, "not yours") : Result<void>();
    };
  }
  succeeds("joined");
  pass(seconds(3));
  CHECK(tells("Serving", "False"));
  out = false;
  pass(milliseconds(1100));
  CHECK(tells("Serving", "True"));
  reports();
  pass(seconds(2));
  CHECK(reports() == 0);
}

TEST_CASE_FIXTURE(AgentFixture, "a report that is never taken is tried ever more seldom") {
  int tries = 0;
  server.fate = [&](const net::Request& request) {
    if (request.method != "PATCH") return fakes::ApiServer::Fate::kAnswered;
    ++tries;
    server.store.admit = [](const api::Resource&, const Json&) -> Result<void> { return fail(Code::kForbidden, "no more"); };
    return fakes::ApiServer::Fate::kAnswered;
  };
  start();
  time.pass(loop, std::chrono::minutes(5));
  CHECK(tries > 5);
  CHECK(tries < 20);
}

TEST_CASE_FIXTURE(AgentFixture, "what has changed since a report was refused is told at once, whatever that one waits for") {
  with_hooks();
  fails("joined");
  int refusals = 0;
  server.store.admit = [&](const api::Resource& resource, const Json&) -> Result<void> {
    if (resource != kMembers) return {};
    ++refusals;
    return fail(Code::kForbidden, "no more");
  };
  start();
  pass(std::chrono::minutes(2));
  CHECK(refusals > 3);
  const int before = refusals;
  pass(seconds(5));
  CHECK(refusals <= before + 1);  // by now it waits for half a minute
  server.store.admit = nullptr;
  succeeds("joined");
  pass(seconds(1));
  CHECK(tells("Joined", "True"));
}

TEST_CASE_FIXTURE(AgentFixture, "a list that cannot be written is written once it can, and told of meanwhile") {
  start();
  REQUIRE(tells("Serving", "True"));
  // The place of the file is taken by a folder.
  const std::string before = folder.read("members.tsv");
  REQUIRE(::mkdir(folder.at("members.tsv.new").c_str(), 0700) == 0);
  REQUIRE(::mkdir(folder.at("members.json.new").c_str(), 0700) == 0);
  put_list("f-r-0=Serving f-r-1=Serving");
  pass(std::chrono::seconds(3));
  CHECK(folder.read("members.tsv") == before);
  CHECK(told("Serving").find("the member list is not usable") != std::string::npos);
  ::rmdir(folder.at("members.tsv.new").c_str());
  ::rmdir(folder.at("members.json.new").c_str());
  pass(std::chrono::seconds(2));
  CHECK(folder.read("members.tsv").find("f-r-1") != std::string::npos);
  CHECK(told("Serving") == "True Serving: The member takes traffic.");
}

TEST_CASE_FIXTURE(AgentFixture, "a report whose answer was lost is not made twice") {
  bool lost = false;
  server.fate = [&](const net::Request& request) {
    lost = lost || request.method == "PATCH";
    return request.method == "PATCH" ? Fate::kLost : Fate::kAnswered;
  };
  start();
  pass(seconds(5));
  CHECK(lost);
  CHECK(tells("Serving", "True"));
  CHECK(reports() == 1);
}

TEST_CASE_FIXTURE(AgentFixture, "what changes while a report is under way is told after it") {
  with_hooks();
  server.fate = [&](const net::Request& request) { return request.method == "PATCH" ? Fate::kHeld : Fate::kAnswered; };
  fails("joined");
  start();
  succeeds("joined");
  pass(seconds(1));
  CHECK(reports() == 0);
  server.fate = nullptr;
  server.release();
  rest();
  CHECK(reports() == 2);
  CHECK(tells("Serving", "True"));
}

TEST_CASE_FIXTURE(AgentFixture, "a Member that vanishes is not reported on, and one that takes its place is") {
  with_hooks();
  identity.membership.leave_timeout_seconds = 8;
  start();
  reports();
  REQUIRE(server.store.remove(kMembers, kMember));
  fails("joined");
  pass(seconds(7));
  CHECK(reports() == 0);
  CHECK(runs().find("leave") == std::string::npos);
  put_member();
  rest();
  CHECK(tells("Serving", "False Joining"));
}

TEST_CASE_FIXTURE(AgentFixture, "an outage of the API server changes nothing but what is told") {
  with_hooks();
  start();
  const auto tsv = folder.read("members.tsv");
  server.fate = [](const net::Request&) { return Fate::kDropped; };
  server.held_watches = {"members", "configmaps"};
  server.cut_streams();
  runs();
  pass(seconds(6));
  CHECK(runs() == "joined ");
  CHECK(folder.read("members.tsv") == tsv);
  put_list("f-r-0=Serving");
  server.fate = nullptr;
  server.release();
  pass(seconds(8));
  CHECK(folder.read("members.tsv") != tsv);
}

TEST_CASE("who an agent is stands in its environment") {
  const std::pair<const char*, const char*> all[] = {{"KNFE_NAMESPACE", "n"},
                                                     {"KNFE_FUNCTION", "f"},
                                                     {"KNFE_MEMBER", "f-r-0"},
                                                     {"KNFE_POD_UID", "pod"},
                                                     {"KNFE_MEMBERSHIP", R"({"leave":{"command":["x","$y"]}})"}};
  for (const auto& [name, value] : all) ::setenv(name, value, 1);
  const auto identity = identity_from_environment();
  REQUIRE(identity);
  CHECK(identity->ns == "n");
  CHECK(identity->function == "f");
  CHECK(identity->member == "f-r-0");
  CHECK(identity->pod_uid == "pod");
  CHECK(identity->membership.leave->command == std::vector<std::string>{"x", "$y"});
  ::setenv("KNFE_MEMBERSHIP", R"({"leave":7})", 1);
  CHECK_FALSE(identity_from_environment());
  for (const auto& [name, value] : all) {
    CAPTURE(name);
    for (const auto& [other, text] : all) ::setenv(other, text, 1);
    ::unsetenv(name);
    CHECK_FALSE(identity_from_environment());
  }
  for (const auto& [name, value] : all) ::unsetenv(name);
}

}  // namespace knfe::guest
