#include "providers/multus/multus.h"

#include <doctest/doctest.h>

#include "test/fakes/json_test.h"
#include "test/fakes/objects_test.h"

namespace knfe::providers {

using fakes::json;
using fakes::meta;

namespace {

struct Fixture {
  Multus multus;
  api::Network network;

  Fixture() { network.meta = meta("core", "uid of core"); }
  // The CNI configuration: text inside of the NetworkAttachmentDefinition.
  Json config(bool tap = false) const {
    const Json spec = multus.realise(network, tap);
    return json(as_string(at(spec, "config")));
  }
  std::string bridge() const { return std::string(as_string(fakes::pick(config(), "bridge"))); }
};

api::ConnectionPoint point(const std::string& interface, const std::string& mac, std::vector<api::GivenAddress> addresses) {
  api::ConnectionPoint out;
  out.spec.interface = interface;
  out.status.mac = mac;
  out.status.addresses = std::move(addresses);
  return out;
}

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a network without segment is a bridge on each node, with addresses and MAC from the pod") {
  Json config = this->config();
  CHECK(config.as_object().erase("bridge") == 1);
  CHECK(
      canonical(config) ==
      R"({"capabilities":{"ips":true,"mac":true},"cniVersion":"1.0.0","ipam":{"type":"static"},"name":"n.core","type":"bridge"})");
}

TEST_CASE_FIXTURE(Fixture, "the bridge of a network is its own, and named as Linux can") {
  const std::string first = bridge();
  CHECK(first.size() <= 15);
  CHECK(first.starts_with("kn"));
  CHECK(first.find_first_not_of("0123456789abcdefkn") == std::string::npos);
  CHECK(bridge() == first);
  // As one of the same name in another namespace, or of another life.
  network.meta.uid = "another uid";
  CHECK(bridge() != first);
}

TEST_CASE_FIXTURE(Fixture, "a network with a segment is a macvlan on the host's interface") {
  network.spec.segments = {{"flat", "ens5.100"}};
  CHECK(
      canonical(config()) ==
      R"({"capabilities":{"ips":true,"mac":true},"cniVersion":"1.0.0","ipam":{"type":"static"},"master":"ens5.100","mode":"bridge",)"
      R"("name":"n.core","type":"macvlan"})");
}

TEST_CASE_FIXTURE(Fixture, "for taps it is the same bridge or interface, by KNFE's plugin, and the guest has the addresses") {
  Json config = this->config(true);
  CHECK(as_string(fakes::pick(config, "bridge")) == bridge());
  config.as_object().erase("bridge");
  CHECK(canonical(config) == R"({"capabilities":{"mac":true},"cniVersion":"1.0.0","name":"n.core","type":"knfe"})");
  network.spec.segments = {{"flat", "ens5"}};
  CHECK(canonical(this->config(true)) ==
        R"({"capabilities":{"mac":true},"cniVersion":"1.0.0","master":"ens5","name":"n.core","type":"knfe"})");
}

TEST_CASE_FIXTURE(Fixture, "the MTU is said only where it is wanted") {
  CHECK(fakes::pick(config(), "mtu").is_null());
  network.spec.mtu = 1400;
  CHECK(fakes::pick(config(), "mtu") == 1400);
  network.spec.segments = {{"flat", "ens5"}};
  CHECK(fakes::pick(config(), "mtu") == 1400);
}

TEST_CASE_FIXTURE(Fixture, "a pod selects its networks in order, each with interface, MAC and all addresses") {
  api::Network access;
  access.meta = meta("access", "uid of access");
  const auto first = point("core", "0a:58:0a:14:00:07", {{"v4", "10.20.0.7", "10.20.0.1", 24}, {"v6", "fd20::7", "", 64}});
  const auto second = point("net-2", "0e:00:00:00:00:01", {{"v6", "fd30::7", "", 112}});
  const auto annotations = multus.attach({{&network, &first}, {&access, &second}});
  REQUIRE(annotations.size() == 1);
  REQUIRE(annotations.contains("k8s.v1.cni.cncf.io/networks"));
  CHECK(canonical(json(annotations.at("k8s.v1.cni.cncf.io/networks"))) ==
        R"([{"interface":"core","ips":["10.20.0.7/24","fd20::7/64"],"mac":"0a:58:0a:14:00:07","name":"core","namespace":"n"},)"
        R"({"interface":"net-2","ips":["fd30::7/112"],"mac":"0e:00:00:00:00:01","name":"access","namespace":"n"}])");
}

TEST_CASE_FIXTURE(Fixture, "a pod without connection points selects nothing") { CHECK(multus.attach({}).empty()); }

}  // namespace knfe::providers
