#include "kube/informer.h"

#include <doctest/doctest.h>

#include "api/foreign.h"
#include "test/fakes/client_test.h"
#include "test/fakes/json_test.h"
#include "test/fakes/time_test.h"

namespace knfe::kube {

namespace {

std::string event(const std::string& type, const std::string& name, const std::string& version, const std::string& data) {
  return R"({"type":")" + type + R"(","object":{"metadata":{"name":")" + name + R"(","namespace":"n","resourceVersion":")" +
         version + R"("},"data":)" + data + "}}\n";
}
std::string end_of_list(const std::string& version) {
  return R"({"type":"BOOKMARK","object":{"metadata":{"resourceVersion":")" + version +
         R"(","annotations":{"k8s.io/initial-events-end":"true"}}}})"
         "\n";
}

struct Fixture {
  fakes::Time time;
  net::Loop loop;
  fakes::FakeClient server;
  ApiClient api{server, Config{}};
  Cache<api::ConfigMap> cache;
  Informer<api::ConfigMap> informer{loop, api, Scope{"n", "l=v", ""}, cache, api::decode_config_map};

  Fixture() {
    informer.start();
    server.only().head(200);
  }
  bool has(const std::string& name) const { return cache.get({"n", name}) != nullptr; }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a cache is synced when the list is complete, and follows from then on") {
  server.only().data(event("ADDED", "a", "1", "{}"));
  CHECK(has("a"));
  CHECK_FALSE(cache.synced());
  server.only().data(end_of_list("5"));
  CHECK(cache.synced());
  CHECK(cache.reached("5"));
  server.only().data(event("DELETED", "a", "6", "{}"));
  CHECK_FALSE(has("a"));
  CHECK(cache.reached("6"));
}

TEST_CASE_FIXTURE(Fixture, "a deletion that nobody told of is seen by the next list") {
  server.only().data(event("ADDED", "a", "1", "{}") + event("ADDED", "b", "2", "{}") + end_of_list("5"));
  informer.resync();
  time.pass(loop, Duration(10));
  server.only().head(200);
  server.only().data(event("ADDED", "b", "2", "{}"));
  CHECK(has("a"));
  server.only().data(end_of_list("9"));
  CHECK_FALSE(has("a"));
  CHECK(has("b"));
  CHECK(informer.lists() == 2);
}

TEST_CASE_FIXTURE(Fixture, "after a restore, that a kind is not served for a moment takes nothing away") {
  server.only().data(event("ADDED", "a", "7", "{}") + end_of_list("9"));
  server.only().end(fail(Code::kUnavailable, "broken off"));
  time.pass(loop, Duration(1'000));
  server.only().answer(200, R"({"metadata":{"resourceVersion":"3"},"items":[]})");  // restored from a backup
  time.pass(loop, Duration(10));
  server.only().head(404);
  server.only().end();
  CHECK(has("a"));
  CHECK(cache.rewinds() == 0);
  server.only().answer(404, "404 page not found");  // nor does discovery know
  CHECK(has("a"));
  time.pass(loop, Duration(2'000));
  server.only().head(200);
  server.only().data(event("ADDED", "b", "2", "{}") + end_of_list("3"));
  CHECK_FALSE(has("a"));
  CHECK(has("b"));
  CHECK(cache.rewinds() == 1);
}

TEST_CASE_FIXTURE(Fixture, "an object that cannot be read is left out, and the others are not") {
  server.only().data(event("ADDED", "bad", "1", "{\"x\":1}") + event("ADDED", "good", "2", "{}") + end_of_list("5"));
  CHECK(cache.synced());
  CHECK_FALSE(has("bad"));
  CHECK(has("good"));
  // One that was readable before stays as it was: it is not gone.
  server.only().data(event("MODIFIED", "good", "6", "[]"));
  CHECK(cache.get({"n", "good"})->meta.resource_version == "2");
}

TEST_CASE_FIXTURE(Fixture, "what was read live is there before the watch tells of it") {
  server.only().data(end_of_list("5"));
  informer.ingest(fakes::json(R"({"metadata":{"name":"a","namespace":"n","resourceVersion":"7","labels":{"l":"v"}}})"));
  CHECK(has("a"));
  CHECK_FALSE(cache.reached("7"));
}

TEST_CASE_FIXTURE(Fixture, "what was read live, but is none of the watch's, is not kept: nobody would tell when it goes") {
  server.only().data(end_of_list("5"));
  informer.ingest(fakes::json(R"({"metadata":{"name":"a","namespace":"n","resourceVersion":"7"}})"));
  informer.ingest(fakes::json(R"({"metadata":{"name":"b","namespace":"other","resourceVersion":"7","labels":{"l":"v"}}})"));
  CHECK(cache.size() == 0);
}

}  // namespace knfe::kube
