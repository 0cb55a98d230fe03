#include "kube/exec_credential.h"

#include <doctest/doctest.h>

#include "kube/config.h"
#include "test/fakes/folder_test.h"
#include "test/fakes/time_test.h"

namespace knfe::kube {

using std::chrono::seconds;

namespace {

ExecPlugin shell(const std::string& script) {
  return {"/bin/sh", {"-c", script}, {{"ANSWER", "t0k"}}, "client.authentication.k8s.io/v1"};
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
  for (const char* status :
       {"", R"("token":"a","expirationTimestamp":"soon")", R"("clientCertificateData":"c","clientKeyData":"k")"}) {
    CAPTURE(status);
    CHECK_FALSE(read(status));
  }
  CHECK_FALSE(read_exec_credential("secret", 0));
  CHECK(read_exec_credential("secret", 0).error().text().find("secret") == std::string::npos);
}

TEST_CASE("the command is told what is wanted, and its environment; what it says is the token") {
  const auto credential = run_exec_plugin(shell(
      R"(case "$KUBERNETES_EXEC_INFO" in *client.authentication.k8s.io/v1*) echo "{\"kind\":\"ExecCredential\",\"status\":{\"token\":\"$ANSWER\"}}";; esac)"));
  REQUIRE(credential);
  CHECK(credential->token == "t0k");
}

TEST_CASE("a command that fails, hangs or is not there says so, by name") {
  const auto why = [](const ExecPlugin& plugin, Duration limit = seconds(60)) {
    const auto credential = run_exec_plugin(plugin, limit);
    REQUIRE_FALSE(credential);
    return credential.error().text();
  };
  CHECK(why(shell("exit 3")).starts_with("credential plugin /bin/sh: has failed"));
  CHECK(why(shell("exec sleep 60"), Duration(50)).starts_with("credential plugin /bin/sh: did not end in time"));
  CHECK(why(shell("exec >&-; exec sleep 60"), Duration(50)).starts_with("credential plugin /bin/sh: has failed"));
  CHECK(why({"/no/such", {}, {}, {}}).starts_with("/no/such: cannot be started"));
}

TEST_CASE("a token of a plugin is asked for again at its end, or when it is refused, and not before") {
  const fakes::Folder folder;
  Config config;
  // Writes one more letter into a file each time, and says them all.
  config.exec = shell("printf x >> " + folder.at("n") + R"(; echo "{\"kind\":\"ExecCredential\",\"status\":{\"token\":\"$(cat )" +
                      folder.at("n") + R"()\",\"expirationTimestamp\":\"$(date -u -d '+100 seconds' +%Y-%m-%dT%H:%M:%SZ)\"}}")");
  fakes::Time time;
  net::Loop loop;
  TokenSource source(config);
  CHECK(source.get() == "x");
  time.pass(loop, seconds(80));
  CHECK(source.get() == "x");
  CHECK(source.get(true) == "xx");
  time.pass(loop, seconds(95));
  CHECK(source.get() == "xxx");
}

}  // namespace knfe::kube
