#include "test/fakes/ims_test.h"

#include <doctest/doctest.h>

#include "test/fakes/json_test.h"

namespace knfe::fakes {

std::string ims() {
  const std::string role = R"("membership": {"joined": {"command": ["/opt/joined"]}, "leave": {"command": ["/opt/leave"]}},
    "workload": {"pod": {"spec": {"containers": [{"name": "sip", "image": "sip:1"}]}}})";
  return R"({"apiVersion": "knfe.io/v1alpha1", "kind": "NetworkService", "metadata": {"name": "ims"}, "spec": {
    "networks": [{"name": "access", "subnets": [{"name": "v4", "cidr": "10.10.0.0/24"}]},
                 {"name": "core", "subnets": [{"name": "v4", "cidr": "10.20.0.0/24"}, {"name": "v6", "cidr": "fd20::/64"}]}],
    "functions": [{"name": "sip", "roles": [
      {"name": "bono", "size": {"exactly": 1},
       "connectionPoints": [{"name": "access", "networkRef": {"name": "access"}}, {"name": "core", "networkRef": {"name": "core"}}], )" +
         role + R"(},
      {"name": "sprout", "size": {"initial": 3, "min": 1, "max": 8}, "connectionPoints": [{"name": "core", "networkRef": {"name": "core"}}], )" +
         role + "}]}]}}";
}

std::string with(const std::string& what, const std::string& other) {
  std::string text = ims();
  const auto found = text.find(what);
  REQUIRE(found != std::string::npos);
  return text.replace(found, what.size(), other);
}

std::string ims_with_machine() {
  return with(R"("workload": {"pod": {"spec": {"containers": [{"name": "sip", "image": "sip:1"}]}}})",
              R"("workload": {"virtualMachine": {"spec": {"domain": {"devices": {}}}}})");
}

const Store& serving() {
  static const Store store = [] {
    World world;
    world.put(ims());
    world.converge();
    return world.store;
  }();
  return store;
}

std::string sprout(int ordinal) { return "ims-sip-sprout-" + std::to_string(ordinal); }

void scale(World& world, int replicas) {
  world.patch(kSets, "ims-sip-sprout", R"({"spec":{"replicas":)" + std::to_string(replicas) + "}}");
}

Json listed(const World& world, const std::string& name) {
  const Json list = json(as_string(pick(world.get(api::ConfigMap::resource, "ims-sip-peers"), "data", "members.json")));
  for (const auto& member : as_array(at(list, "members"))) {
    if (as_string(at(member, "name")) == name) return member;
  }
  return {};
}

void check_addresses(const World& world) {
  std::map<std::string, std::string> claimed;
  for (const auto* claim : world.store.list(kAllocations)) {
    claimed.emplace(as_string(at(*claim, "spec", "ip")), as_string(at(*claim, "spec", "owner")));
  }
  for (const auto* pod : world.store.list(kPods)) {
    const std::string name(as_string(at(*pod, "metadata", "name")));
    const Json carried = json(as_string(at(*pod, "metadata", "annotations", "knfe.io/addresses")));
    for (const auto& [point, ips] : carried.as_object()) {
      for (const auto& ip : ips.as_array()) {
        const auto found = claimed.find(std::string(as_string(ip)));
        const std::string owner = name + "-" + std::string(point);
        if (found == claimed.end()) FAIL("pod ", name, " carries ", to_text(ip), ", which nobody has claimed");
        if (found->second != owner) FAIL("pod ", name, " carries ", to_text(ip), ", the claim of ", found->second);
      }
    }
  }
}

}  // namespace knfe::fakes
