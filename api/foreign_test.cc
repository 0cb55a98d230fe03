#include "api/foreign.h"

#include <doctest/doctest.h>

#include "test/fakes/json_test.h"

namespace knfe::api {

using fakes::json;

namespace {

Pod pod(const std::string& status) {
  auto decoded = decode_pod(
      json(R"({"metadata": {"name": "p", "namespace": "n", "uid": "u", "resourceVersion": "1"}, "status": )" + status + "}"));
  REQUIRE(decoded);
  return *decoded;
}

}  // namespace

TEST_CASE("a pod is ready when its condition says so, and not by its phase") {
  CHECK(pod(R"({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]})").ready);
  CHECK_FALSE(pod(R"({"phase": "Running", "conditions": [{"type": "Ready", "status": "False"}]})").ready);
  CHECK_FALSE(pod(R"({"phase": "Running", "conditions": [{"type": "ContainersReady", "status": "True"}]})").ready);
  CHECK(pod(R"({"phase": "Failed"})").phase == "Failed");
  CHECK_FALSE(pod("null").ready);
}

TEST_CASE("why a pod does not run is what kubelet says of the first container that waits") {
  CHECK(
      pod(R"({"containerStatuses": [{"name": "a", "state": {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}}]})")
          .trouble == "container a: ImagePullBackOff: no such image");
  CHECK(
      pod(R"({"containerStatuses": [{"name": "a", "state": {"running": {}}}, {"name": "b", "state": {"waiting": {"reason": "CrashLoopBackOff"}}}]})")
          .trouble == "container b: CrashLoopBackOff");
  CHECK(pod(R"({"initContainerStatuses": [{"name": "i", "image": "x:1", "state": {"waiting": {"reason": "ErrImagePull"}}}],
                "containerStatuses": [{"name": "a", "state": {"waiting": {"reason": "CrashLoopBackOff"}}}]})")
            .trouble == "container i (image x:1): ErrImagePull");
}

TEST_CASE("how a container ended that is not ready again is told, and how often it was started anew") {
  const auto of = [](const std::string& container) {
    return pod(R"({"containerStatuses": [{"name": "a", )" + container + "}]}").trouble;
  };
  CHECK(of(R"("state": {"terminated": {"exitCode": 3, "reason": "Error"}})") == "container a ended with exit code 3");
  CHECK(
      of(R"("state": {"running": {}}, "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}, "restartCount": 2)") ==
      "container a runs, but is not ready; it last ended with exit code 137 (OOMKilled), restarts: 2");
  CHECK(
      of(R"("state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": {"terminated": {"exitCode": 1}}, "restartCount": 4)") ==
      "container a: CrashLoopBackOff; it ended with exit code 1, restarts: 4");
  CHECK(of(R"("ready": true, "state": {"running": {}}, "lastState": {"terminated": {"exitCode": 1}}, "restartCount": 1)") == "");
  CHECK(pod(R"({"initContainerStatuses": [{"name": "i", "ready": true, "state": {"terminated": {"exitCode": 0}}}]})").trouble ==
        "");
}

TEST_CASE("what kubelet tries with longer and longer pauses waits for somebody to act") {
  const auto stuck = [](const std::string& reason) {
    return pod(R"({"containerStatuses": [{"name": "a", "state": {"waiting": {"reason": ")" + reason + "\"}}}]}").stuck;
  };
  for (const char* reason : {"ImagePullBackOff", "CrashLoopBackOff", "CreateContainerConfigError", "InvalidImageName"})
    CHECK(stuck(reason));
  for (const char* reason : {"ErrImagePull", "ContainerCreating"}) CHECK_FALSE(stuck(reason));
}

TEST_CASE("a pod that is merely starting is in no trouble") {
  CHECK(pod(R"({"containerStatuses": [{"name": "a", "state": {"waiting": {"reason": "PodInitializing"}}},
                                      {"name": "b", "state": {"waiting": {"reason": "ContainerCreating"}}}]})")
            .trouble.empty());
}

TEST_CASE("why a pod is nowhere is what the scheduler says") {
  const char* status = R"({"conditions": [{"type": "PodScheduled", "status": "False", "message": "0/3 nodes are available"}]})";
  CHECK(pod(status).trouble == "0/3 nodes are available");
  CHECK(pod(R"({"conditions": [{"type": "PodScheduled", "status": "True", "message": "x"}]})").trouble.empty());
}

TEST_CASE("what others write is cut to a length that fits into a condition") {
  const std::string long_message(100'000, 'x');
  CHECK(pod(R"({"containerStatuses": [{"name": "a", "state": {"waiting": {"reason": "R", "message": ")" + long_message +
            R"("}}}]})")
            .trouble.size() < 600);
  CHECK(pod(R"({"conditions": [{"type": "PodScheduled", "status": "False", "message": ")" + long_message + R"("}]})")
            .trouble.size() <= 300);
}

TEST_CASE("statuses of any shape are read without harm") {
  for (const char* status : {"[]", "3", R"({"conditions": {}, "containerStatuses": 1})",
                             R"({"conditions": [null, 3, []], "phase": 4})", R"({"containerStatuses": [{"state": []}, "x"]})"}) {
    CHECK(pod(status).trouble.empty());
  }
}

TEST_CASE("a ConfigMap is read with its data") {
  const auto map = decode_config_map(json(R"({"metadata": {"name": "m", "resourceVersion": "1"}, "data": {"a": "b"}})"));
  REQUIRE(map);
  CHECK(map->data.at("a") == "b");
  CHECK(decode_config_map(json(R"({"metadata": {"name": "m", "resourceVersion": "1"}, "data": {"a": 1}})")).error().where ==
        "/data/a");
  CHECK(decode_config_map(json(R"({"metadata": {"name": "m", "resourceVersion": "1"}, "data": {}})"))->data.empty());
}

TEST_CASE("why a virtual machine does not run is KubeVirt's word, and whether somebody has to act") {
  const auto machine = [](const std::string& status) {
    auto decoded = decode_virtual_machine(
        json(R"({"metadata": {"name": "m", "namespace": "n", "uid": "u", "resourceVersion": "1"}, "status": )" + status + "}"));
    REQUIRE(decoded);
    return *decoded;
  };
  CHECK(machine(R"({"printableStatus": "Running"})").trouble.empty());
  CHECK(machine(R"({"printableStatus": "Starting", "conditions": [{"type": "Ready", "status": "False", "message": "not yet"}]})")
            .trouble.empty());
  const auto pulling = machine(
      R"({"printableStatus": "ErrImagePull", "conditions": [{"type": "Ready", "status": "False", "message": "no such image"}]})");
  CHECK(pulling.trouble == "ErrImagePull: no such image");
  CHECK(pulling.stuck);
  CHECK_FALSE(machine(R"({"printableStatus": "ErrorUnschedulable"})").stuck);
  const auto refused =
      machine(R"({"printableStatus": "Stopped", "conditions": [{"type": "Failure", "status": "True", "message": "no quota"}]})");
  CHECK(refused.trouble == "no quota");
  CHECK(refused.stuck);
}

TEST_CASE("an instance is ready and paused as its conditions say") {
  const auto instance = [](const std::string& status) {
    auto decoded = decode_virtual_machine_instance(
        json(R"({"metadata": {"name": "m", "namespace": "n", "uid": "u", "resourceVersion": "1"}, "status": )" + status + "}"));
    REQUIRE(decoded);
    return *decoded;
  };
  const auto runs = instance(
      R"({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}, {"type": "Paused", "status": "True"}]})");
  CHECK(runs.phase == "Running");
  CHECK(runs.ready);
  CHECK(runs.paused);
  const auto probed =
      instance(R"({"phase": "Running", "conditions": [{"type": "Ready", "status": "False", "message": "probe failed"}]})");
  CHECK_FALSE(probed.ready);
  CHECK(probed.trouble == "probe failed");
  CHECK_FALSE(instance("null").ready);
}

}  // namespace knfe::api
