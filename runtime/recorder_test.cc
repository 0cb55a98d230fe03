#include "runtime/recorder.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include "kube/credential_file.h"
#include "test/fakes/client_test.h"
#include "test/fakes/folder_test.h"
#include "test/fakes/time_test.h"

namespace knfe::runtime {

namespace {

struct Fixture {
  fakes::Time time;
  fakes::Folder folder;
  fakes::FakeClient server;
  const std::string file = folder.path() + "/recording";
  std::vector<net::Handle> handles;

  std::string text() { return *kube::read_credential_file(file); }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "what is asked and told is there, in its order; credentials are not, and others may not read it") {
  auto recorder = Recorder::open(file, {{"name", "x"}}, server);
  REQUIRE(recorder);
  const auto ask = [&](net::Request request) { handles.push_back((*recorder)->send(std::move(request), [](const auto&) {})); };
  ask({"PATCH", "/apis/x/things/a?b=c", {{"Authorization", "Bearer hidden"}}, "body"});
  server.waiting().front()->answer(429, "wait", {{"Retry-After", "7"}, {"Set-Cookie", "hidden"}});
  ask({"GET", "/api/v1/namespaces/n/secrets/s", {}, {}});
  server.waiting().front()->answer(200, "hidden");
  ask({"POST", "/api/v1/namespaces/n/serviceaccounts/a/token", {}, "hidden"});
  server.waiting().front()->answer(std::unexpected(Error{Code::kTimeout, "no answer", {}, {}, 0}));
  handles.push_back((*recorder)->stream({"GET", "/api/v1/pods?watch=1", {}, {}}, {}));
  server.only().head(200);
  server.only().data("piece\n");
  server.only().end();
  const std::string said = text();
  CHECK(said.find("hidden") == std::string::npos);
  const std::string lines = said.substr(said.find('\n') + 1);
  CHECK(lines ==
        R"({"t":0,"n":1,"ask":"PATCH","target":"/apis/x/things/a?b=c","body":"body"}
{"t":0,"n":1,"answer":429,"body":"wait","retryAfter":"7"}
{"t":0,"n":2,"ask":"GET","target":"/api/v1/namespaces/n/secrets/s"}
{"t":0,"n":2,"answer":200,"body":""}
{"t":0,"n":3,"ask":"POST","target":"/api/v1/namespaces/n/serviceaccounts/a/token"}
{"t":0,"n":3,"failed":"Timeout","message":"no answer"}
{"t":0,"n":4,"ask":"GET","target":"/api/v1/pods?watch=1"}
{"t":0,"n":4,"head":200}
{"t":0,"n":4,"data":"piece\n"}
{"t":0,"n":4,"end":true}
)");
  struct stat of{};
  REQUIRE(::stat(file.c_str(), &of) == 0);
  CHECK((of.st_mode & 0777) == 0600);
}

TEST_CASE_FIXTURE(Fixture, "a recording is never larger than it may be, and never ends within a line") {
  auto recorder = Recorder::open(file, {{"name", "x"}}, server, 1000);
  REQUIRE(recorder);
  for (int i = 0; i < 100; ++i) handles.push_back((*recorder)->send({"GET", "/api/v1/pods", {}, {}}, [](const auto&) {}));
  const std::string said = text();
  CHECK(said.size() <= 1000);
  CHECK(said.ends_with("}\n"));
}

TEST_CASE_FIXTURE(Fixture, "where nothing can be written, that is said before anything starts") {
  const auto recorder = Recorder::open(folder.path() + "/no/such", {}, server);
  REQUIRE_FALSE(recorder);
  CHECK(recorder.error().hint.find("--record") != std::string::npos);
}

}  // namespace knfe::runtime
