#include "kube/discovery.h"

#include <doctest/doctest.h>

#include "api/network.h"
#include "test/fakes/client_test.h"

namespace knfe::kube {

namespace {

struct Fixture {
  fakes::FakeClient server;
  ApiClient api{server, Config{}};
  std::string told;
  net::Handle call = ask(api::Network::resource);

  net::Handle ask(const api::Resource& resource) {
    return ask_whether_vanished(api, resource, [this](const Result<void>& vanished) {
      told += vanished ? "vanished" : "unknown: " + vanished.error().text();
    });
  }
  static std::string groups(const std::string& versions) {
    return R"({"groups":[{"name":"apps","versions":[{"version":"v1"}]},{"name":"knfe.io","versions":[)" + versions + "]}]}";
  }
  static constexpr const char* kOurs = R"({"version":"v1alpha1"})";
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a kind has vanished if its group is not there") {
  CHECK(server.only().request.target == "/apis");
  server.only().answer(200, R"({"groups":[{"name":"apps","versions":[{"version":"v1"}]}]})");
  CHECK(told == "vanished");
}

TEST_CASE_FIXTURE(Fixture, "where its group is there, its version must not list it") {
  server.only().answer(200, groups(kOurs));
  CHECK(told.empty());
  CHECK(server.only().request.target == "/apis/knfe.io/v1alpha1");
  SUBCASE("") {
    server.only().answer(200, R"({"resources":[{"name":"members"}]})");
    CHECK(told == "vanished");
  }
  SUBCASE("") {
    server.only().answer(200, R"({"resources":[{"name":"members"},{"name":"networks"}]})");
    CHECK(told.starts_with("unknown: "));
  }
  SUBCASE("") {
    server.only().answer(200, "{}");
    CHECK(told.starts_with("unknown: "));
  }
  SUBCASE("") {
    server.only().answer(503);
    CHECK(told.starts_with("unknown: "));
  }
}

TEST_CASE_FIXTURE(Fixture,
                  "where other versions of its group are served, none of them must list it: others of the group may have them") {
  server.only().answer(200, groups(R"({"version":"v1alpha1"},{"version":"v1"})"));
  CHECK(server.only().request.target == "/apis/knfe.io/v1");
  SUBCASE("it is served as another") {
    server.only().answer(200, R"({"resources":[{"name":"networks"}]})");
    CHECK(told.starts_with("unknown: networks are not served as v1alpha1, but as v1"));
  }
  SUBCASE("it is served as none") {
    server.only().answer(200, R"({"resources":[{"name":"members"}]})");
    CHECK(told.empty());
    server.only().answer(200, R"({"resources":[{"name":"members"}]})");
    CHECK(told == "vanished");
  }
}

TEST_CASE_FIXTURE(Fixture, "if nobody says what is served, nothing is known") {
  SUBCASE("") { server.only().answer(200, "{}"); }
  SUBCASE("") { server.only().answer(404, "404 page not found"); }
  CHECK(told.starts_with("unknown: "));
}

TEST_CASE_FIXTURE(Fixture, "the core group cannot vanish") {
  call = ask({"", "v1", "Pod", "pods"});
  server.only().answer(200, groups(kOurs));
  CHECK(told.starts_with("unknown: the core group cannot vanish"));
}

TEST_CASE_FIXTURE(Fixture, "who does not wait any more is told nothing") {
  server.only().answer(200, groups(kOurs));
  const auto second = server.waiting().front();
  call.reset();
  CHECK(server.waiting().empty());
  CHECK(told.empty());
}

}  // namespace knfe::kube
