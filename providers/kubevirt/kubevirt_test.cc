#include "providers/kubevirt/kubevirt.h"

#include <doctest/doctest.h>

#include "operators/function/membership.h"
#include "test/fakes/json_test.h"
#include "test/fakes/objects_test.h"
#include "test/fakes/parts_test.h"

namespace knfe::providers {

using fakes::json;
using fakes::meta;
using fakes::named;
using fakes::names;
using fakes::pick;
using fakes::text;

namespace {

struct Fixture {
  KubeVirtProvider provider{KubeVirtSettings{"10.96.0.1", "443"}};
  api::Member member;
  api::Network network;
  std::vector<api::ConnectionPoint> points;

  Fixture() {
    network.meta = meta("ims-core", "network");
    member.meta = meta("ims-sip-bono-0", "8d5b4f0e-30e5-4b5e-a1f5-3cc2c0a9b6d1");
    member.spec.function = "ims-sip";
    member.spec.role = "bono";
    member.spec.membership.agent = "Sidecar";
    member.spec.membership.leave_timeout_seconds = 20;
    give(R"({"domain": {"memory": {"guest": "128Mi"}, "devices": {"disks": [{"name": "root", "disk": {}}]}},
             "volumes": [{"name": "root", "containerDisk": {"image": "vnf:1"}}]})");
    points.reserve(4);
  }
  void give(const std::string& spec) {
    if (!member.spec.workload.virtual_machine) member.spec.workload.virtual_machine.emplace();
    member.spec.workload.virtual_machine->spec = json(spec);
  }
  void attach(const std::string& name, const std::string& mac, const std::string& ip) {
    member.spec.connection_points.push_back({name, "", {"core"}});
    auto& point = points.emplace_back();
    point.spec.interface = name;
    point.status.mac = mac;
    point.status.addresses = {{"v4", ip, "", 24}};
  }
  Json machine() const {
    operators::WorkloadInput input{&member, {}, {}};
    for (const auto& point : points) input.attachments.push_back({&network, &point});
    return provider.build(input);
  }
  Json instance() const { return pick(pick(pick(machine(), "spec"), "template"), "spec"); }
  Json devices() const { return pick(pick(instance(), "domain"), "devices"); }
  Json volume(std::string_view name) const { return named(pick(instance(), "volumes"), name); }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a virtual machine is named as its member, runs always, and is what the template says") {
  const Json machine = this->machine();
  CHECK(text(at(machine, "apiVersion")) == "kubevirt.io/v1");
  CHECK(text(at(machine, "kind")) == "VirtualMachine");
  CHECK(api::key_of(machine) == member.meta.key);
  CHECK(text(at(machine, "spec", "runStrategy")) == "Always");
  CHECK(text(pick(pick(pick(instance(), "domain"), "memory"), "guest")) == "128Mi");
  CHECK(canonical(pick(volume("root"), "containerDisk")) == R"({"image":"vnf:1"})");
  CHECK(pick(instance(), "terminationGracePeriodSeconds") == 25);
}

TEST_CASE_FIXTURE(Fixture, "the machine and its instances are found by KNFE's labels, which nobody can say otherwise") {
  member.spec.workload.virtual_machine->labels = {{"app", "sip"}, {"knfe.io/member", "another"}};
  const Json machine = this->machine();
  const std::string labels =
      R"({"app":"sip","app.kubernetes.io/managed-by":"knfe","knfe.io/function":"ims-sip","knfe.io/member":"ims-sip-bono-0",)"
      R"("knfe.io/role":"bono"})";
  CHECK(canonical(at(machine, "metadata", "labels")) == labels);
  CHECK(canonical(at(machine, "spec", "template", "metadata", "labels")) == labels);
  CHECK(text(at(machine, "metadata", "annotations", operators::kTemplateHash)) == operators::template_hash(member.spec));
}

TEST_CASE_FIXTURE(Fixture, "connection points are taps beside the pod network, in order, each with its MAC") {
  attach("access", "0a:58:0a:0a:00:02", "10.10.0.2");
  attach("core", "0a:58:0a:14:00:07", "10.20.0.7");
  const Json interfaces = pick(devices(), "interfaces");
  REQUIRE(names(interfaces) == "default access core");
  CHECK(canonical(pick(named(interfaces, "default"), "masquerade")) == "{}");
  CHECK(canonical(named(interfaces, "core")) == R"({"binding":{"name":"knfe"},"macAddress":"0a:58:0a:14:00:07","name":"core"})");
  CHECK(canonical(named(pick(instance(), "networks"), "core")) == R"({"multus":{"networkName":"n/ims-core.tap"},"name":"core"})");
}

TEST_CASE_FIXTURE(Fixture,
                  "interfaces of one's own stay, and get a MAC that is the same each time, by which network data finds them") {
  give(
      R"({"domain": {"devices": {"interfaces": [{"name": "mgmt", "masquerade": {}}, {"name": "x", "sriov": {}, "macAddress": "02:00:00:00:00:09"}]}},
           "networks": [{"name": "mgmt", "pod": {}}, {"name": "x", "multus": {"networkName": "x"}}]})");
  attach("core", "0a:58:0a:14:00:07", "10.20.0.7");
  const Json interfaces = pick(devices(), "interfaces");
  CHECK(names(interfaces) == "mgmt x core");
  const std::string mac = text(pick(named(interfaces, "mgmt"), "macAddress"));
  CHECK(mac.starts_with("0e:"));
  CHECK(text(pick(named(pick(devices(), "interfaces"), "mgmt"), "macAddress")) == mac);
  CHECK(text(pick(named(interfaces, "x"), "macAddress")) == "02:00:00:00:00:09");
  const Json data = json(as_string(pick(pick(volume("knfe-cloudinit"), "cloudInitNoCloud"), "networkData")));
  CHECK(text(at(data, "ethernets", "eth0", "match", "macaddress")) == mac);
}

TEST_CASE_FIXTURE(Fixture, "without the pod network there is none") {
  give(R"({"domain": {"devices": {"autoattachPodInterface": false}}})");
  CHECK(names(pick(devices(), "interfaces")).empty());
  attach("core", "0a:58:0a:14:00:07", "10.20.0.7");
  CHECK(names(pick(devices(), "interfaces")) == "core");
}

TEST_CASE_FIXTURE(Fixture, "network data goes into the cloud-init volume that is there; user data stays as it is") {
  attach("core", "0a:58:0a:14:00:07", "10.20.0.7");
  SUBCASE("NoCloud") {
    give(R"({"domain": {"devices": {}}, "volumes": [{"name": "ci", "cloudInitNoCloud": {"userData": "#!/bin/sh\nx"}}]})");
    const Json source = pick(volume("ci"), "cloudInitNoCloud");
    CHECK(text(at(source, "userData")) == "#!/bin/sh\nx");
    const Json data = json(as_string(at(source, "networkData")));
    CHECK(text(at(data, "ethernets", "core", "match", "macaddress")) == "0a:58:0a:14:00:07");
  }
  SUBCASE("ConfigDrive") {
    give(R"({"domain": {"devices": {}}, "volumes": [{"name": "ci", "cloudInitConfigDrive": {"userData": "x"}}]})");
    const Json data = json(as_string(pick(pick(volume("ci"), "cloudInitConfigDrive"), "networkData")));
    CHECK(as_array(at(data, "links")).size() == 2);
  }
  CHECK(volume("knfe-cloudinit").is_null());
}

TEST_CASE_FIXTURE(Fixture, "network data that somebody has written stays") {
  attach("core", "0a:58:0a:14:00:07", "10.20.0.7");
  for (const char* given :
       {R"("networkData": "own")", R"("networkDataBase64": "b3du")", R"("networkDataSecretRef": {"name": "own"})"}) {
    give(std::string(R"({"domain": {"devices": {}}, "volumes": [{"name": "ci", "cloudInitNoCloud": {)") + given + "}}]}");
    CHECK(canonical(pick(volume("ci"), "cloudInitNoCloud")) == canonical(json(std::string("{") + given + "}")));
  }
}

TEST_CASE_FIXTURE(Fixture, "the agent finds on two disks who it is, in which life, and its account") {
  attach("core", "0a:58:0a:14:00:07", "10.20.0.7");
  CHECK(canonical(volume("knfe-identity")) ==
        R"({"downwardAPI":{"fields":[{"fieldRef":{"fieldPath":"metadata.annotations['knfe.io/identity']"},"path":"identity"},)"
        R"({"fieldRef":{"fieldPath":"metadata.labels['kubevirt.io/created-by']"},"path":"instance"}]},"name":"knfe-identity"})");
  CHECK(text(pick(pick(volume("knfe-account"), "serviceAccount"), "serviceAccountName")) == "ims-sip-bono-0");
  CHECK(names(pick(devices(), "disks")) == "root knfe-cloudinit knfe-identity knfe-account");
  CHECK(text(pick(named(pick(devices(), "disks"), "knfe-account"), "serial")) == "knfe-account");
  const Json machine = this->machine();
  const Json identity = json(as_string(at(machine, "spec", "template", "metadata", "annotations", "knfe.io/identity")));
  CHECK(text(at(identity, "KNFE_MEMBER")) == "ims-sip-bono-0");
  CHECK(text(at(identity, "KNFE_ADDRESS_CORE")) == "10.20.0.7");
  CHECK(text(at(identity, "KUBERNETES_SERVICE_HOST")) == "10.96.0.1");
  CHECK(json(as_string(at(identity, "KNFE_MEMBERSHIP"))).is_object());
}

TEST_CASE_FIXTURE(Fixture, "without agent there are no such disks, and nothing ends another way than it would") {
  member.spec.membership.agent = "None";
  CHECK(volume("knfe-identity").is_null());
  CHECK(volume("knfe-account").is_null());
  CHECK(pick(instance(), "terminationGracePeriodSeconds").is_null());
}

TEST_CASE_FIXTURE(Fixture, "the firmware's UUID is the member's, unless it has one") {
  CHECK(text(pick(pick(pick(instance(), "domain"), "firmware"), "uuid")) == member.meta.uid.text());
  give(R"({"domain": {"devices": {}, "firmware": {"uuid": "own"}}})");
  CHECK(text(pick(pick(pick(instance(), "domain"), "firmware"), "uuid")) == "own");
}

TEST_CASE_FIXTURE(Fixture, "the member's volumes are disks, unless the template has made them others") {
  give(R"({"domain": {"devices": {"disks": [{"name": "log", "lun": {}}]}}})");
  member.spec.volumes = {{"data", "Retain", {}}, {"log", "Delete", {}}};
  CHECK(canonical(volume("data")) == R"({"name":"data","persistentVolumeClaim":{"claimName":"ims-sip-bono-0-data"}})");
  CHECK(canonical(volume("log")) == R"({"name":"log","persistentVolumeClaim":{"claimName":"ims-sip-bono-0-log"}})");
  const Json disks = pick(pick(pick(instance(), "domain"), "devices"), "disks");
  CHECK(canonical(named(disks, "data")) == R"({"disk":{"bus":"virtio"},"name":"data","serial":"data"})");
  CHECK(canonical(named(disks, "log")) == R"({"lun":{},"name":"log"})");
}

TEST_CASE_FIXTURE(Fixture, "a role of virtual machines is spread as one of pods") {
  member.spec.spread = api::Spread{"zone", "ScheduleAnyway"};
  const Json constraints = pick(instance(), "topologySpreadConstraints");
  CHECK(as_array(constraints).size() == 1);
}

TEST_CASE_FIXTURE(Fixture, "a template that is no virtual machine is left to KubeVirt to refuse") {
  attach("core", "0a:58:0a:14:00:07", "10.20.0.7");
  for (const char* nonsense :
       {"{}", "null", R"({"domain": 7})", R"({"domain": {"devices": 7}})",
        R"({"domain": {"devices": {"interfaces": 7, "disks": 7}, "firmware": 7}, "networks": 7, "volumes": 7})",
        R"({"domain": {"devices": {"interfaces": [7]}}, "volumes": [7, {"cloudInitNoCloud": 7}]})"}) {
    CAPTURE(nonsense);
    give(nonsense);
    CHECK(api::key_of(machine()) == member.meta.key);
  }
}

}  // namespace knfe::providers
