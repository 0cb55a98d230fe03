#include "test/sim/scenario.h"

#include "api/allocation.h"
#include "api/foreign.h"
#include "api/kinds.h"
#include "api/network_service.h"
#include "api/policy.h"
#include "test/fakes/json_test.h"

namespace knfe::sim {

namespace {

using Act = std::function<void(fakes::Store&)>;
using fakes::json;
using fakes::Store;

constexpr auto kNetworks = api::Network::resource;
constexpr auto kPoints = api::ConnectionPoint::resource;
constexpr auto kFunctions = api::NetworkFunction::resource;
constexpr auto kSets = api::MemberSet::resource;
constexpr auto kServices = api::NetworkService::resource;
constexpr auto kPolicies = api::Policy::resource;

// What a user does succeeds or has nothing to act on.
Act put(const api::Resource& resource, const std::string& name, const std::string& spec) {
  const auto object =
      std::make_shared<Json>(json(R"({"metadata":{"namespace":"n","name":")" + name + R"("},"spec":)" + spec + "}"));
  return [resource, object](Store& store) { KNFE_CHECK(store.apply(resource, *object, "", "user")); };
}

Act remove(const api::Resource& resource, const std::string& name) {
  return [resource, name](Store& store) { (void)store.remove(resource, {"n", name}); };
}

Act scale(const std::string& set, int replicas) {
  return [=](Store& store) {
    (void)store.merge_patch(kSets, {"n", set}, json(R"({"spec":{"replicas":)" + std::to_string(replicas) + "}}"), "", "user");
  };
}

Act sign(const api::Resource& resource, const std::string& name) {
  return [=](Store& store) {
    const JsonObject mine{
        {"metadata", JsonObject{{"annotations", JsonObject{{kSignature, "me"}}}, {"labels", JsonObject{{"tier", "gold"}}}}}};
    (void)store.merge_patch(resource, {"n", name}, mine, "", "user");
  };
}

const char* kCore = R"({"subnets":[{"name":"v4","cidr":"10.20.0.0/28"}]})";
const char* kEdge = R"({"subnets":[{"name":"v4","cidr":"10.30.0.0/28"},{"name":"v6","cidr":"fd30::/64"}],"addressSpace":"lab"})";

std::string on(const std::string& network, const std::string& more = {}) {
  return R"({"interface":"net0","networkRef":{"name":")" + network + "\"}" + more + "}";
}

std::string role(const std::string& size) {
  return R"({"name":"r","size":)" + size +
         R"(,"connectionPoints":[{"name":"core","networkRef":{"name":"core"}}],"membership":{"leave":{"command":["/leave"]}},
            "workload":{"pod":{"spec":{"containers":[{"name":"c","image":"c:1"}]}}}})";
}

std::string function_of(const std::string& size) { return R"({"roles":[)" + role(size) + "]}"; }

// Two roles, of which the second waits for the first, and each for its own members.
std::string in_order(const std::string& more) {
  const std::string first = role(R"({"exactly":2})");
  std::string second = first;
  second.replace(second.find("\"r\""), 3, R"("s","dependsOn":["r"])");
  const std::string order = R"("order":"OneByOne",)";
  return "{" + more + R"("roles":[{)" + order + first.substr(1) + ",{" + order + second.substr(1) + "]}";
}

const char* kScaled = R"({"initial":1,"min":1,"max":3})";

}  // namespace

const std::vector<Scenario>& scenarios() {
  static const std::string fixed = on("core", R"(,"addresses":[{"subnet":"v4","ip":"10.20.0.9"}])");
  static const std::string service =
      R"({"networks":[{"name":"net","subnets":[{"name":"v4","cidr":"10.40.0.0/28"}]}],"functions":[{"name":"f","roles":[
        {"name":"r","size":{"exactly":1},"connectionPoints":[{"name":"net","networkRef":{"name":"net"}}],
         "workload":{"pod":{"spec":{"containers":[{"name":"c","image":"c:1"}]}}}}]}]})";
  static const std::vector<Scenario> all{
      {"points-come",
       "",
       {put(kPoints, "fixed", fixed), put(kNetworks, "core", kCore), put(kPoints, "a", on("core")),
        put(kPoints, "b", on("core"))},
       4},
      {"points-two-networks",
       "",
       {put(kNetworks, "edge", kEdge), put(kPoints, "a", on("edge")), put(kPoints, "b", on("edge"))},
       4},
      {"points-change", "points-come", {sign(kPoints, "a"), remove(kPoints, "b"), put(kPoints, "d", on("core"))}, 6},
      {"points-go",
       "points-come",
       {remove(kNetworks, "core"), remove(kPoints, "a"), remove(kPoints, "fixed"), remove(kPoints, "b")},
       4},
      {"points-hasty",
       "",
       {put(kNetworks, "core", kCore), put(kPoints, "a", on("core")), remove(kNetworks, "core"), remove(kPoints, "a")},
       4},
      {"point-again", "points-come", {remove(kPoints, "a"), put(kPoints, "c", on("core")), remove(kPoints, "c")}, 5},
      {"network-comes", "", {put(kNetworks, "core", kCore), sign(kNetworks, "core")}, 1},
      {"function-comes", "network-comes", {put(kFunctions, "f", function_of(kScaled))}, 1},
      {"function-grows",
       "function-comes",
       {sign(api::Member::resource, "f-r-0"), sign(api::Pod::resource, "f-r-0"), scale("f-r", 2)},
       2},
      {"function-shrinks", "function-grows", {scale("f-r", 1)}, 2},
      {"function-goes", "function-comes", {remove(kFunctions, "f")}, 2},
      {"function-hasty", "network-comes", {put(kFunctions, "f", function_of(kScaled)), remove(kFunctions, "f")}, 2},
      {"function-to-and-fro", "function-comes", {scale("f-r", 2), scale("f-r", 1)}, 1},
      {"function-stops", "function-grows", {put(kFunctions, "f", R"({"state":"Stopped",)" + function_of(kScaled).substr(1))}, 2},
      {"function-starts", "function-stops", {put(kFunctions, "f", function_of(kScaled))}, 2},
      {"function-in-order", "network-comes", {put(kFunctions, "f", in_order(""))}, 1},
      {"function-stops-in-order", "function-in-order", {put(kFunctions, "f", in_order(R"("state":"Stopped",)"))}, 1},
      {"function-starts-in-order", "function-stops-in-order", {put(kFunctions, "f", in_order(""))}, 1},
      {"policy",
       "function-comes",
       {put(kPolicies, "p", R"({"memberSetRef":{"name":"f-r"},"min":2})"),
        put(kPolicies, "p", R"({"memberSetRef":{"name":"f-r"},"max":1})")},
       1},
      {"pod-evicted", "function-comes", {remove(api::Pod::resource, "f-r-0")}, 2},
      {"service-comes", "", {put(kServices, "s", service)}, 1},
      {"service-goes", "service-comes", {remove(kServices, "s")}, 1},
  };
  return all;
}

}  // namespace knfe::sim
