#include "kube/watch.h"

#include <doctest/doctest.h>

#include "api/network.h"
#include "test/fakes/client_test.h"
#include "test/fakes/time_test.h"

namespace knfe::kube {

using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

std::string object(const std::string& name, const std::string& version) {
  return R"({"metadata":{"name":")" + name + R"(","namespace":"n","resourceVersion":")" + version + "\"}}";
}
std::string event(const std::string& type, const std::string& what) {
  return R"({"type":")" + type + R"(","object":)" + what + "}\n";
}
std::string added(const std::string& name, const std::string& version) { return event("ADDED", object(name, version)); }
std::string bookmark(const std::string& version) {
  return event("BOOKMARK", R"({"metadata":{"resourceVersion":")" + version + "\"}}");
}
std::string end_of_list(const std::string& version) {
  return event("BOOKMARK",
               R"({"metadata":{"resourceVersion":")" + version + R"(","annotations":{"k8s.io/initial-events-end":"true"}}})");
}
std::string error_event(int code, const std::string& reason) {
  return event("ERROR",
               R"({"kind":"Status","code":)" + std::to_string(code) + R"(,"reason":")" + reason + R"(","message":"said so"})");
}
std::string page(const std::string& items, const std::string& version, const std::string& next = "") {
  return R"({"metadata":{"resourceVersion":")" + version + R"(","continue":")" + next + R"("},"items":[)" + items + "]}";
}

struct Fixture {
  fakes::Time time;
  net::Loop loop;
  fakes::FakeClient server;
  ApiClient api{server, Config{}};
  std::string
      told;  // +name@version put, -name@version removed, =[names]@version synced, ^version progress, << rewound, ? unserved
  std::optional<Watch> watch;

  Fixture() {
    const auto text = [](const Json& json) {
      return std::string(as_string(at(json, "metadata", "name"))) + "@" +
             std::string(as_string(at(json, "metadata", "resourceVersion"))) + " ";
    };
    watch.emplace(loop, api, api::Network::resource, Scope{},
                  WatchEvents{[=, this](const Json& json) { told += "+" + text(json); },
                              [=, this](const Json& json) { told += "-" + text(json); },
                              [this](const Listed& known, const std::string& version) {
                                std::string names;
                                for (const char* name : {"a", "b", "c", "d", "e"}) {
                                  if (known.contains({"n", name})) names += (names.empty() ? "" : ",") + std::string(name);
                                }
                                told += "=[" + names + "]@" + version + " ";
                              },
                              [this](const std::string& version) { told += "^" + version + " "; }, [this] { told += "<< "; },
                              [this] { told += "? "; }});
  }
  std::string take() { return std::exchange(told, {}); }
  bool asks_list() const { return server.only().request.target.find("sendInitialEvents=true") != std::string::npos; }
  bool asks_pages() const { return !server.only().is_stream; }
  bool asks_from(const std::string& version) const {
    return server.only().request.target.find("&resourceVersion=" + version) != std::string::npos;
  }
  bool quiet() const { return server.waiting().empty(); }
  void say(const std::string& lines) { server.only().data(lines); }
  // A watch that has gone well for a while.
  void watching(const std::string& version = "10") {
    watch->start();
    server.only().head(200);
    say(added("a", "4") + added("b", "5") + end_of_list(version));
    time.pass(loop, seconds(2));
    take();
  }
  // After the line broke: it is the server that it was.
  void answers_with_version(const std::string& version) {
    CHECK(server.only().request.target.find("limit=1") != std::string::npos);
    server.only().answer(200, page(object("any", "1"), version));
  }
  void reconnected() {
    server.only().head(200);
    take();
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a streamed list is complete with its bookmark, and not before") {
  watch->start();
  CHECK(asks_list());
  server.only().head(200);
  say(added("a", "4") + added("b", "5"));
  CHECK(take() == "+a@4 +b@5 ");
  say(bookmark("6"));  // an ordinary one in between says nothing about completeness
  CHECK(take().empty());
  say(end_of_list("7"));
  CHECK(take() == "=[a,b]@7 ^7 ");
  say(event("MODIFIED", object("a", "8")) + event("DELETED", object("b", "9")) + bookmark("12"));
  CHECK(take() == "+a@8 ^8 -b@9 ^9 ^12 ");
  CHECK(watch->restarts() == 1);
}

TEST_CASE_FIXTURE(Fixture, "a server that cannot stream lists is read in pages, for good") {
  for (const int status : {400, 422}) {
    CAPTURE(status);
    fakes::FakeClient other;
    ApiClient client(other, Config{});
    std::string seen;
    Watch paged(
        loop, client, api::Network::resource, Scope{},
        {[&](const Json& json) { seen += std::string(as_string(at(json, "metadata", "name"))) + " "; }, [](const Json&) {},
         [&](const Listed& known, const std::string& version) { seen += std::to_string(known.size()) + "@" + version + " "; },
         [](const std::string&) {}});
    paged.start();
    other.only().head(status);
    other.only().data(R"({"kind":"Status","message":"sendInitialEvents is forbidden","code":)" + std::to_string(status) + "}");
    other.only().end();
    CHECK_FALSE(other.only().is_stream);
    CHECK(other.only().request.target.find("limit=500") != std::string::npos);
    other.only().answer(200, page(object("a", "1") + "," + object("b", "2"), "20", "more"));
    CHECK(other.only().request.target.find("continue=more") != std::string::npos);
    CHECK(seen == "a b ");
    other.only().answer(200, page(object("c", "3"), "21"));
    CHECK(seen == "a b c 3@21 ");
    CHECK(other.only().is_stream);
    CHECK(other.only().request.target.find("&resourceVersion=21") != std::string::npos);
    // It is not asked again for what it cannot do.
    other.only().head(410);
    other.only().end();
    time.pass(loop, seconds(1));
    CHECK_FALSE(other.only().is_stream);
  }
}

TEST_CASE_FIXTURE(Fixture, "a page that fails starts the list anew, and takes nothing away") {
  watch->start();
  server.only().head(400);
  server.only().end();
  server.only().answer(200, page(object("a", "1"), "20", "more"));
  server.only().answer(410, R"({"kind":"Status","code":410,"reason":"Expired"})");
  CHECK(take() == "+a@1 ");
  time.pass(loop, seconds(1));
  CHECK(asks_pages());
  CHECK(server.only().request.target.find("continue") == std::string::npos);
  server.only().answer(200, page(object("b", "2"), "30"));
  CHECK(take() == "+b@2 =[b]@30 ^30 ");
}

TEST_CASE_FIXTURE(Fixture, "a server that ends a watch in time is asked again at once, from the last version seen") {
  watching();
  say(bookmark("17"));
  server.only().end();
  CHECK(asks_from("17"));
  CHECK(watch->restarts() == 1);
}

TEST_CASE_FIXTURE(Fixture, "a broken line goes on from the last version, after a wait") {
  watching();
  say(added("c", "11"));
  server.only().end(fail(Code::kUnavailable, "connection reset"));
  CHECK(quiet());
  time.pass(loop, milliseconds(90));
  CHECK(quiet());
  time.pass(loop, milliseconds(120));
  answers_with_version("11");
  CHECK(asks_from("11"));
  CHECK(watch->restarts() == 1);
}

TEST_CASE_FIXTURE(Fixture, "a server whose version is lower was restored from a backup: all is listed anew") {
  watching("100");
  SUBCASE("the line broke") { server.only().end(fail(Code::kUnavailable, "connection reset")); }
  SUBCASE("it ended watches properly, and was away for a while") {
    server.only().end();
    server.only().end(fail(Code::kUnavailable, "connection refused"));
  }
  SUBCASE("somebody in between said so") {
    server.only().end();
    server.only().head(502);
    server.only().end();
  }
  time.pass(loop, milliseconds(210));
  answers_with_version("99");
  CHECK(take() == "<< ");
  CHECK(asks_list());
  server.only().head(200);
  say(added("a", "4") + end_of_list("99"));
  CHECK(take() == "+a@4 =[a]@99 ^99 ");
}

TEST_CASE_FIXTURE(Fixture, "nobody watches a server that does not say how far it is") {
  watching();
  server.only().end(fail(Code::kUnavailable, "reset"));
  time.pass(loop, seconds(1));
  server.only().answer(fail(Code::kTimeout, "no answer"));
  time.pass(loop, seconds(1));
  answers_with_version("10");
  CHECK(asks_from("10"));
}

TEST_CASE_FIXTURE(Fixture, "a server that ends watches at once is not asked without end") {
  watching();
  int asked = 0;
  for (const auto end = boot_now() + seconds(60); boot_now() < end;) {
    if (!quiet()) {
      ++asked;
      server.only().head(200);
      server.only().end();
    }
    time.pass(loop, milliseconds(100));
  }
  CHECK(asked > 4);
  CHECK(asked < 14);
  // One that lasts makes it forget that.
  time.pass(loop, seconds(31));
  server.only().head(200);
  time.pass(loop, seconds(2));
  server.only().end(fail(Code::kUnavailable, "gone"));
  time.pass(loop, milliseconds(210));
  CHECK_FALSE(quiet());
}

TEST_CASE_FIXTURE(Fixture, "a version that is too old makes it list anew, and only then is what went meanwhile gone") {
  SUBCASE("said by the answer") {
    watching();
    server.only().end();
    server.only().head(410);
    server.only().end();
  }
  SUBCASE("said by an event") {
    watching();
    say(error_event(410, "Expired") + added("ignored", "99"));
  }
  time.pass(loop, milliseconds(50));
  CHECK(asks_list());
  CHECK(take().empty());  // nothing was taken away
  server.only().head(200);
  say(added("b", "5") + added("c", "30"));
  CHECK(take() == "+b@5 +c@30 ");
  say(end_of_list("31"));
  CHECK(take() == "=[b,c]@31 ^31 ");
  CHECK(watch->restarts() == 2);
}

TEST_CASE_FIXTURE(Fixture, "any other error event goes on from the last version") {
  watching();
  say(added("c", "12") + error_event(500, "InternalError"));
  time.pass(loop, seconds(1));
  CHECK(asks_from("12"));
  reconnected();
  say(R"({"type":"SURPRISE","object":{"metadata":{"resourceVersion":"99"}}})"
      "\n");
  time.pass(loop, seconds(1));
  CHECK(asks_from("12"));
  CHECK(take().empty());
}

TEST_CASE_FIXTURE(Fixture, "a line that is no JSON may have been an event: it is asked for again") {
  watching();
  say(added("c", "12"));
  take();
  say("{\"type\":\"ADDED\",\n" + added("e", "14"));
  CHECK(take().empty());
  time.pass(loop, seconds(1));
  CHECK(asks_from("12"));
  reconnected();
  say(added("d", "13") + added("e", "14"));
  CHECK(take() == "+d@13 ^13 +e@14 ^14 ");
}

TEST_CASE_FIXTURE(Fixture, "what is no JSON twice may be an event that is told once: it is looked for in a list") {
  watching();
  say("garbage\n");
  time.pass(loop, seconds(2));
  CHECK(asks_from("10"));
  reconnected();
  say("garbage\n" + added("d", "12"));
  CHECK(take().empty());
  time.pass(loop, seconds(2));
  CHECK(asks_list());
  server.only().head(200);
  say(added("c", "11") + added("d", "12") + end_of_list("12"));
  CHECK(take() == "+c@11 +d@12 =[c,d]@12 ^12 ");
}

TEST_CASE_FIXTURE(Fixture, "a list with what is no JSON is read twice, and then taken as it is") {
  watch->start();
  for (int i = 0; i < 2; ++i) {
    server.only().head(200);
    say(added("a", "4") + "garbage\n" + added("b", "5") + end_of_list("10"));
    CHECK(take() == (i == 0 ? "+a@4 " : "+a@4 +b@5 =[a,b]@10 ^10 "));
    time.pass(loop, seconds(1));
  }
}

TEST_CASE_FIXTURE(Fixture, "events may arrive in any pieces") {
  watching();
  const std::string lines = added("c", "12") + event("DELETED", object("b", "13")) + bookmark("14");
  for (std::size_t cut = 0; cut <= lines.size(); ++cut) {
    say(lines.substr(0, cut));
    say(lines.substr(cut));
    REQUIRE(take() == "+c@12 ^12 -b@13 ^13 ^14 ");
  }
  for (const char byte : lines) say(std::string(1, byte));
  CHECK(take() == "+c@12 ^12 -b@13 ^13 ^14 ");
}

TEST_CASE_FIXTURE(Fixture, "half an event does not survive its connection") {
  watching();
  say(added("c", "12").substr(0, 20));
  server.only().end(fail(Code::kUnavailable, "reset"));
  time.pass(loop, seconds(1));
  answers_with_version("10");
  reconnected();
  say(added("d", "13"));
  CHECK(take() == "+d@13 ^13 ");
}

TEST_CASE_FIXTURE(Fixture, "an event without end is given up") {
  watching();
  const std::string piece(1 << 20, 'x');
  for (int i = 0; i < 33; ++i) say(piece);
  say("\n" + added("c", "12"));
  CHECK(take().empty());
  time.pass(loop, seconds(1));
  CHECK(asks_from("10"));
}

TEST_CASE_FIXTURE(Fixture, "a list that breaks off starts anew, and what it told is not taken for all") {
  watch->start();
  server.only().head(200);
  say(added("a", "4"));
  server.only().end(fail(Code::kUnavailable, "reset"));
  time.pass(loop, seconds(1));
  CHECK(asks_list());
  server.only().head(200);
  say(added("b", "5") + end_of_list("6"));
  CHECK(take() == "+a@4 +b@5 =[b]@6 ^6 ");
}

TEST_CASE_FIXTURE(Fixture, "a server that ends a list properly before it is complete is asked for a list again") {
  watch->start();
  server.only().head(200);
  time.pass(loop, seconds(2));
  say(added("a", "4"));
  server.only().end();
  CHECK(asks_list());
}

TEST_CASE_FIXTURE(Fixture, "what the server asks to wait is kept to") {
  watch->start();
  server.only().head(429, {{"Retry-After", "5"}});
  server.only().end();
  time.pass(loop, milliseconds(4900));
  CHECK(quiet());
  time.pass(loop, milliseconds(350));
  CHECK(asks_list());
}

TEST_CASE_FIXTURE(Fixture, "what the server asks to wait is no reason to wait any longer, however often it asks") {
  watch->start();
  for (int i = 0; i < 20; ++i) {
    server.only().head(503, {{"Retry-After", "1"}});
    server.only().end();
    time.pass(loop, milliseconds(999));
    CHECK(quiet());
    time.pass(loop, milliseconds(250));
    CHECK(asks_list());
  }
}

TEST_CASE_FIXTURE(Fixture, "missing rights are no reason to think that nothing is there") {
  watch->start();
  server.only().head(403);
  server.only().data(R"({"kind":"Status","code":403,"message":"no"})");
  server.only().end();
  CHECK(take().empty());
  time.pass(loop, seconds(1));
  CHECK(asks_list());
}

TEST_CASE_FIXTURE(Fixture, "a kind that is not served has no objects, and nobody waits for it") {
  watch->start();
  server.only().head(404);
  server.only().end();
  CHECK(take() == "? ");
  server.only().answer(404, "404 page not found");
  take();
  time.pass(loop, seconds(1));
  CHECK(asks_list());  // it may come
}

TEST_CASE_FIXTURE(Fixture, "a kind that vanishes is said not to be served, and is listed anew when it comes back") {
  watching();
  CHECK(watch->served());
  time.pass(loop, seconds(2));
  server.only().end();
  time.pass(loop, milliseconds(10));
  server.only().head(404);
  server.only().end();
  CHECK_FALSE(watch->served());
  take();
  CHECK(server.only().request.target == "/apis");
  SUBCASE("and its objects are gone where the group knows no other version of it") {
    SUBCASE("") {
      server.only().answer(200, R"({"groups":[{"name":"knfe.io","versions":[{"version":"v1alpha1"}]}]})");
      server.only().answer(200, R"({"resources":[{"name":"members"}]})");
    }
    SUBCASE("") { server.only().answer(200, R"({"groups":[{"name":"apps","versions":[{"version":"v1"}]}]})"); }
    CHECK(take() == "<< =[]@18446744073709551615 ^0 ");
  }
  SUBCASE("and its objects stay where it is served as another version") {
    server.only().answer(200, R"({"groups":[{"name":"knfe.io","versions":[{"version":"v1alpha1"},{"version":"v1"}]}]})");
    server.only().answer(200, R"({"resources":[{"name":"networks"}]})");
    CHECK(take() == "");
  }
  SUBCASE("and its objects stay while nobody can say") {
    SUBCASE("") { server.only().answer(500); }
    SUBCASE("") { server.only().answer(404, "404 page not found"); }
    SUBCASE("") { server.only().answer(200, "{}"); }
    CHECK(take() == "");
  }
  time.pass(loop, seconds(1));
  CHECK(asks_list());
  server.only().head(404);
  server.only().end();
  time.pass(loop, seconds(2));
  server.only().head(200);
  take();
  say(end_of_list("70"));
  CHECK(watch->served());
  CHECK(take() == "=[]@70 ^70 ");
}

TEST_CASE_FIXTURE(Fixture, "a list that is behind what was seen is not believed, but the one that follows is") {
  watching("50");
  watch->resync();
  time.pass(loop, milliseconds(10));
  server.only().head(200);
  take();
  say(added("a", "7") + end_of_list("8"));
  time.pass(loop, milliseconds(10));
  CHECK(take() == "+a@7 << ");
  CHECK(asks_list());
  server.only().head(200);
  say(added("a", "7") + end_of_list("8"));
  CHECK(take() == "+a@7 =[a]@8 ^8 ");
}

TEST_CASE_FIXTURE(Fixture, "a long watch without a bookmark is one from a version that may be yet to come") {
  watching();
  time.pass(loop, seconds(300));
  server.only().end();
  time.pass(loop, milliseconds(10));
  CHECK(asks_pages());  // one object, for the version
  server.only().answer(200, R"({"metadata":{"resourceVersion":"10"},"items":[]})");
  CHECK(asks_from("10"));
}

TEST_CASE_FIXTURE(Fixture, "when what is known is in doubt, all is listed again") {
  watching();
  watch->resync();
  time.pass(loop, milliseconds(10));
  CHECK(asks_list());
  CHECK(server.all.size() == 2);
  CHECK(take().empty());
  SUBCASE("but a list that is under way is let end") {
    server.only().head(200);
    say(added("a", "40"));
    watch->resync();
    time.pass(loop, seconds(10));
    CHECK(server.all.size() == 2);
    take();
    say(added("b", "41") + end_of_list("42"));
    CHECK(take() == "+b@41 =[a,b]@42 ^42 ");
  }
  SUBCASE("and one that is to come again later does so when it was to") {
    server.only().head(503, {{"Retry-After", "5"}});
    server.only().end();
    watch->resync();
    time.pass(loop, milliseconds(4900));
    CHECK(server.all.size() == 2);
    time.pass(loop, milliseconds(400));
    CHECK(asks_list());
    CHECK(server.all.size() == 3);
  }
}

TEST_CASE_FIXTURE(Fixture, "a watch that is gone is told nothing any more") {
  watching();
  const auto stream = server.waiting().front();
  watch.reset();
  CHECK(quiet());
  stream->data(added("c", "12"));
  time.pass(loop, seconds(1));
  CHECK(take().empty());
}

}  // namespace knfe::kube
