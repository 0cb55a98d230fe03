#include "providers/pod/pod.h"

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

// "/run/knfe:ro /data"
std::string mounts(const Json& container) {
  std::string out;
  for (const auto& one : as_array(at(container, "volumeMounts")))
    out += (out.empty() ? "" : " ") + text(at(one, "mountPath")) + (as_bool(at(one, "readOnly")) ? ":ro" : "");
  return out;
}

struct Fixture {
  PodProvider provider{PodSettings{"knfe.io/knfe:1"}};
  api::Member member;
  api::Network network;
  std::vector<api::ConnectionPoint> points;
  api::StringMap network_annotations;

  Fixture() {
    member.meta = meta("ims-sip-sprout-2", "member");
    member.spec.function = "ims-sip";
    member.spec.role = "sprout";
    member.spec.ordinal = 2;
    member.spec.desired = "Serving";
    member.spec.membership.agent = "Sidecar";
    give(R"({"containers": [{"name": "sip", "image": "sip:1"}, {"name": "log", "image": "log:1"}]})");
    points.reserve(4);
  }
  void give(const std::string& spec) {
    if (!member.spec.workload.pod) member.spec.workload.pod.emplace();
    member.spec.workload.pod->spec = json(spec);
  }
  void attach(const std::string& name, const std::vector<std::string>& ips) {
    member.spec.connection_points.push_back({name, "", {"net"}});
    auto& point = points.emplace_back();
    for (const auto& ip : ips) point.status.addresses.push_back({"s", ip, "", 24});
  }
  Json pod() const {
    operators::WorkloadInput input{&member, {}, network_annotations};
    for (const auto& point : points) input.attachments.push_back({&network, &point});
    return provider.build(input);
  }
  Json spec() const { return pick(pod(), "spec"); }
  Json container(std::string_view name) const { return named(pick(spec(), "containers"), name); }
  Json init(std::string_view name) const { return named(pick(spec(), "initContainers"), name); }
  static std::string variable(const Json& container, std::string_view name) {
    return text(pick(named(at(container, "env"), name), "value"));
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a pod is named as its member, and is what the template says") {
  give(R"({"nodeSelector": {"a": "b"}, "hostname": "x", "containers": [{"name": "sip", "image": "sip:1", "args": ["-v"]}]})");
  const Json pod = this->pod();
  CHECK(text(at(pod, "apiVersion")) == "v1");
  CHECK(text(at(pod, "kind")) == "Pod");
  CHECK(api::key_of(pod) == api::Key{"n", "ims-sip-sprout-2"});
  CHECK(canonical(at(pod, "spec", "nodeSelector")) == R"({"a":"b"})");
  CHECK(text(at(pod, "spec", "hostname")) == "x");
  CHECK(canonical(pick(container("sip"), "args")) == R"(["-v"])");
}

TEST_CASE_FIXTURE(Fixture, "labels and annotations are those of the template and KNFE's, which nobody can say otherwise") {
  member.spec.workload.pod->labels = {{"app", "sip"}, {"knfe.io/member", "another"}};
  member.spec.workload.pod->annotations = {{"note", "x"}, {"k8s.v1.cni.cncf.io/networks", "[]"}, {operators::kTemplateHash, "0"}};
  network_annotations = {{"k8s.v1.cni.cncf.io/networks", "[1]"}};
  const Json pod = this->pod();
  CHECK(canonical(at(pod, "metadata", "labels")) ==
        R"({"app":"sip","app.kubernetes.io/managed-by":"knfe","knfe.io/function":"ims-sip","knfe.io/member":"ims-sip-sprout-2",)"
        R"("knfe.io/role":"sprout"})");
  const Json& annotations = at(pod, "metadata", "annotations");
  CHECK(as_object(annotations).size() == 3);
  CHECK(text(at(annotations, "note")) == "x");
  CHECK(text(at(annotations, "k8s.v1.cni.cncf.io/networks")) == "[1]");
  CHECK(text(at(annotations, operators::kTemplateHash)) == operators::template_hash(member.spec));
}

TEST_CASE_FIXTURE(Fixture, "the agent is a sidecar that starts before all else of the function, once it is installed") {
  give(R"({"initContainers": [{"name": "own"}, {"name": "second"}], "containers": [{"name": "sip", "image": "sip:1"}]})");
  CHECK(names(pick(spec(), "initContainers")) == "knfe-install knfe own second");
  const Json install = init("knfe-install"), agent = init("knfe");
  CHECK(text(at(install, "image")) == "knfe.io/knfe:1");
  CHECK(canonical(at(install, "args")) == R"(["guest","install"])");
  CHECK(at(install, "restartPolicy").is_null());
  CHECK(text(at(agent, "image")) == "sip:1");
  CHECK(canonical(at(agent, "command")) == R"(["/knfe/knfe","guest","run"])");
  CHECK(text(at(agent, "restartPolicy")) == "Always");
}

TEST_CASE_FIXTURE(Fixture, "the installer runs where the strictest Pod Security lets run") {
  const Json rights = pick(init("knfe-install"), "securityContext");
  CHECK(canonical(rights) ==
        R"({"allowPrivilegeEscalation":false,"capabilities":{"drop":["ALL"]},"readOnlyRootFilesystem":true,"runAsNonRoot":true,)"
        R"("runAsUser":65532,"seccompProfile":{"type":"RuntimeDefault"}})");
}

TEST_CASE_FIXTURE(Fixture, "hooks find what the first container has") {
  give(R"json({"volumes": [{"name": "data", "emptyDir": {}}],
           "containers": [{"name": "sip", "image": "sip:1", "imagePullPolicy": "Never", "securityContext": {"runAsUser": 7},
                           "envFrom": [{"configMapRef": {"name": "c"}}], "env": [{"name": "OWN", "value": "$(KNFE_MEMBER)"}],
                           "volumeMounts": [{"name": "data", "mountPath": "/data"}], "ports": [{"containerPort": 1}]},
                          {"name": "log", "image": "log:1", "volumeMounts": [{"name": "data", "mountPath": "/log"}]}]})json");
  const Json agent = init("knfe");
  CHECK(text(at(agent, "imagePullPolicy")) == "Never");
  CHECK(canonical(at(agent, "securityContext")) == R"({"runAsUser":7})");
  CHECK(canonical(at(agent, "envFrom")) == R"([{"configMapRef":{"name":"c"}}])");
  CHECK(variable(agent, "OWN") == "$(KNFE_MEMBER)");
  CHECK(mounts(agent) == "/knfe:ro /run/knfe /data");
  CHECK(at(agent, "ports").is_null());
}

TEST_CASE_FIXTURE(Fixture, "every container reads the member list, the first finds the agent") {
  give(R"({"volumes": [{"name": "data", "emptyDir": {}}],
           "containers": [{"name": "sip", "volumeMounts": [{"name": "data", "mountPath": "/data"}]}, {"name": "log"}]})");
  CHECK(mounts(container("sip")) == "/data /run/knfe:ro /knfe:ro");
  CHECK(mounts(container("log")) == "/run/knfe:ro");
  CHECK(mounts(init("knfe-install")) == "/knfe /run/knfe");
  CHECK(names(pick(spec(), "volumes")) == "data knfe-run knfe-bin");
}

TEST_CASE_FIXTURE(Fixture, "every container knows who it is and where, before its own variables") {
  give(
      R"json({"containers": [{"name": "sip", "env": [{"name": "URI", "value": "sip:$(KNFE_ADDRESS_CORE)"}]}, {"name": "log"}]})json");
  attach("core", {"10.20.0.7", "fd20::7"});
  attach("far-access-2", {"fd30::7"});
  attach("twice", {"10.1.0.1", "10.2.0.1"});
  CHECK(names(pick(container("sip"), "env")) ==
        "KNFE_NAMESPACE KNFE_FUNCTION KNFE_ROLE KNFE_MEMBER KNFE_ORDINAL KNFE_ADDRESS_CORE KNFE_ADDRESS6_CORE "
        "KNFE_ADDRESS6_FAR_ACCESS_2 KNFE_ADDRESS_TWICE URI");
  for (const Json& one : {container("sip"), container("log"), init("knfe"), init("knfe-install")}) {
    CAPTURE(text(at(one, "name")));
    CHECK(variable(one, "KNFE_NAMESPACE") == "n");
    CHECK(variable(one, "KNFE_FUNCTION") == "ims-sip");
    CHECK(variable(one, "KNFE_ROLE") == "sprout");
    CHECK(variable(one, "KNFE_MEMBER") == "ims-sip-sprout-2");
    CHECK(variable(one, "KNFE_ORDINAL") == "2");
    CHECK(variable(one, "KNFE_ADDRESS_CORE") == "10.20.0.7");
    CHECK(variable(one, "KNFE_ADDRESS6_CORE") == "fd20::7");
    CHECK(variable(one, "KNFE_ADDRESS6_FAR_ACCESS_2") == "fd30::7");
    CHECK(variable(one, "KNFE_ADDRESS_TWICE") == "10.1.0.1");
  }
}

TEST_CASE_FIXTURE(Fixture, "hooks reach the agent as they were written, though kubelet expands variables") {
  member.spec.membership.joined = api::Hook{{"/bin/sh", "-c", "echo $HOME $(KNFE_MEMBER) $$ \"x\""}};
  std::string given = variable(init("knfe"), "KNFE_MEMBERSHIP");
  CHECK(given == variable(init("knfe-install"), "KNFE_MEMBERSHIP"));
  // As kubelet does: "$$" is "$", and "$(" would begin a reference.
  for (std::size_t found = 0; (found = given.find('$', found)) != std::string::npos; ++found) {
    REQUIRE(given.substr(found, 2) == "$$");
    given.erase(found, 1);
  }
  const auto membership = api::decode<api::Membership>(json(given), "");
  REQUIRE(membership);
  CHECK(*membership == member.spec.membership);
  CHECK(variable(container("sip"), "KNFE_MEMBERSHIP").empty());
}

TEST_CASE_FIXTURE(Fixture, "the agent learns its pod's UID from the pod") {
  CHECK(canonical(pick(named(pick(init("knfe"), "env"), "KNFE_POD_UID"), "valueFrom")) ==
        R"({"fieldRef":{"fieldPath":"metadata.uid"}})");
}

TEST_CASE_FIXTURE(Fixture, "a pod that is deleted drains first, for as long as the role says") {
  member.spec.membership.leave_timeout_seconds = 90;
  CHECK(canonical(pick(container("sip"), "lifecycle")) ==
        R"({"preStop":{"exec":{"command":["/knfe/knfe","guest","leave","--timeout","90"]}}})");
  CHECK(pick(container("log"), "lifecycle").is_null());
  CHECK(pick(spec(), "terminationGracePeriodSeconds") == 95);
  CHECK(text(pick(spec(), "serviceAccountName")) == "ims-sip");
}

TEST_CASE_FIXTURE(Fixture, "what the template does before its end comes once the member has left") {
  give(R"({"containers": [{"name": "sip", "lifecycle": {"preStop": {"exec": {"command": ["own", "-x"]}}}}]})");
  CHECK(canonical(pick(container("sip"), "lifecycle")) ==
        R"({"preStop":{"exec":{"command":["/knfe/knfe","guest","leave","--timeout","60","--","own","-x"]}}})");
}

TEST_CASE_FIXTURE(Fixture, "what the template says of its end and its rights is kept") {
  give(R"({"serviceAccountName": "own", "terminationGracePeriodSeconds": 0,
           "containers": [{"name": "sip", "lifecycle": {"preStop": {"sleep": {"seconds": 3}}, "postStart": {"exec": {}}}}]})");
  CHECK(canonical(pick(container("sip"), "lifecycle")) == R"({"postStart":{"exec":{}},"preStop":{"sleep":{"seconds":3}}})");
  CHECK(text(pick(spec(), "serviceAccountName")) == "own");
  CHECK(pick(spec(), "terminationGracePeriodSeconds") == 0);
}

TEST_CASE_FIXTURE(Fixture, "a postStart hook of one's own does not keep the pod from draining") {
  give(R"({"containers": [{"name": "sip", "lifecycle": {"postStart": {"exec": {"command": ["own"]}}}}]})");
  CHECK(
      canonical(pick(container("sip"), "lifecycle")) ==
      R"({"postStart":{"exec":{"command":["own"]}},"preStop":{"exec":{"command":["/knfe/knfe","guest","leave","--timeout","60"]}}})");
}

TEST_CASE_FIXTURE(Fixture, "an empty ServiceAccount is none: the agent has that of its function, which has the rights") {
  give(R"({"serviceAccountName": "", "containers": [{"name": "sip"}]})");
  CHECK(text(pick(spec(), "serviceAccountName")) == "ims-sip");
}

TEST_CASE_FIXTURE(Fixture, "without agent the pod is as it was given, and knows who it is") {
  member.spec.membership.agent = "None";
  give(R"({"initContainers": [{"name": "own"}], "containers": [{"name": "sip", "image": "sip:1"}]})");
  attach("core", {"10.20.0.7"});
  Json spec = this->spec();
  const Json env = pick(container("sip"), "env");
  CHECK(names(env) == "KNFE_NAMESPACE KNFE_FUNCTION KNFE_ROLE KNFE_MEMBER KNFE_ORDINAL KNFE_ADDRESS_CORE");
  spec.at("containers").as_array().front().as_object().erase("env");
  CHECK(canonical(spec) == R"({"containers":[{"image":"sip:1","name":"sip"}],"initContainers":[{"name":"own"}]})");
}

TEST_CASE_FIXTURE(Fixture, "the member's volumes are there to be mounted, beside the template's own") {
  give(R"({"volumes": [{"name": "own"}], "containers": [{"name": "sip"}]})");
  member.spec.volumes = {{"data", "Retain", {}}};
  CHECK(names(pick(spec(), "volumes")) == "own data knfe-run knfe-bin");
  CHECK(canonical(named(pick(spec(), "volumes"), "data")) ==
        R"({"name":"data","persistentVolumeClaim":{"claimName":"ims-sip-sprout-2-data"}})");
}

TEST_CASE_FIXTURE(Fixture, "a role that is spread is so beside what its template says") {
  CHECK(pick(spec(), "topologySpreadConstraints").is_null());
  give(R"({"topologySpreadConstraints": [{"topologyKey": "own"}], "containers": [{"name": "sip"}]})");
  member.spec.spread = api::Spread{"zone", "DoNotSchedule"};
  const Json constraints = pick(spec(), "topologySpreadConstraints");
  REQUIRE(as_array(constraints).size() == 2);
  CHECK(canonical(as_array(constraints)[1]) ==
        R"({"labelSelector":{"matchLabels":{"knfe.io/function":"ims-sip","knfe.io/role":"sprout"}},"maxSkew":1,)"
        R"("topologyKey":"zone","whenUnsatisfiable":"DoNotSchedule"})");
}

TEST_CASE_FIXTURE(Fixture, "what has another form than it should have stays, for the API server to refuse") {
  give(R"({"initContainers": {"a": 1}, "containers": [{"name": "sip", "env": {"A": "b"}, "lifecycle": "x"}]})");
  CHECK(canonical(pick(spec(), "initContainers")) == R"({"a":1})");
  CHECK(canonical(pick(container("sip"), "env")) == R"({"A":"b"})");
  CHECK(text(pick(container("sip"), "lifecycle")) == "x");
}

TEST_CASE_FIXTURE(Fixture, "a template that is no pod is left to the API server to refuse") {
  for (const char* nonsense :
       {"{}", "null", R"({"containers": []})", R"({"containers": "x"})", R"({"containers": [7]})",
        R"({"containers": [{"env": 7, "lifecycle": 7, "volumeMounts": 7}], "initContainers": 7, "volumes": 7})"}) {
    CAPTURE(nonsense);
    give(nonsense);
    CHECK(api::key_of(pod()) == member.meta.key);
  }
}

}  // namespace knfe::providers
