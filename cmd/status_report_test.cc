#include <doctest/doctest.h>

#include "cmd/status.h"
#include "test/fakes/objects_test.h"

namespace knfe::cmd {

using fakes::condition;
using fakes::meta;

namespace {

// Service ims with network core and function sip, which has one role of two members, all of it ready; network lab on its own.
struct Fixture {
  operators::View view;
  api::NetworkService service;
  api::Network core, lab;
  api::NetworkFunction function;
  api::MemberSet set;
  api::Member members[2];
  api::Pod pods[2];

  Fixture() {
    service.meta = meta("ims", "service");
    core.meta = meta("ims-core", "core", service);
    core.spec.subnets = {{"v4", "10.20.0.0/24", "", {}}, {"v6", "fd20::/64", "", {}}};
    core.status.summary = "10.20.0.0/24 (2 of 254), fd20::/64 (2 of many)";
    core.status.subnets = {{"v4", "254", 2}, {"v6", "18446744073709551615", 2}};
    lab.meta = meta("lab", "lab");
    lab.spec.subnets = {{"v4", "10.30.0.0/24", "", {}}};
    function.meta = meta("ims-sip", "function", service);
    function.status.summary = "sprout 2/2";
    set.meta = meta("ims-sip-sprout", "set", function);
    set.spec.replicas = 2;
    set.status.ready = 2;
    for (int i = 0; i < 2; ++i) {
      auto& member = members[i];
      const std::string number = std::to_string(i);
      member.meta = meta("ims-sip-sprout-" + number, "member " + number, set);
      member.spec.ordinal = i;
      member.spec.membership.agent = "None";
      member.status.addresses = {{"core", {"10.20.0." + std::to_string(i + 1), "fd20::" + std::to_string(i + 1)}}};
      member.status.conditions = {condition("Ready", "True", "Serving")};
      pods[i].meta = meta(member.meta.key.name, "pod " + number, member);
      pods[i].ready = true;
    }
    for (auto* conditions : {&service.status.conditions, &core.status.conditions, &lab.status.conditions,
                             &function.status.conditions, &set.status.conditions})
      *conditions = {condition("Ready", "True", "Ready")};
  }
  StatusReport report(const std::string& ns = "n", const std::string& name = {}) {
    view.services.put(service);
    view.networks.put(core);
    view.networks.put(lab);
    view.functions.put(function);
    view.member_sets.put(set);
    for (const auto& member : members) view.members.put(member);
    for (const auto& pod : pods) view.pods.put(pod);
    auto made = report_status(view, ns, name);
    REQUIRE(made);
    return std::move(*made);
  }
  // One member does not serve, and all above it say so.
  void break_member() {
    const std::string why = "Member ims-sip-sprout-1: hook joined ended with exit code 1";
    members[1].status.conditions = {condition("Ready", "False", "NotServing", "hook joined ended with exit code 1")};
    pods[1].ready = false;
    set.status.ready = 1;
    function.status.summary = "sprout 1/2";
    for (auto* conditions : {&service.status.conditions, &function.status.conditions, &set.status.conditions})
      *conditions = {condition("Ready", "False", "NotServing", why)};
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "all of a namespace is a tree, and what belongs to no service stands beside it") {
  const auto report = this->report();
  CHECK(report.found);
  CHECK(report.ready);
  CHECK(report.text ==
        "NetworkService n/ims  Ready\n"
        "├─ Network ims-core  Ready  10.20.0.0/24 (2 of 254), fd20::/64 (2 of many)\n"
        "└─ NetworkFunction ims-sip  Ready  sprout 2/2\n"
        "   └─ MemberSet ims-sip-sprout  Ready  2 of 2 serve\n"
        "      ├─ Member ims-sip-sprout-0  Ready  Serving  core 10.20.0.1 fd20::1\n"
        "      └─ Member ims-sip-sprout-1  Ready  Serving  core 10.20.0.2 fd20::2\n"
        "Network n/lab  Ready  10.30.0.0/24\n");
}

TEST_CASE_FIXTURE(Fixture, "why something is not ready stands where it comes from, and there only") {
  break_member();
  const auto report = this->report("n", "ims");
  CHECK(report.found);
  CHECK_FALSE(report.ready);
  CHECK(report.text ==
        "NetworkService n/ims  NotReady\n"
        "├─ Network ims-core  Ready  10.20.0.0/24 (2 of 254), fd20::/64 (2 of many)\n"
        "└─ NetworkFunction ims-sip  NotReady  sprout 1/2\n"
        "   └─ MemberSet ims-sip-sprout  NotReady  1 of 2 serve\n"
        "      ├─ Member ims-sip-sprout-0  Ready  Serving  core 10.20.0.1 fd20::1\n"
        "      └─ Member ims-sip-sprout-1  NotReady  Joining  core 10.20.0.2 fd20::2\n"
        "           ! NotServing: hook joined ended with exit code 1\n");
}

TEST_CASE_FIXTURE(Fixture, "why something is not ready stands at itself if all below it is") {
  set.status.conditions = {condition("Ready", "False", "RollingOut", "1 of 2 pods are of the new template")};
  CHECK(report("n", "ims-sip").text ==
        "NetworkFunction n/ims-sip  Ready  sprout 2/2\n"
        "└─ MemberSet ims-sip-sprout  NotReady  2 of 2 serve\n"
        "   │ ! RollingOut: 1 of 2 pods are of the new template\n"
        "   ├─ Member ims-sip-sprout-0  Ready  Serving  core 10.20.0.1 fd20::1\n"
        "   └─ Member ims-sip-sprout-1  Ready  Serving  core 10.20.0.2 fd20::2\n");
  CHECK_FALSE(report("n", "ims-sip").ready);
}

TEST_CASE_FIXTURE(Fixture, "whoever leaves is shown as leaving, what is being deleted so") {
  members[1].spec.desired = "Left";
  members[1].meta.deleting = true;
  members[1].status.conditions = {condition("Ready", "False", "Leaving", "Draining.")};
  lab.meta.deleting = true;
  const auto text = report().text;
  CHECK(text.find("Member ims-sip-sprout-1  NotReady  Leaving  core 10.20.0.2 fd20::2  (being deleted)\n") != std::string::npos);
  CHECK(text.find("! Leaving: Draining.\n") != std::string::npos);
  CHECK(text.find("Network n/lab  Ready  10.30.0.0/24  (being deleted)\n") != std::string::npos);
  CHECK_FALSE(report().ready);
}

TEST_CASE_FIXTURE(Fixture, "what nobody has looked at is not ready, and the next step is named") {
  lab.status.conditions = {};
  CHECK(report("n", "lab").text ==
        "Network n/lab  NotReady  10.30.0.0/24\n"
        "  ! New: KNFE has not looked at it yet. Is `knfe controller` running?\n");
  CHECK_FALSE(report("n", "lab").ready);
}

TEST_CASE_FIXTURE(Fixture, "what was ready and has changed since is not ready") {
  lab.meta.generation = 2;
  CHECK(report("n", "lab").text.find("! Changed: KNFE has not looked at its newest spec yet.") != std::string::npos);
  CHECK_FALSE(report("n", "lab").ready);
}

TEST_CASE_FIXTURE(Fixture, "what somebody else's object owns is shown as what stands on its own") {
  lab.meta.owners = {{"example.org/v1", "Site", "s", "site", true}};
  CHECK(report().text.find("Network n/lab") != std::string::npos);
}

TEST_CASE_FIXTURE(Fixture, "a service, a function or a network is found by its name, also if it belongs to one") {
  CHECK(report("n", "ims").text.starts_with("NetworkService n/ims  Ready\n├─ "));
  CHECK(report("n", "ims").text.find("lab") == std::string::npos);
  CHECK(report("n", "ims-sip").text.starts_with("NetworkFunction n/ims-sip  Ready  sprout 2/2\n└─ MemberSet"));
  CHECK(report("n", "ims-core").text == "Network n/ims-core  Ready  10.20.0.0/24 (2 of 254), fd20::/64 (2 of many)\n");
}

TEST_CASE_FIXTURE(Fixture, "what a member says of itself moves no cursor") {
  members[1].status.conditions = {condition("Ready", "False", "NotServing", "\x1b[2Jhello\a\n")};
  const auto text = report("n", "ims-sip").text;
  CHECK(text.find("NotServing:  [2Jhello  ") != std::string::npos);
  CHECK(text.find('\x1b') == std::string::npos);
}

TEST_CASE_FIXTURE(Fixture, "a kind may be named, as kubectl takes it") {
  core.meta.key.name = "ims";  // as the service
  CHECK(report("n", "ims").text.find("Network n/ims  ") != std::string::npos);
  for (const char* name : {"networkservice/ims", "nsvc/ims", "NetworkServices/ims"}) {
    CHECK(report("n", name).text.starts_with("NetworkService n/ims"));
    CHECK(report("n", name).text.find("Network n/ims  ") == std::string::npos);
  }
  CHECK(report("n", "member/ims-sip-sprout-1").text == "Member n/ims-sip-sprout-1  Ready  Serving  core 10.20.0.2 fd20::2\n");
  CHECK(report("n", "mset/ims-sip-sprout").text.starts_with("MemberSet n/ims-sip-sprout  Ready  2 of 2 serve\n├─ Member"));
  CHECK_FALSE(report("n", "network/lab-1").found);
  for (const char* name : {"pod/x", "allocation/x", "/x", "network/"}) {
    const auto made = report_status(view, "n", name);
    REQUIRE_FALSE(made);
    CHECK(made.error().text().find("KIND/NAME with a networkservice") != std::string::npos);
  }
}

TEST_CASE_FIXTURE(Fixture, "what is left of a function that is gone is shown") {
  report();
  view.functions.erase(function.meta.key, "9");
  view.member_sets.erase(set.meta.key, "9");
  members[1].meta.deleting = true;
  view.members.put(members[1]);
  const auto made = report_status(view, "n", "");
  REQUIRE(made);
  CHECK(made->text.find("Member n/ims-sip-sprout-1  Ready  Leaving  core 10.20.0.2 fd20::2  (being deleted)\n") !=
        std::string::npos);
}

TEST_CASE_FIXTURE(Fixture, "what is not ready beside what was asked for does not count") {
  lab.status.conditions = {condition("Ready", "False", "InvalidSubnet", "x")};
  CHECK(report("n", "ims").ready);
  CHECK_FALSE(report("n").ready);
}

TEST_CASE_FIXTURE(Fixture, "of several namespaces each is named") {
  api::Network other = lab;
  other.meta.key.ns = "m";
  view.networks.put(other);
  CHECK(report("m").text == "Network m/lab  Ready  10.30.0.0/24\n");
  CHECK(report("", "lab").text ==
        "Network m/lab  Ready  10.30.0.0/24\n"
        "Network n/lab  Ready  10.30.0.0/24\n");
  CHECK(report("n", "lab").text == "Network n/lab  Ready  10.30.0.0/24\n");
}

TEST_CASE_FIXTURE(Fixture, "where there is nothing, nothing is found, and nothing is wrong") {
  for (const auto& report : {this->report("elsewhere"), this->report("n", "none"), this->report("elsewhere", "ims")}) {
    CHECK_FALSE(report.found);
    CHECK(report.ready);
    CHECK(report.text.empty());
    CHECK(canonical(report.json) == R"({"items":[],"ready":true})");
  }
}

TEST_CASE_FIXTURE(Fixture, "members are shown by their number, not as text would order them") {
  members[0].meta = meta("ims-sip-sprout-10", "member 10", set);
  members[0].spec.ordinal = 10;
  members[1].meta = meta("ims-sip-sprout-2", "member 2", set);
  members[1].spec.ordinal = 2;
  const auto text = report("n", "ims-sip").text;
  CHECK(text.find("sprout-2 ") < text.find("sprout-10 "));
}

TEST_CASE_FIXTURE(Fixture, "lines lead from one role past all that is below it to the next") {
  api::MemberSet first = set;
  first.meta = meta("ims-sip-bono", "first set", function);
  first.spec.replicas = 1;
  first.status.ready = 1;
  view.member_sets.put(first);
  members[0].meta = meta("ims-sip-bono-0", "member 0", first);
  pods[0].meta = meta("ims-sip-bono-0", "pod 0", members[0]);
  CHECK(report("n", "ims-sip").text ==
        "NetworkFunction n/ims-sip  Ready  sprout 2/2\n"
        "├─ MemberSet ims-sip-bono  Ready  1 of 1 serve\n"
        "│  └─ Member ims-sip-bono-0  Ready  Serving  core 10.20.0.1 fd20::1\n"
        "└─ MemberSet ims-sip-sprout  Ready  2 of 2 serve\n"
        "   └─ Member ims-sip-sprout-1  Ready  Serving  core 10.20.0.2 fd20::2\n");
}

TEST_CASE_FIXTURE(Fixture, "the same as JSON") {
  break_member();
  const std::string member0 =
      R"({"addresses":{"core":["10.20.0.1","fd20::1"]},"kind":"Member","name":"ims-sip-sprout-0","ready":true,"state":"Serving"})";
  const std::string member1 =
      R"({"addresses":{"core":["10.20.0.2","fd20::2"]},"kind":"Member","name":"ims-sip-sprout-1","ready":false,"state":"Joining",)"
      R"("why":"NotServing: hook joined ended with exit code 1"})";
  const std::string why = R"("why":"NotServing: Member ims-sip-sprout-1: hook joined ended with exit code 1"})";
  CHECK(canonical(report("n", "ims-sip").json) ==
        R"({"items":[{"below":[{"below":[)" + member0 + "," + member1 +
            R"(],"kind":"MemberSet","name":"ims-sip-sprout","ready":false,)" + why +
            R"(],"kind":"NetworkFunction","name":"ims-sip","namespace":"n","ready":false,)" + why + R"(],"ready":false})");
  CHECK(canonical(report("n", "ims-core").json) ==
        R"({"items":[{"kind":"Network","name":"ims-core","namespace":"n","ready":true,)"
        R"("subnets":[{"cidr":"10.20.0.0/24","used":2},{"cidr":"fd20::/64","used":2}]}],"ready":true})");
  CHECK(canonical(report("n", "lab").json) == R"({"items":[{"kind":"Network","name":"lab","namespace":"n","ready":true,)"
                                              R"("subnets":[{"cidr":"10.30.0.0/24","used":null}]}],"ready":true})");
}

}  // namespace knfe::cmd
