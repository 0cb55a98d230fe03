#include "operators/function/workload.h"

#include <doctest/doctest.h>

#include "operators/function/membership.h"
#include "test/fakes/json_test.h"
#include "test/fakes/objects_test.h"

namespace knfe::operators {

using fakes::condition;
using fakes::meta;

namespace {

// A member that is a virtual machine, and what is there of it.
struct Fixture {
  View view;
  api::Member member;

  Fixture() {
    member.meta = meta("f-r-0", "member");
    member.spec.desired = "Serving";
    member.spec.membership.agent = "Sidecar";
    member.spec.workload.virtual_machine.emplace();
    member.status.agent = api::AgentReport{"instance", {}, {}};
    member.status.conditions = {condition("Serving", "True", "Serving"), condition("Left", "False")};
  }
  api::VirtualMachine machine() const {
    api::VirtualMachine out;
    out.meta = meta("f-r-0", "machine", member);
    return out;
  }
  api::VirtualMachineInstance instance() const {
    api::VirtualMachineInstance out;
    out.meta = meta("f-r-0", "instance", machine());
    out.phase = "Running";
    out.ready = true;
    return out;
  }
  void put(const api::VirtualMachine& one) { view.virtual_machines.put(one); }
  void put(const api::VirtualMachineInstance& one) { view.virtual_machine_instances.put(one); }
  std::string standing() const { return name(standing_of(member, view)); }
  std::string proofs() const {
    runtime::Plan plan;
    prove_left(member, workload_of(member, view), plan);
    std::string out;
    for (const auto& action : plan.actions) out += (out.empty() ? "" : ", ") + action.text();
    return out;
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a virtual machine serves when its instance runs and the agent in that says so") {
  CHECK(standing() == "Joining");
  put(machine());
  CHECK(standing() == "Joining");
  put(instance());
  CHECK(standing() == "Serving");
}

TEST_CASE_FIXTURE(Fixture, "what the agent of an earlier instance has said does not count: each start is another life") {
  put(machine());
  auto next = instance();
  next.meta.uid = "next instance";
  put(next);
  CHECK(standing() == "Joining");
}

TEST_CASE_FIXTURE(Fixture, "a virtual machine whose instance is being stopped leaves, as one that is being deleted itself does") {
  put(machine());
  auto stopping = instance();
  stopping.meta.deleting = true;
  put(stopping);
  CHECK(standing() == "Leaving");
}

TEST_CASE_FIXTURE(Fixture, "a virtual machine that is paused takes no traffic") {
  put(machine());
  auto changed = instance();
  SUBCASE("paused") { changed.paused = true; }
  SUBCASE("not ready") { changed.ready = false; }
  put(changed);
  CHECK(standing() == "Joining");
}

TEST_CASE_FIXTURE(Fixture, "an instance of an earlier machine of this name is not this one's") {
  put(machine());
  auto earlier = instance();
  earlier.meta.owners.front().uid = "earlier machine";
  put(earlier);
  CHECK(standing() == "Joining");
  CHECK_FALSE(workload_of(member, view)->instance);
}

TEST_CASE_FIXTURE(Fixture, "a pod of the member's name is not its workload") {
  api::Pod pod;
  pod.meta = meta("f-r-0", "pod", member);
  pod.ready = true;
  view.pods.put(pod);
  CHECK_FALSE(workload_of(member, view));
}

TEST_CASE_FIXTURE(Fixture, "an instance that was left behind by its machine is an orphan") {
  auto left = instance();
  left.meta.owners.clear();
  put(left);
  CHECK_FALSE(workload_of(member, view));
  REQUIRE(orphan_of(member, view));
  CHECK(orphan_of(member, view)->name() == "VirtualMachineInstance f-r-0");
}

TEST_CASE_FIXTURE(Fixture, "why a virtual machine does not run is what KubeVirt says") {
  auto failing = machine();
  failing.trouble = "ErrImagePull: no such image";
  failing.stuck = true;
  put(failing);
  CHECK(workload_of(member, view)->trouble == "ErrImagePull: no such image");
  CHECK(workload_of(member, view)->stuck);
}

TEST_CASE_FIXTURE(Fixture, "that a virtual machine is gone is proven of it and of its instance, which may outlive it") {
  CHECK(proofs() ==
        "prove the absence of virtualmachines n/f-r-0, prove the absence of virtualmachineinstances n/f-r-0, "
        "prove the absence of pods n/");
}

TEST_CASE_FIXTURE(Fixture, "a machine whose instance the cache does not know, and whose agent has reported, may serve") {
  put(machine());
  CHECK(has_left(member, workload_of(member, view)));
  CHECK(proofs() == "prove the absence of virtualmachineinstances n/f-r-0");
  auto other = instance();
  other.meta.uid = "another than reported";
  put(other);
  CHECK(proofs() == "confirm virtualmachineinstances n/f-r-0");
}

TEST_CASE_FIXTURE(Fixture, "the addresses are those that the machine was made with") {
  auto carrier = machine();
  carrier.meta.annotations.edit().emplace(kAddresses, R"({"core": ["10.20.0.7"]})");
  put(carrier);
  api::ConnectionPoint point;
  point.status.addresses = {{"v4", "10.20.0.7", "", 24}};
  CHECK(may_carry(*workload_of(member, view), point));
  point.status.addresses.front().ip = "10.20.0.8";
  CHECK_FALSE(may_carry(*workload_of(member, view), point));
}

}  // namespace knfe::operators
