#include "guest/indicators.h"

#include <doctest/doctest.h>

#include "guest/agent_fixture_test.h"

namespace knfe::guest {

using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

struct Measuring : AgentFixture {
  void set(const std::string& what) const { folder.write("value", what); }
  // Reads the file "value"; each run is told in "measured".
  std::string indicator(const std::string& more = R"("everySeconds": 1, "windowSeconds": 3, "band": "10")") const {
    return R"({"name": "calls", "command": ["/bin/sh", "-c", "cd $0; echo x >> measured; cat value", ")" + folder.path() +
           R"("], )" + more + "}";
  }
  void ask_for(const std::string& indicators) {
    KNFE_CHECK(server.store.merge_patch(kMembers, kMember, fakes::json(R"({"spec": {"indicators": [)" + indicators + "]}}"), "",
                                        "knfe"));
    rest();
  }
  std::string reported() const {
    std::string out;
    const Json live = member();
    for (const auto& one : as_array(at(live, "status", "agent", "indicators"))) {
      out += std::string(as_string(at(one, "name"))) + " " + std::string(as_string(at(one, "low"))) + ".." +
             std::string(as_string(at(one, "high")));
    }
    return out;
  }
};

}  // namespace

TEST_CASE_FIXTURE(Measuring,
                  "what a member measures is reported once it is known for a window, and then only when its band changes") {
  set("12");
  start();
  reports();
  ask_for(indicator());
  pass(seconds(2));
  CHECK(reported() == "");
  pass(milliseconds(1500));
  CHECK(reported() == "calls 10..20");
  reports();
  set("18.5");
  pass(seconds(10));
  CHECK(reported() == "calls 10..20");
  CHECK(reports() == 0);
  set("41");
  pass(milliseconds(1100));
  CHECK(reported() == "calls 10..50");
  pass(seconds(4));
  CHECK(reported() == "calls 40..50");
  CHECK(reports() == 2);
}

TEST_CASE_FIXTURE(Measuring, "what swings within the window is written once") {
  start();
  set("0");
  ask_for(indicator());
  for (int i = 0; i < 4; ++i) {
    set(i % 2 ? "0" : "90");
    pass(seconds(1));
  }
  reports();
  for (int i = 0; i < 20; ++i) {
    set(i % 2 ? "0" : "90");
    pass(seconds(1));
  }
  CHECK(reported() == "calls 0..90");
  CHECK(reports() == 0);
}

TEST_CASE_FIXTURE(Measuring, "what cannot be measured is unknown, and said") {
  start();
  set("12");
  ask_for(indicator());
  pass(seconds(4));
  REQUIRE(reported() == "calls 10..20");
  std::string why;
  SUBCASE("garbage") {
    set("plenty");
    why = "does not write one number of at least 0";
  }
  SUBCASE("two numbers") {
    set("1 2");
    why = "does not write one number of at least 0";
  }
  SUBCASE("below nothing") {
    set("-1");
    why = "does not write one number of at least 0";
  }
  SUBCASE("nothing to read") {
    folder.remove("value");
    why = "ended with exit code 1";
  }
  SUBCASE("too much") {
    set(std::string(5000, '1'));
    why = "more than 1024 bytes";
  }
  pass(seconds(2));
  CHECK(reported() == "calls 10..20");  // one that fails once is no reason to forget
  pass(seconds(3));
  CHECK(reported() == "");
  CHECK(told("Serving").starts_with("True Serving: The member takes traffic; indicator calls "));
  CAPTURE(told("Serving"));
  CHECK(told("Serving").find(why) != std::string::npos);
  set("7");
  pass(seconds(5));
  CHECK(reported() == "calls 0..10");
  CHECK(told("Serving") == "True Serving: The member takes traffic.");
}

TEST_CASE_FIXTURE(Measuring, "nothing is measured before the member has joined, nor once it leaves") {
  with_hooks();
  fails("joined");
  set("1");
  start();
  ask_for(indicator());
  pass(seconds(2));
  CHECK(folder.read("measured") == "");
  succeeds("joined");
  pass(seconds(5));
  CHECK(reported() == "calls 0..10");
  want("Left");
  CHECK(reported() == "");
  folder.remove("measured");
  pass(seconds(3));
  CHECK(folder.read("measured") == "");
}

TEST_CASE_FIXTURE(Measuring, "what is asked for changes while the member runs") {
  start();
  set("12");
  ask_for(indicator());
  pass(seconds(4));
  REQUIRE(reported() == "calls 10..20");
  ask_for(indicator(R"("everySeconds": 1, "windowSeconds": 0, "band": "5")"));
  pass(seconds(1));
  CHECK(reported() == "calls 10..15");
  ask_for("");
  CHECK(reported() == "");
}

}  // namespace knfe::guest
