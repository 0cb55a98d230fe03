#include "runtime/recorder.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

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

TEST_CASE_FIXTURE(Fixture, "a piece that ends within a character is heard as it came, and each line is text") {
  auto recorder = Recorder::open(file, {}, server);
  REQUIRE(recorder);
  std::string heard;
  handles.push_back((*recorder)->stream({}, {{}, [&](std::string_view piece) { heard.append(piece).append("|"); }, {}}));
  server.only().data("a\xe2");
  server.only().data("\x82");
  server.only().data(
      "\xac"
      "b");
  server.only().data("no\xff text");
  server.only().data("\xe2");
  server.only().end();
  CHECK(heard ==
        "a\xe2|\x82|\xac"
        "b|no\xff text|\xe2|");
  std::string told;
  const std::string said = text();
  for (std::size_t begin = 0, end; (end = said.find('\n', begin)) != said.npos; begin = end + 1) {
    const auto line = parse_json(std::string_view(said).substr(begin, end - begin));
    REQUIRE(line);
    if (const auto data = as_string(at(*line, "data")); !data.empty()) told.append(data).append("|");
  }
  CHECK(told ==
        "a|\xe2\x82\xac"
        "b|no\xef\xbf\xbd text|\xef\xbf\xbd|");
}

TEST_CASE_FIXTURE(Fixture, "a file that others can read, a link, or what is no file is not written to; one's own is replaced") {
  const auto refused = [&](const std::string& what) {
    CAPTURE(what);
    const auto recorder = Recorder::open(file, {}, server);
    CHECK_FALSE(recorder);
    CHECK(::unlink(file.c_str()) == 0);
  };
  folder.write("other", "precious");
  REQUIRE(::chmod(folder.at("other").c_str(), 0600) == 0);
  REQUIRE(::symlink(folder.at("other").c_str(), file.c_str()) == 0);
  refused("a link");
  REQUIRE(::link(folder.at("other").c_str(), file.c_str()) == 0);
  refused("another name of a file");
  CHECK(folder.read("other") == "precious");
  folder.write("recording", "old");
  REQUIRE(::chmod(file.c_str(), 0640) == 0);
  refused("one that a group reads");
  REQUIRE(::mkfifo(file.c_str(), 0600) == 0);
  refused("a pipe");
  folder.write("recording", "old and longer than the first line of a new one, which is what makes this a test of that, too");
  REQUIRE(::chmod(file.c_str(), 0600) == 0);
  CHECK(Recorder::open(file, {}, server));
  CHECK(text().find("old") == std::string::npos);
}

}  // namespace knfe::runtime
