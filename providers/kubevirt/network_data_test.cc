#include "providers/kubevirt/network_data.h"

#include <doctest/doctest.h>

#include "test/fakes/objects_test.h"

namespace knfe::providers {

namespace {

struct Fixture {
  api::Network network;
  api::ConnectionPoint point;
  operators::Attached attached{&network, &point};

  Fixture() {
    network.spec.mtu = 1400;
    point.status.addresses = {{"v4", "10.20.0.7", "10.20.0.1", 22}, {"v6", "fd20::7", "", 64}};
  }
  std::vector<GuestInterface> interfaces(bool pod_network) const {
    std::vector<GuestInterface> out;
    if (pod_network) out.push_back({"eth0", "0e:00:00:00:00:01", nullptr});
    out.push_back({"core", "0a:58:0a:14:00:07", &attached});
    return out;
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "NoCloud: the pod network asks by DHCP, a connection point has its addresses and its MTU") {
  CHECK(
      canonical(network_config_v2(interfaces(true))) ==
      R"({"ethernets":{"core":{"addresses":["10.20.0.7/22","fd20::7/64"],"match":{"macaddress":"0a:58:0a:14:00:07"},"mtu":1400,)"
      R"("set-name":"core"},"eth0":{"dhcp4":true,"match":{"macaddress":"0e:00:00:00:00:01"},"set-name":"eth0"}},"version":2})");
}

TEST_CASE_FIXTURE(Fixture, "NoCloud: without the pod network the way to everywhere is the subnet's router") {
  network.spec.mtu.reset();
  CHECK(canonical(network_config_v2(interfaces(false))) ==
        R"({"ethernets":{"core":{"addresses":["10.20.0.7/22","fd20::7/64"],"match":{"macaddress":"0a:58:0a:14:00:07"},)"
        R"("routes":[{"to":"0.0.0.0/0","via":"10.20.0.1"}],"set-name":"core"}},"version":2})");
}

TEST_CASE_FIXTURE(Fixture, "ConfigDrive: the same in OpenStack's words") {
  CHECK(canonical(network_data(interfaces(true))) ==
        R"({"links":[{"ethernet_mac_address":"0e:00:00:00:00:01","id":"eth0","name":"eth0","type":"phy"},)"
        R"({"ethernet_mac_address":"0a:58:0a:14:00:07","id":"core","mtu":1400,"name":"core","type":"phy"}],)"
        R"("networks":[{"id":"eth0","link":"eth0","type":"ipv4_dhcp"},)"
        R"({"id":"core-v4","ip_address":"10.20.0.7","link":"core","netmask":"255.255.252.0","type":"ipv4"},)"
        R"({"id":"core-v6","ip_address":"fd20::7","link":"core","netmask":"64","type":"ipv6"}],"services":[]})");
}

TEST_CASE_FIXTURE(Fixture, "ConfigDrive: the first router of each family is the way to everywhere, once") {
  auto more = interfaces(false);
  more.push_back({"access", "0a:58:0a:14:00:08", &attached});
  const std::string text = canonical(network_data(more));
  const std::string route = R"("routes":[{"gateway":"10.20.0.1","netmask":"0.0.0.0","network":"0.0.0.0"}])";
  REQUIRE(text.find(route) != std::string::npos);
  CHECK(text.find(route, text.find(route) + 1) == std::string::npos);
}

}  // namespace knfe::providers
