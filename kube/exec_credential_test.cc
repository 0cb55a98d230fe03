#include "kube/exec_credential.h"

#include <doctest/doctest.h>

#include <optional>

#include "test/fakes/time_test.h"

namespace knfe::kube {

using std::chrono::seconds;

namespace {

ExecPlugin shell(const std::string& script) {
  return {"/bin/sh", {"-c", script}, {{"ANSWER", "t0k"}}, "client.authentication.k8s.io/v1"};
}

Result<ExecCredential> run(const ExecPlugin& plugin) {
  net::Loop loop;
  std::optional<Result<ExecCredential>> result;
  const auto running = run_exec_plugin(loop, plugin, [&](Result<ExecCredential> credential) {
    result = std::move(credential);
    loop.stop();
  });
  loop.run();
  return *result;
}

}  // namespace

TEST_CASE("a token, and how long it is good for") {
  const auto read = [](const std::string& status) {
    return read_exec_credential(R"({"kind":"ExecCredential","status":{)" + status + "}}", 1'767'323'045);  // 2026-01-02T03:04:05Z
  };
  CHECK(read(R"("token":"a")")->token == "a");
  CHECK(read(R"("token":"a")")->good_for == Duration::max());
  CHECK(read(R"("token":"a","expirationTimestamp":"2026-01-02T03:05:05Z")")->good_for == seconds(50));
  CHECK(read(R"("token":"a","expirationTimestamp":"2026-01-02T03:05:05.5Z")")->good_for == seconds(50));
  CHECK(read(R"("token":"a","expirationTimestamp":"2020-01-02T03:05:05Z")")->good_for == seconds(0));
  CHECK(read(R"("token":"a","expirationTimestamp":"2026-01-02T03:05:05+00:00")")->good_for == seconds(50));
  CHECK(read(R"("token":"a","expirationTimestamp":"2026-01-02T05:35:05.25+02:30")")->good_for == seconds(50));
  CHECK(read(R"("token":"a","expirationTimestamp":"2026-01-01T22:05:05-05:00")")->good_for == seconds(50));
  for (const char* status :
       {"", R"("token":"a","expirationTimestamp":"soon")", R"("token":"a","expirationTimestamp":"2026-01-02T03:05:05")",
        R"("token":"a","expirationTimestamp":"2026-01-02T03:05:05+02")",
        R"("token":"a","expirationTimestamp":"2026-01-02T03:05:05Zulu")", R"("clientCertificateData":"c","clientKeyData":"k")"}) {
    CAPTURE(status);
    CHECK_FALSE(read(status));
  }
  CHECK_FALSE(read_exec_credential("secret", 0));
  CHECK(read_exec_credential("secret", 0).error().text().find("secret") == std::string::npos);
}

TEST_CASE("the command is told what is wanted, and its environment; what it says is the token") {
  const auto credential = run(shell(
      R"(case "$KUBERNETES_EXEC_INFO" in *client.authentication.k8s.io/v1*) echo "{\"kind\":\"ExecCredential\",\"status\":{\"token\":\"$ANSWER\"}}";; esac)"));
  REQUIRE(credential);
  CHECK(credential->token == "t0k");
}

TEST_CASE("a command that fails or is not there says so, by name") {
  const auto why = [](const ExecPlugin& plugin) {
    const auto credential = run(plugin);
    REQUIRE_FALSE(credential);
    return credential.error().text();
  };
  CHECK(why(shell("echo secret; exit 3")).starts_with("credential plugin /bin/sh: has failed"));
  CHECK(why({"/no/such", {}, {}, {}}).starts_with("credential plugin /no/such: cannot be started"));
}

TEST_CASE("a command that hangs is ended after twenty seconds, and the loop does not wait for it") {
  fakes::Time time;
  net::Loop loop;
  std::string why;
  const auto running = run_exec_plugin(loop, shell("exec sleep 600"), [&](const Result<ExecCredential>& credential) {
    why = credential ? "" : credential.error().text();
  });
  time.pass(loop, seconds(19));
  CHECK(why == "");
  time.pass(loop, seconds(2));
  CHECK(fakes::until(loop, [&] { return !why.empty(); }));
  CHECK(why == "credential plugin /bin/sh: did not end within 20 s and was killed");
}

}  // namespace knfe::kube
