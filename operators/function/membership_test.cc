#include "operators/function/membership.h"

#include <doctest/doctest.h>

#include "test/fakes/json_test.h"
#include "test/fakes/objects_test.h"

namespace knfe::operators {

using fakes::condition;
using fakes::meta;

namespace {

// A member and its pod, as a case has them.
struct Case {
  const char* what;
  bool wanted = true, deleting = false;  // the member
  bool agent = true;
  enum { kNone, kStarting, kReady, kEnding } pod = kReady;
  const char* reported_from = "pod";  // UID of the pod whose agent said:
  const char* serving = "True";
  const char* reason = "Serving";
  const char* left = "False";
};

api::Member member_of(const Case& one) {
  api::Member member;
  member.meta = meta("f-r-0", "member");
  member.meta.deleting = one.deleting;
  member.spec.desired = one.wanted ? "Serving" : "Left";
  member.spec.membership.agent = one.agent ? "Sidecar" : "None";
  if (*one.reported_from) member.status.agent = api::AgentReport{one.reported_from, {}, {}};
  member.status.conditions = {condition("Serving", one.serving, one.reason), condition("Left", one.left)};
  return member;
}

std::optional<api::Pod> pod_of(const Case& one) {
  if (one.pod == Case::kNone) return {};
  api::Pod pod;
  pod.meta = meta("f-r-0", "pod");
  pod.meta.deleting = one.pod == Case::kEnding;
  pod.ready = one.pod != Case::kStarting;
  return pod;
}

// A function of one role and what is in it.
struct Fixture {
  View view;
  api::NetworkFunction function;

  Fixture() {
    function.meta = meta("f", "function");
    put_set("r", "set", function);
  }
  void put_set(const std::string& role, const std::string& uid, const api::NetworkFunction& owner) {
    api::MemberSet set;
    set.meta = meta("f-" + role, uid, owner);
    view.member_sets.put(set);
  }
  // A member that serves, at these addresses of its one connection point.
  void put(const std::string& role, int ordinal, const std::vector<std::string>& ips, const std::string& set_uid = "set",
           const std::function<void(api::Member&, api::Pod&)>& change = {}) {
    api::MemberSet set;
    set.meta = meta("f-" + role, set_uid);
    api::Member member;
    const std::string name = set.meta.key.name + "-" + std::to_string(ordinal);
    member.meta = meta(name, "member " + name, set);
    member.spec.function = "f";
    member.spec.role = role;
    member.spec.ordinal = ordinal;
    member.spec.desired = "Serving";
    member.spec.membership.agent = "None";
    member.spec.connection_points = {{"core", "", {"net"}}};
    api::Pod pod;
    pod.meta = meta(name, "pod", member);
    pod.ready = true;
    put_point("core", member, ips);
    if (change) change(member, pod);
    JsonObject carried;
    for (const auto& attachment : member.spec.connection_points) carried[attachment.name] = JsonArray(ips.begin(), ips.end());
    pod.meta.annotations.edit().emplace(kAddresses, to_text(Json(carried)));
    view.members.put(member);
    view.pods.put(pod);
  }
  void put_point(const std::string& name, const api::Member& owner, const std::vector<std::string>& ips) {
    api::ConnectionPoint point;
    point.meta = meta(owner.meta.key.name + "-" + name, name, owner);
    for (const auto& ip : ips) point.status.addresses.push_back({"s", ip, "", 24});
    view.connection_points.put(point);
  }
  // "NAME=STATE", in order; with "!" for whoever is asked to leave.
  std::string listed() const {
    const Json list = member_list(function, view);
    std::string out;
    for (const auto& entry : as_array(at(list, "members"))) {
      out += (out.empty() ? "" : " ") + std::string(as_string(at(entry, "name"))) + "=" +
             std::string(as_string(at(entry, "state"))) + (as_bool(at(entry, "leave")) ? "!" : "");
    }
    return out;
  }
};

}  // namespace

TEST_CASE("how it stands with a member") {
  const struct {
    Case of;
    Standing standing;
    bool asked, left;
  } table[] = {
      {{"its agent says that it serves"}, Standing::kServing, false, false},
      {{.what = "its agent says that it does not yet", .serving = "False", .reason = "Joining"},
       Standing::kJoining,
       false,
       false},
      {{.what = "its pod is not ready", .pod = Case::kStarting}, Standing::kJoining, false, false},
      {{.what = "it has no pod", .pod = Case::kNone}, Standing::kJoining, false, true},
      {{.what = "its agent never reported", .reported_from = ""}, Standing::kJoining, false, true},
      {{.what = "an earlier pod's agent reported", .reported_from = "earlier"}, Standing::kJoining, false, true},
      {{.what = "an earlier pod's agent had left",
        .reported_from = "earlier",
        .serving = "False",
        .reason = "Leaving",
        .left = "True"},
       Standing::kJoining,
       false,
       true},
      {{.what = "its agent says that it leaves", .serving = "False", .reason = "Leaving"}, Standing::kLeaving, false, false},
      {{.what = "its agent has left by itself", .serving = "False", .reason = "Leaving", .left = "True"},
       Standing::kLeaving,
       false,
       true},
      {{.what = "it is asked to leave, and its agent has not heard", .wanted = false}, Standing::kLeaving, true, false},
      {{.what = "it is asked to leave, and has left", .wanted = false, .serving = "False", .reason = "Leaving", .left = "True"},
       Standing::kLeaving,
       true,
       true},
      {{.what = "it is asked to leave before its pod runs", .wanted = false, .pod = Case::kStarting, .reported_from = ""},
       Standing::kLeaving,
       true,
       true},
      {{.what = "it is asked to leave, and its pod is gone", .wanted = false, .pod = Case::kNone},
       Standing::kLeaving,
       true,
       true},
      {{.what = "it is being deleted", .deleting = true}, Standing::kLeaving, true, false},
      {{.what = "its pod is being deleted", .pod = Case::kEnding}, Standing::kLeaving, true, false},
      {{.what = "without agent, its pod is ready", .agent = false, .reported_from = ""}, Standing::kServing, false, true},
      {{.what = "without agent, whatever an earlier one in its pod said",
        .agent = false,
        .serving = "False",
        .reason = "Leaving"},
       Standing::kServing,
       false,
       true},
      {{.what = "without agent, its pod is not ready", .agent = false, .pod = Case::kStarting, .reported_from = ""},
       Standing::kJoining,
       false,
       true},
      {{.what = "without agent, it is asked to leave", .wanted = false, .agent = false, .reported_from = ""},
       Standing::kLeaving,
       true,
       true},
  };
  for (const auto& [of, standing, asked, left] : table) {
    CAPTURE(of.what);
    const auto member = member_of(of);
    const auto pod = pod_of(of);
    const auto workload = pod ? std::optional(Workload(*pod)) : std::nullopt;
    CHECK(standing_of(member, workload) == standing);
    CHECK(asked_to_leave(member, workload) == asked);
    CHECK(has_left(member, workload) == left);
  }
}

TEST_CASE("that a member has left is proven of what runs, not of what the cache has of it") {
  const auto proofs = [](const Case& of) {
    const auto member = member_of(of);
    const auto pod = pod_of(of);
    runtime::Plan plan;
    prove_left(member, pod ? std::optional(Workload(*pod)) : std::nullopt, plan);
    std::string out;
    for (const auto& action : plan.actions) out += (out.empty() ? "" : ", ") + action.text();
    return out;
  };
  CHECK(proofs({.what = "nothing runs", .pod = Case::kNone}) == "prove the absence of pods n/f-r-0");
  CHECK(proofs({.what = "its agent has said so"}).empty());
  CHECK(proofs({.what = "another's agent reported, maybe of a pod that the cache does not know yet", .reported_from = "later"}) ==
        "confirm pods n/f-r-0");
  CHECK(proofs({.what = "nobody's agent reported", .reported_from = ""}) == "confirm pods n/f-r-0");
  CHECK(proofs({.what = "without agent there is nothing to say", .agent = false, .reported_from = ""}).empty());
}

TEST_CASE_FIXTURE(Fixture, "the member list tells of each who, where and how") {
  put("r", 0, {"10.20.0.7", "fd20::7"});
  CHECK(canonical(member_list(function, view)) == R"({"function":"f","members":[{"addresses":{"core":["10.20.0.7","fd20::7"]},)"
                                                  R"("name":"f-r-0","ordinal":0,"role":"r","state":"Serving"}]})");
}

TEST_CASE_FIXTURE(Fixture, "the member list of nobody is a list") {
  CHECK(canonical(member_list(function, view)) == R"({"function":"f","members":[]})");
}

TEST_CASE_FIXTURE(Fixture, "members are listed by role, then by number") {
  put_set("a", "set a", function);
  for (const int ordinal : {10, 2, 0}) put("r", ordinal, {"10.0.0.1"});
  put("a", 1, {"10.0.0.2"}, "set a");
  CHECK(listed() == "f-a-1=Serving f-r-0=Serving f-r-2=Serving f-r-10=Serving");
}

TEST_CASE_FIXTURE(Fixture, "whoever is asked to leave is marked, whoever leaves by itself is not") {
  put("r", 0, {"10.0.0.1"}, "set", [](api::Member& member, api::Pod&) { member.spec.desired = "Left"; });
  put("r", 1, {"10.0.0.2"}, "set", [](api::Member&, api::Pod& pod) { pod.meta.deleting = true; });
  put("r", 2, {"10.0.0.3"}, "set", [](api::Member& member, api::Pod&) {
    member.spec.membership.agent = "Sidecar";
    member.status.agent = api::AgentReport{"pod", {}, {}};
    member.status.conditions = {condition("Serving", "False", "Leaving")};
  });
  CHECK(listed() == "f-r-0=Leaving! f-r-1=Leaving! f-r-2=Leaving");
}

TEST_CASE_FIXTURE(Fixture, "a member is not listed before all its addresses are known") {
  const auto no_pod = [](api::Member&, api::Pod& pod) { pod.meta.owners.front().uid = "predecessor"; };
  const auto two_points = [&](api::Member& member, api::Pod& pod) {
    member.spec.connection_points.push_back({"access", "", {"net"}});
    no_pod(member, pod);
  };
  SUBCASE("a connection point is not there") { put("r", 0, {"10.0.0.1"}, "set", two_points); }
  SUBCASE("a connection point has no address") { put("r", 0, {}, "set", no_pod); }
  SUBCASE("a connection point is another's") {
    put("r", 0, {"10.0.0.1"}, "set", two_points);
    api::Member predecessor;
    predecessor.meta = meta("f-r-0", "predecessor");
    put_point("access", predecessor, {"10.0.0.2"});
  }
  CHECK(listed() == "");
}

TEST_CASE_FIXTURE(Fixture, "a member without connection points is listed, with no address") {
  put("r", 0, {}, "set", [](api::Member& member, api::Pod&) { member.spec.connection_points.clear(); });
  const Json list = member_list(function, view);
  CHECK(canonical(at(as_array(at(list, "members")).front(), "addresses")) == "{}");
}

TEST_CASE_FIXTURE(Fixture, "whoever has a pod is listed with what that carries, whatever is wanted by now") {
  put("r", 0, {"10.0.0.1"}, "set", [](api::Member& member, api::Pod& pod) {
    pod.meta.annotations.edit()[kAddresses] = R"({"old": ["10.0.0.9"]})";
    member.spec.connection_points.push_back({"new", "", {"net"}});
  });
  const Json list = member_list(function, view);
  CHECK(canonical(at(as_array(at(list, "members")).front(), "addresses")) == R"({"old":["10.0.0.9"]})");
}

TEST_CASE_FIXTURE(Fixture, "another's pod of the member's name says nothing of it") {
  put("r", 0, {"10.0.0.1"}, "set", [](api::Member&, api::Pod& pod) { pod.meta.owners.front().uid = "predecessor"; });
  CHECK(listed() == "f-r-0=Joining");
}

TEST_CASE_FIXTURE(Fixture, "whose set is the function's is its member, and who is left of a set that is gone") {
  put("r", 0, {"10.0.0.1"});
  put("gone", 0, {"10.0.0.2"}, "set that was");
  put_set("later", "set of today", function);
  put("later", 0, {"10.0.0.3"}, "set that was");
  api::NetworkFunction another;
  another.meta = meta("another", "another function");
  put_set("theirs", "their set", another);
  put("theirs", 0, {"10.0.0.4"}, "their set");
  put("nobodys", 0, {"10.0.0.5"}, "set", [](api::Member& member, api::Pod&) { member.meta.owners.clear(); });
  put("other", 0, {"10.0.0.6"}, "set", [](api::Member& member, api::Pod&) { member.spec.function = "g"; });
  CHECK(listed() == "f-gone-0=Serving f-later-0=Serving f-r-0=Serving");
}

TEST_CASE("a template's hash tells what runs in a member, and nothing else") {
  api::MemberSpec spec;
  spec.workload.pod = api::PodTemplate{{}, {}, fakes::json(R"({"containers": [{"name": "a", "image": "b"}]})")};
  const std::string before = template_hash(spec);
  const auto changed = [&](const std::function<void(api::MemberSpec&)>& change) {
    auto other = spec;
    change(other);
    return template_hash(other) != before;
  };
  CHECK_FALSE(
      changed([](auto& other) { other.workload.pod->spec = fakes::json(R"({"containers": [{"image": "b", "name": "a"}]})"); }));
  CHECK_FALSE(changed([](auto& other) { other.ordinal = 3; }));
  CHECK_FALSE(changed([](auto& other) { other.desired = "Left"; }));
  CHECK(changed([](auto& other) { other.workload.pod->spec = fakes::json(R"({"containers": [{"name": "a", "image": "c"}]})"); }));
  CHECK(changed([](auto& other) { other.workload.pod->labels["a"] = "b"; }));
  CHECK(changed([](auto& other) { other.membership.joined = api::Hook{{"x"}}; }));
  CHECK(changed([](auto& other) { other.connection_points = {{"core", "", {"net"}}}; }));
}

}  // namespace knfe::operators
