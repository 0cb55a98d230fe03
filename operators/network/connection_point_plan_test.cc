#include <doctest/doctest.h>

#include <set>

#include "operators/network/plan.h"
#include "operators/network/pools.h"
#include "test/fakes/json_test.h"
#include "test/fakes/objects_test.h"

namespace knfe::operators {

using fakes::meta;
using fakes::pick;
using runtime::Plan;

namespace {

// Connection point "p" on network "net", and the claims that are there.
struct Fixture {
  View view;
  api::Network network;
  api::ConnectionPoint point;

  Fixture() {
    network.meta = meta("net", "network");
    network.spec.subnets = {{"v4", "10.0.0.0/30", "", {}}, {"v6", "fd20::/126", "", {}}};
    point.meta = meta("p", "point");
    point.spec.network = {"net"};
    point.spec.interface = "net";
  }
  void hold(const std::string& ip, const std::string& uid, const std::string& created = "2026-01-01T00:00:00Z",
            const std::string& holder = "p", const std::string& holder_uid = "point") {
    api::ConnectionPoint owner;
    owner.meta = meta(holder, holder_uid);
    api::Allocation claim;
    claim.meta = meta(allocation_name(network, ip), uid, owner);
    claim.meta.created = created;
    claim.meta.resource_version = "7";
    claim.spec = {"net", ip.find(':') == std::string::npos ? "v4" : "v6", ip, holder, holder_uid};
    view.allocations.put(claim);
  }
  void taken(const std::string& ip) { hold(ip, "claim of " + ip, "2026-01-01T00:00:00Z", "q", "another"); }
  void let_go(const std::string& ip) { view.allocations.erase({"n", allocation_name(network, ip)}, "8"); }
  Plan plan() {
    view.networks.put(network);
    return plan_connection_point(point, view, {"2026-02-01T00:00:00Z", Instant{}, nullptr});
  }
  // "create 10.0.0.1, delete UID@VERSION", in order.
  static std::string actions(const Plan& plan) {
    std::string out;
    for (const auto& action : plan.actions) {
      const bool create = action.verb == runtime::Action::Verb::kCreate;
      out += out.empty() ? "" : ", ";
      out += create ? "create " + std::string(as_string(at(action.body, "spec", "ip")))
                    : "delete " + action.uid + "@" + action.resource_version;
    }
    return out;
  }
  static api::ConnectionPointStatus status(const Plan& plan) {
    REQUIRE(plan.status);
    auto decoded = api::decode<api::ConnectionPointStatus>(at(plan.status->body, "status"), "/status");
    REQUIRE(decoded);
    return std::move(*decoded);
  }
  // "Reason: message" of Ready; with "!" where somebody has to act.
  static std::string ready(const Plan& plan) {
    const auto told = status(plan);
    const auto* ready = api::find(told.conditions, "Ready");
    return ready->reason + (api::is_true(told.conditions, "Stalled") ? "! " : ": ") + ready->message;
  }
  static std::string addresses(const Plan& plan) {
    std::string out;
    for (const auto& given : status(plan).addresses) {
      out += (out.empty() ? "" : " ") + given.subnet + "=" + given.ip + "/" + std::to_string(given.prefix_length);
      if (!given.gateway.empty()) out += " by " + given.gateway;
    }
    return out;
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "one address of each subnet is claimed, by name of the address, for this very owner") {
  network.spec.subnets = {{"v4", "10.0.0.7/32", "", {}}, {"v6", "fd20::7/128", "", {}}};
  const auto plan = this->plan();
  CHECK(actions(plan) == "create 10.0.0.7, create fd20::7");
  CHECK_FALSE(plan.status);
  const Json& claim = plan.actions[0].body;
  CHECK(plan.actions[0].key == api::Key{"n", allocation_name(network, "10.0.0.7")});
  CHECK(plan.actions[0].key.name.text().ends_with(".0a000007"));
  CHECK(canonical(at(claim, "spec")) == R"({"ip":"10.0.0.7","network":"net","owner":"p","ownerUID":"point","subnet":"v4"})");
  CHECK(as_string(pick(as_array(at(claim, "metadata", "ownerReferences")).front(), "uid")) == "point");
}

TEST_CASE_FIXTURE(Fixture, "whoever plans for one owner claims the same address") {
  network.spec.subnets = {{"v4", "10.0.0.0/16", "", {}}, {"v6", "fd20::/64", "", {}}};
  const auto first = actions(plan());
  CHECK(actions(plan()) == first);
  point.meta.uid = "another point";
  CHECK(actions(plan()) != first);
}

TEST_CASE_FIXTURE(Fixture, "what is claimed is told of, with all that an interface needs") {
  network.spec.subnets[0].gateway = "10.0.0.1";
  hold("10.0.0.2", "a");
  hold("fd20::2", "b");
  const auto plan = this->plan();
  CHECK(actions(plan) == "");
  CHECK(addresses(plan) == "v4=10.0.0.2/30 by 10.0.0.1 v6=fd20::2/126");
  CHECK(ready(plan) == "Ready: A workload can be attached.");
}

TEST_CASE_FIXTURE(Fixture, "what is free is claimed, and nothing else") {
  network.spec.subnets.pop_back();
  taken("10.0.0.1");
  CHECK(actions(plan()) == "create 10.0.0.2");
  taken("10.0.0.2");
  CHECK(actions(plan()) == "");
}

TEST_CASE_FIXTURE(Fixture, "all subnets give an address, or none does") {
  hold("10.0.0.2", "mine");
  for (const char* ip : {"fd20::1", "fd20::2"}) taken(ip);
  SUBCASE("as long as there is one, it is taken") { CHECK(actions(plan()) == "create fd20::3"); }
  SUBCASE("when there is none left, what was claimed of the others is released") {
    taken("fd20::3");
    const auto plan = this->plan();
    CHECK(actions(plan) == "delete mine@7");
    CHECK(addresses(plan) == "");
    CHECK(ready(plan) ==
          "PoolExhausted! IPv6 subnet v6 (fd20::/126) of Network net has no free address: delete connection points, or use a "
          "larger network");
  }
  SUBCASE("nor is anything claimed of the first, then") {
    let_go("10.0.0.2");
    taken("fd20::3");
    CHECK(actions(plan()) == "");
  }
}

TEST_CASE_FIXTURE(Fixture, "the last free address of a crowded network is found") {
  network.spec.subnets = {{"v4", "10.0.0.0/19", "", {}}};
  const auto pools = Pools::of(network.spec.subnets[0]);
  for (uint128 i = 0; i < pools->size(); ++i) {
    if (const auto ip = to_text(pools->at(i)); ip != "10.0.17.4") taken(ip);
  }
  CHECK(actions(plan()) == "create 10.0.17.4");
}

TEST_CASE_FIXTURE(Fixture, "an address that was asked for is claimed, in its canonical form") {
  point.spec.addresses = {{"v6", "FD20:0::2"}};
  CHECK(actions(plan()) == "create fd20::2");
  hold("fd20::2", "mine");
  CHECK(addresses(plan()) == "v6=fd20::2/126");
}

TEST_CASE_FIXTURE(Fixture, "addresses may be asked for of some subnets only, whichever they are") {
  point.spec.addresses = {{"v6", ""}};
  for (const char* ip : {"fd20::1", "fd20::3"}) taken(ip);
  CHECK(actions(plan()) == "create fd20::2");
}

TEST_CASE_FIXTURE(Fixture, "an address that cannot be given is refused, with a word what could be") {
  const char* ip = "";
  SUBCASE("outside") { ip = "10.0.1.1"; }
  SUBCASE("of the other family") { ip = "fd20::2"; }
  SUBCASE("the network's") { ip = "10.0.0.0"; }
  SUBCASE("the broadcast address") { ip = "10.0.0.3"; }
  SUBCASE("the gateway's") { ip = "10.0.0.1"; }
  SUBCASE("no address at all") { ip = "10.0.0"; }
  network.spec.subnets[0].gateway = "10.0.0.1";
  point.spec.addresses = {{"v4", ip}};
  const auto plan = this->plan();
  CHECK(actions(plan) == "");
  CHECK(ready(plan) == "AddressOutside! address " + std::string(ip) +
                           " cannot be given from subnet v4 (10.0.0.0/30) of Network net: ask for one inside it that is neither "
                           "its gateway nor its first nor (IPv4) its last");
}

TEST_CASE_FIXTURE(Fixture, "an address that somebody holds is refused, with a word who") {
  point.spec.addresses = {{"v4", "10.0.0.2"}, {"v6", ""}};
  hold("fd20::2", "mine");
  taken("10.0.0.2");
  const auto plan = this->plan();
  CHECK(actions(plan) == "delete mine@7");
  CHECK(ready(plan) ==
        "AddressInUse! address 10.0.0.2 is held by ConnectionPoint q: ask for another address, or delete that connection point");
}

TEST_CASE_FIXTURE(Fixture, "networks that share an address space share its claims, others do not") {
  network.spec.address_space = "lab";
  taken("10.0.0.2");
  api::Network other = network;
  other.meta = meta("net", "another network");
  point.spec.addresses = {{"v4", "10.0.0.2"}};
  SUBCASE("shared") {
    network = other;
    CHECK(ready(plan()).starts_with("AddressInUse!"));
  }
  SUBCASE("not shared") {
    network = other;
    network.spec.address_space = "field";
    CHECK(actions(plan()) == "create 10.0.0.2");
  }
  SUBCASE("of its own") {
    network = other;
    network.spec.address_space = "";
    CHECK(actions(plan()) == "create 10.0.0.2");
  }
}

TEST_CASE_FIXTURE(Fixture, "a subnet that the network does not have is told of, with those that it has") {
  point.spec.addresses = {{"v5", ""}};
  const auto plan = this->plan();
  CHECK(actions(plan) == "");
  CHECK(ready(plan) == "UnknownSubnet! Network net has no subnet v5: it has v4, v6");
}

TEST_CASE_FIXTURE(Fixture, "of two claims for one subnet the older stays, and the other is released before anything is told") {
  hold("fd20::2", "c");
  std::string surplus;
  SUBCASE("older by time") {
    hold("10.0.0.1", "a", "2026-01-01T00:00:02Z");
    hold("10.0.0.2", "b", "2026-01-01T00:00:01Z");
    surplus = "a";
  }
  SUBCASE("in the same second by UID") {
    hold("10.0.0.1", "a");
    hold("10.0.0.2", "b");
    surplus = "b";
  }
  const auto plan = this->plan();
  CHECK(actions(plan) == "delete " + surplus + "@7");
  CHECK_FALSE(plan.status);
}

TEST_CASE_FIXTURE(Fixture, "a claim that an earlier network of the name gave is released, and another is made") {
  hold("10.0.0.2", "old v4");
  hold("fd20::2", "old v6");
  network.meta.uid = "network made anew";
  const auto plan = this->plan();
  CHECK(plan.actions.size() == 4);
  CHECK(actions(plan).starts_with("delete "));
  CHECK(actions(plan).find("delete old v4@7") != std::string::npos);
  CHECK(actions(plan).find("delete old v6@7") != std::string::npos);
  CHECK(actions(plan).find("create 10.0.0.") != std::string::npos);
  CHECK(actions(plan).find("create fd20::") != std::string::npos);
}

TEST_CASE_FIXTURE(Fixture, "a claim of a subnet that is not wanted is released") {
  point.spec.addresses = {{"v4", "10.0.0.2"}};
  hold("10.0.0.2", "mine");
  hold("fd20::2", "surplus");
  CHECK(actions(plan()) == "delete surplus@7");
}

TEST_CASE_FIXTURE(Fixture, "a claim that is held is let go of as it was read, then released") {
  point.spec.addresses = {{"v4", "10.0.0.2"}};
  hold("10.0.0.2", "mine");
  hold("fd20::2", "surplus");
  auto surplus = *view.allocations.get({"n", allocation_name(network, "fd20::2")});
  surplus.meta.finalizers.edit() = {kAllocationFinalizer};
  view.allocations.put(surplus);
  const auto plan = this->plan();
  REQUIRE(plan.actions.size() == 2);
  CHECK(plan.actions[0].verb == runtime::Action::Verb::kPatch);
  CHECK(canonical(plan.actions[0].body) == R"({"metadata":{"finalizers":[],"resourceVersion":"7","uid":"surplus"}})");
  CHECK(plan.actions[1].verb == runtime::Action::Verb::kDelete);
  CHECK(plan.actions[1].uid == "surplus");
}

TEST_CASE_FIXTURE(Fixture, "a claim that is deleted is held until its connection point is proven gone") {
  hold("10.0.0.2", "mine");
  auto claim = *view.allocations.get({"n", allocation_name(network, "10.0.0.2")});
  claim.meta.finalizers.edit() = {kAllocationFinalizer};
  CHECK(plan_allocation(claim, view).actions.empty());
  claim.meta.deleting = true;
  SUBCASE("it is there") {
    view.connection_points.put(point);
    CHECK(plan_allocation(claim, view).actions.empty());
  }
  SUBCASE("there is another of its name, or none") {
    point.meta.uid = "successor";
    view.connection_points.put(point);
    const auto plan = plan_allocation(claim, view);
    REQUIRE(plan.actions.size() == 2);
    CHECK(plan.actions[0].verb == runtime::Action::Verb::kProve);
    CHECK(plan.actions[0].key.name == "p");
    CHECK(plan.actions[0].uid == "point");
    CHECK(plan.actions[1].verb == runtime::Action::Verb::kPatch);
  }
}

TEST_CASE_FIXTURE(Fixture, "without its network a connection point waits, and lets go of nothing that a workload may carry") {
  hold("10.0.0.2", "a");
  hold("fd20::2", "b");
  point.spec.network = {"elsewhere"};
  const auto plan = this->plan();
  CHECK(actions(plan) == "");
  CHECK(ready(plan).find("Network elsewhere does not exist in namespace n: create it") != std::string::npos);
}

TEST_CASE_FIXTURE(Fixture, "a network that goes gives nothing more, and what it gave stays given") {
  network.meta.deleting = true;
  CHECK(
      ready(plan()) ==
      "NetworkDeleting: Network net is being deleted and gives no more addresses: take away what uses it, and apply both again");
  CHECK(actions(plan()) == "");
  hold("10.0.0.2", "a");
  hold("fd20::2", "b");
  CHECK(actions(plan()) == "");
  CHECK(addresses(plan()) == "v4=10.0.0.2/30 v6=fd20::2/126");
  CHECK(ready(plan()) == "Ready: A workload can be attached.");
}

TEST_CASE_FIXTURE(Fixture, "addresses of a member are let go of only after a fresh look has shown no pod of it") {
  // Restarted, and the caches know of one of its two claims, of no pod, and that the network goes.
  api::Member member;
  member.meta = meta("m", "member");
  point.meta = meta("p", "point", member);
  network.meta.deleting = true;
  hold("10.0.0.2", "a");
  const auto plan = this->plan();
  REQUIRE(plan.actions.size() == 2);
  CHECK(plan.actions[0].verb == runtime::Action::Verb::kProve);
  CHECK(plan.actions[0].resource == api::Pod::resource);
  CHECK(plan.actions[0].key.name == "m");
  CHECK(plan.actions[0].uid == "member");
  CHECK(plan.actions[1].verb == runtime::Action::Verb::kDelete);
  CHECK(plan.actions[1].uid == "a");
}

TEST_CASE_FIXTURE(Fixture, "what a pod carries is not released because its network has come back with other subnets") {
  api::Member member;
  member.meta = meta("m", "member");
  point.meta.owners = {{"knfe.io/v1alpha1", "Member", "m", "member", true}};
  hold("10.0.0.2", "a");
  api::Pod pod;
  pod.meta = meta("m", "pod", member);
  pod.meta.annotations.edit()["knfe.io/addresses"] = R"({"net": ["10.0.0.2"]})";
  point.status.addresses = {{"v4", "10.0.0.2", "", 30}};
  view.pods.put(pod);
  network.spec.subnets = {{"four", "10.0.0.0/30", "", {}}};
  CHECK(actions(plan()).find("delete") == std::string::npos);
  view.pods.erase(pod.meta.key, "9");
  const auto plan = this->plan();
  REQUIRE(plan.actions.size() > 1);
  CHECK(plan.actions[0].text() == "prove the absence of pods n/m");
}

TEST_CASE_FIXTURE(Fixture, "a network that is not accepted gives nothing, and says why; what was given stays told of") {
  hold("10.0.0.2", "a");
  hold("fd20::2", "b");
  network.spec.subnets[1].pools = {{"fd20::3", "fd20::1"}};
  const auto plan = this->plan();
  CHECK(actions(plan) == "");
  CHECK(addresses(plan) == "v4=10.0.0.2/30 v6=fd20::2/126");
  CHECK(ready(plan) == "NetworkNotAccepted: Network net is not accepted: subnet v6: pool fd20::3-fd20::1 ends before it starts");
}

TEST_CASE_FIXTURE(Fixture, "the MAC follows from the first address, unless it is given") {
  const auto mac = [&] { return status(plan()).mac; };
  hold("10.0.0.2", "a");
  hold("fd20::2", "b");
  CHECK(mac() == "0a:58:0a:00:00:02");
  point.spec.addresses = {{"v6", ""}, {"v4", ""}};
  const std::string of_v6 = mac();
  CHECK(of_v6.size() == 17);
  CHECK(of_v6.starts_with("0e:"));
  CHECK(mac() == of_v6);
  point.spec.mac = "02:00:00:00:00:07";
  CHECK(mac() == "02:00:00:00:00:07");
}

TEST_CASE_FIXTURE(Fixture, "MACs of neighbours in IPv6 differ") {
  network.spec.subnets = {{"v6", "fd20::/64", "", {}}};
  std::set<std::string> macs;
  for (int i = 1; i <= 100; ++i) {
    const std::string ip = to_text(Address{true, parse_address("fd20::")->value + static_cast<unsigned>(i)});
    hold(ip, "a");
    macs.insert(status(plan()).mac);
    let_go(ip);
  }
  CHECK(macs.size() == 100);
}

}  // namespace knfe::operators
