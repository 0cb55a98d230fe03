#include "cni/plugin.h"

#include <doctest/doctest.h>
#include <sched.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <functional>
#include <thread>

#include "net/links.h"

namespace knfe::cni {

namespace {

Request request(const std::string& command,
                const std::string& config = R"({"cniVersion": "1.0.0", "name": "n", "type": "knfe", "bridge": "kn0"})") {
  return {command, "c0ffee", "/proc/self/ns/net", "pod1234", config};
}

std::string message(const Request& asked) {
  const auto out = answer(asked);
  CHECK(out.exit_code == 1);
  return std::string(as_string(at(out.json, "msg")));
}

// Two fresh network namespaces: this thread's, a node's, and a pod's. False where they cannot be made.
bool in_namespaces(const std::function<void(const std::string& pod)>& work) {
  bool able = true;
  std::thread([&] {
    if (::unshare(CLONE_NEWNET) != 0) {
      able = false;
      return;
    }
    auto pod = net::Namespace::current();
    REQUIRE(pod);
    REQUIRE(::unshare(CLONE_NEWNET) == 0);
    work("/proc/self/fd/" + std::to_string(pod->descriptor()));
  }).join();
  CHECK((able || ::geteuid() != 0));
  if (!able) MESSAGE("not tried, as network namespaces cannot be made here: ", std::strerror(errno));
  return able;
}

// What the pod has under these names, "name MTU" or "-"; "name!" where it is down.
std::string pod_has(const std::string& pod, std::initializer_list<std::string> names) {
  auto home = net::Namespace::current();
  auto there = net::Namespace::open(pod);
  REQUIRE(home);
  REQUIRE(there);
  REQUIRE(there->enter());
  auto links = net::Links::open();
  REQUIRE(home->enter());
  REQUIRE(links);
  std::string out;
  for (const auto& name : names) {
    const auto link = links->find(name);
    out += (out.empty() ? "" : " ") + (link ? name + (link->up ? " " + std::to_string(link->mtu) : "!") : "-");
  }
  return out;
}

}  // namespace

TEST_CASE("the plugin says which versions of CNI it knows") {
  const auto out = answer({"VERSION", "", "", "", ""});
  CHECK(out.exit_code == 0);
  CHECK(canonical(out.json) == R"({"cniVersion":"1.1.0","supportedVersions":["0.3.1","0.4.0","1.0.0","1.1.0"]})");
}

TEST_CASE("a configuration that cannot be carried out is refused with a word why, as the specification has it") {
  CHECK(message(request("ADD", "{")) == "the network configuration is no JSON object");
  CHECK(message(request("ADD", R"({"cniVersion": "0.1.0"})")) == "cniVersion 0.1.0 is not known: 0.3.1 to 1.1.0 are");
  CHECK(message(request("ADD", R"({"cniVersion": "1.0.0"})")) == "network configuration: say either bridge or master");
  CHECK(message(request("ADD", R"({"cniVersion": "1.0.0", "bridge": "a", "master": "b"})")) ==
        "network configuration: say either bridge or master");
  CHECK(message(request("ADD", R"({"cniVersion": "1.0.0", "bridge": "../x"})")) ==
        "network configuration: is no name of an interface: ../x");
  CHECK(message(request("ADD", R"({"cniVersion": "1.0.0", "bridge": "a", "mtu": 70000})")) ==
        "network configuration: mtu: must be 576 to 65535");
  CHECK(message(request("ADD", R"({"cniVersion": "1.0.0", "bridge": "a", "runtimeConfig": {"mac": "x"}})")) ==
        "network configuration: runtimeConfig.mac: is no MAC address: x");
  CHECK(message(request("PLAY")) == "CNI_COMMAND PLAY is not known");
  auto nameless = request("ADD");
  nameless.interface = "much-too-long-a-name";
  CHECK(message(nameless) == "CNI_IFNAME is no name of an interface");
  auto placeless = request("ADD");
  placeless.netns.clear();
  CHECK(message(placeless) == "CNI_NETNS is not set");
}

TEST_CASE("what is gone with its pod is taken away already") {
  auto gone = request("DEL");
  gone.netns = "/proc/nowhere/ns/net";
  CHECK(answer(gone).exit_code == 0);
  gone.netns.clear();
  CHECK(answer(gone).exit_code == 0);
}

TEST_CASE("a tap is joined to the node's bridge, checked, and taken away, each as often as one likes") {
  in_namespaces([](const std::string& pod) {
    Request add =
        request("ADD", R"({"cniVersion": "1.0.0", "bridge": "kn0", "mtu": 1400, "runtimeConfig": {"mac": "0a:58:0a:14:00:07"}})");
    add.netns = pod;
    for (int i = 0; i < 2; ++i) {
      const auto out = answer(add);
      CAPTURE(canonical(out.json));
      REQUIRE(out.exit_code == 0);
      CHECK(canonical(out.json) ==
            R"({"cniVersion":"1.0.0","interfaces":[{"mac":"0a:58:0a:14:00:07","name":"pod1234","sandbox":")" + pod +
                R"("}],"ips":[]})");
    }
    CHECK(pod_has(pod, {"pod1234", "lo"}) == "pod1234 1400 lo!");
    auto node = net::Links::open();
    REQUIRE(node);
    const auto bridge = node->find("kn0");
    REQUIRE(bridge);
    CHECK(bridge->up);
    add.command = "CHECK";
    CHECK(answer(add).exit_code == 0);
    add.command = "DEL";
    for (int i = 0; i < 2; ++i) CHECK(answer(add).exit_code == 0);
    CHECK(pod_has(pod, {"pod1234"}) == "-");
    add.command = "CHECK";
    CHECK(answer(add).exit_code == 1);
  });
}

TEST_CASE(
    "a tap on an interface of the node is behind a macvlan with the guest's address, which the pod's bridge does not claim") {
  in_namespaces([](const std::string& pod) {
    auto node = net::Links::open();
    REQUIRE(node);
    REQUIRE(node->make_bridge("uplink0", std::nullopt));
    REQUIRE(node->change(node->find("uplink0")->index, {.up = true}));
    Request add =
        request("ADD", R"({"cniVersion": "1.0.0", "master": "uplink0", "runtimeConfig": {"mac": "0a:58:0a:14:00:07"}})");
    add.netns = pod;
    const auto out = answer(add);
    CAPTURE(canonical(out.json));
    REQUIRE(out.exit_code == 0);
    add.command = "CHECK";
    CHECK(answer(add).exit_code == 0);
    add.command = "DEL";
    CHECK(answer(add).exit_code == 0);
  });
}

TEST_CASE("what else has the name in the pod is left alone") {
  in_namespaces([](const std::string& pod) {
    Request add = request("ADD");
    add.netns = pod;
    add.interface = "lo";
    CHECK(message(add) == "the pod has an interface lo already");
    add.command = "DEL";
    CHECK(answer(add).exit_code == 0);
    CHECK(pod_has(pod, {"lo"}) == "lo!");
  });
}

TEST_CASE("a node without such an interface says so, and nothing is left in the pod") {
  in_namespaces([](const std::string& pod) {
    Request add = request("ADD", R"({"cniVersion": "1.0.0", "master": "nowhere0"})");
    add.netns = pod;
    CHECK(message(add).find("interface nowhere0") != std::string::npos);
    CHECK(pod_has(pod, {"pod1234"}) == "-");
  });
}

}  // namespace knfe::cni
