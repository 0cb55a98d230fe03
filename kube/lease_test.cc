#include "kube/lease.h"

#include <doctest/doctest.h>

#include "test/fakes/client_test.h"
#include "test/fakes/json_test.h"
#include "test/fakes/time_test.h"

namespace knfe::kube {

using fakes::json;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

struct Fixture {
  fakes::Time time;
  net::Loop loop;
  fakes::FakeClient server;
  ApiClient api{server, Config{}};
  int won = 0;
  Lease lease{loop, api, {"ns", "knfe"}, "me", [this] { ++won; }};

  net::Request asked() const { return server.only().request; }
  std::string holder_asked() const {
    const Json body = json(asked().body);
    return std::string(as_string(at(body, "spec", "holderIdentity")));
  }
  static std::string stored(const std::string& holder, const std::string& version, int transitions = 0) {
    return R"({"metadata":{"name":"knfe","namespace":"ns","resourceVersion":")" + version + R"("},"spec":{"holderIdentity":")" +
           holder + R"(","acquireTime":"2026-01-01T00:00:00.000000Z","leaseTransitions":)" + std::to_string(transitions) + "}}";
  }
  // Reads it as `holder`'s and goes on.
  void reads(const std::string& holder, const std::string& version) {
    REQUIRE(asked().method == "GET");
    server.only().answer(200, stored(holder, version));
  }
  static constexpr const char* kMissing = R"({"kind":"Status","code":404,"reason":"NotFound","details":{"name":"knfe"}})";
  void lead() {
    lease.start();
    server.only().answer(404, kMissing);
    server.only().answer(201, stored("me", "1"));
    REQUIRE(lease.held());
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "each of its requests keeps apart from all others") {
  lease.start();
  CHECK(asked().apart);
  server.only().answer(404, kMissing);
  CHECK(asked().apart);
  server.only().answer(201, stored("me", "1"));
  lease.release([] {});
  CHECK(asked().apart);
}

TEST_CASE_FIXTURE(Fixture, "the first one makes the lease and holds it") {
  lease.start();
  CHECK_FALSE(lease.held());
  CHECK(asked().target == "/apis/coordination.k8s.io/v1/namespaces/ns/leases/knfe");
  server.only().answer(404, kMissing);
  CHECK(asked().method == "POST");
  CHECK(holder_asked() == "me");
  CHECK_FALSE(lease.held());
  server.only().answer(201, stored("me", "1"));
  CHECK(lease.held());
  CHECK(won == 1);
}

TEST_CASE_FIXTURE(Fixture, "of two that make it at once, one loses") {
  lease.start();
  server.only().answer(404, kMissing);
  server.only().answer(409, R"({"code":409,"reason":"AlreadyExists"})");
  CHECK_FALSE(lease.held());
  time.pass(loop, seconds(1));
  reads("other", "1");
  CHECK_FALSE(lease.held());
}

TEST_CASE_FIXTURE(Fixture, "it is renewed every three seconds, with the version it was written with") {
  lead();
  time.pass(loop, milliseconds(2900));
  CHECK(server.waiting().empty());
  time.pass(loop, milliseconds(200));
  CHECK(asked().method == "PUT");
  const Json body = json(asked().body);
  CHECK(as_string(at(body, "metadata", "resourceVersion")) == "1");
  CHECK(as_string(at(body, "spec", "acquireTime")) == "2026-01-01T00:00:00.000000Z");
  CHECK(as_int(at(body, "spec", "leaseTransitions")) == 0);
  CHECK(as_int(at(body, "spec", "leaseDurationSeconds")) == 15);
  server.only().answer(200, stored("me", "2"));
  CHECK(won == 1);
}

TEST_CASE_FIXTURE(Fixture, "ten seconds without an answer, and it is not held, whatever the process did meanwhile") {
  lead();
  time.pass(loop, seconds(4));
  CHECK(lease.held());
  time.pass(loop, milliseconds(5900));
  CHECK(lease.held());
  time.pass(loop, milliseconds(200));
  CHECK_FALSE(lease.held());
}

TEST_CASE_FIXTURE(Fixture, "ten seconds count from before the question: its answer may have been long on its way") {
  lead();
  time.pass(loop, milliseconds(3050));
  time.pass(loop, seconds(6));
  server.only().answer(200, stored("me", "2"));
  CHECK(lease.held());
  time.pass(loop, milliseconds(4100));
  CHECK_FALSE(lease.held());
}

TEST_CASE_FIXTURE(Fixture, "an answer that is lost is no loss, but is looked after") {
  lead();
  time.pass(loop, milliseconds(3050));
  server.only().answer(fail(Code::kTimeout, "no answer"));
  CHECK(lease.held());
  time.pass(loop, milliseconds(600));
  reads("me", "2");  // it was written
  CHECK(asked().method == "PUT");
  server.only().answer(200, stored("me", "3"));
  CHECK(lease.held());
  CHECK(won == 1);
}

TEST_CASE_FIXTURE(Fixture, "that somebody else has it is proof enough, also while our last word is good yet") {
  lead();
  time.pass(loop, milliseconds(3050));
  server.only().answer(fail(Code::kTimeout, "no answer"));
  time.pass(loop, milliseconds(600));
  CHECK(lease.held());
  reads("other", "9");
  CHECK_FALSE(lease.held());
}

TEST_CASE_FIXTURE(Fixture, "what others have written into it stays") {
  lease.start();
  server.only().answer(
      200,
      R"({"metadata":{"name":"knfe","namespace":"ns","resourceVersion":"4","labels":{"app":"x"},"annotations":{"a":"b"},)"
      R"("ownerReferences":[{"uid":"u"}]},"spec":{"holderIdentity":"","strategy":"OldestEmulationVersion","leaseTransitions":3}})");
  const Json body = json(asked().body);
  CHECK(as_string(at(body, "metadata", "labels", "app")) == "x");
  CHECK(as_string(at(body, "metadata", "annotations", "a")) == "b");
  CHECK(as_array(at(body, "metadata", "ownerReferences")).size() == 1);
  CHECK(as_string(at(body, "metadata", "resourceVersion")) == "4");
  CHECK(as_string(at(body, "spec", "strategy")) == "OldestEmulationVersion");
  CHECK(as_string(at(body, "spec", "holderIdentity")) == "me");
  CHECK(as_int(at(body, "spec", "leaseTransitions")) == 4);
}

TEST_CASE_FIXTURE(Fixture, "a conflict proves that somebody else has it") {
  lead();
  time.pass(loop, milliseconds(3050));
  server.only().answer(409, R"({"code":409,"reason":"Conflict"})");
  CHECK_FALSE(lease.held());
  time.pass(loop, milliseconds(600));
  reads("other", "9");
  CHECK_FALSE(lease.held());
}

TEST_CASE_FIXTURE(Fixture, "a lease that was deleted is not held any more, and made anew") {
  lead();
  time.pass(loop, milliseconds(3050));
  server.only().answer(404, kMissing);
  CHECK_FALSE(lease.held());
  time.pass(loop, milliseconds(600));
  server.only().answer(404, kMissing);
  CHECK(asked().method == "POST");
  server.only().answer(201, stored("me", "9"));
  CHECK(lease.held());
  CHECK(won == 2);  // what was held back meanwhile is planned again
}

TEST_CASE_FIXTURE(Fixture, "whoever finds its own name goes on at once: it was itself, before a restart") {
  lease.start();
  reads("me", "5");
  CHECK(asked().method == "PUT");
  const Json body = json(asked().body);
  CHECK(as_string(at(body, "metadata", "resourceVersion")) == "5");
  CHECK(as_int(at(body, "spec", "leaseTransitions")) == 0);
  server.only().answer(200, stored("me", "6"));
  CHECK(lease.held());
}

TEST_CASE_FIXTURE(Fixture, "one that was handed over is taken at once") {
  lease.start();
  reads("", "5");
  CHECK(holder_asked() == "me");
  const Json body = json(asked().body);
  CHECK(as_int(at(body, "spec", "leaseTransitions")) == 1);
  CHECK(as_string(at(body, "spec", "acquireTime")) != "2026-01-01T00:00:00.000000Z");
}

TEST_CASE_FIXTURE(Fixture, "another's is taken once it was seen unrenewed for fifteen seconds, and not a moment earlier") {
  lease.start();
  const auto start = boot_now();
  reads("other", "5");
  for (int i = 0; i < 4; ++i) {
    time.pass(loop, milliseconds(3050));
    reads("other", "5");
    REQUIRE(server.waiting().empty());
  }
  CHECK(boot_now() - start < seconds(15));
  time.pass(loop, milliseconds(3050));
  reads("other", "5");
  CHECK(boot_now() - start >= seconds(15));
  CHECK(asked().method == "PUT");
  CHECK(holder_asked() == "me");
  SUBCASE("and the write is refused if it was renewed after all") {
    server.only().answer(409, R"({"code":409,"reason":"Conflict"})");
    CHECK_FALSE(lease.held());
  }
  SUBCASE("and then it is held") {
    server.only().answer(200, stored("me", "6", 1));
    CHECK(lease.held());
    CHECK(won == 1);
  }
}

TEST_CASE_FIXTURE(Fixture, "another's that is renewed is never taken") {
  lease.start();
  reads("other", "5");
  for (int version = 6; version < 20; ++version) {
    time.pass(loop, milliseconds(3050));
    reads("other", std::to_string(version));
    REQUIRE(server.waiting().empty());
  }
  CHECK(won == 0);
}

TEST_CASE_FIXTURE(Fixture, "a server that cannot be asked is asked again, and nothing is taken for granted") {
  lease.start();
  server.only().answer(fail(Code::kUnavailable, "refused"));
  CHECK_FALSE(lease.held());
  time.pass(loop, milliseconds(3050));
  reads("other", "5");
}

TEST_CASE_FIXTURE(Fixture, "who comes back after a lapse is told to go on") {
  lead();
  time.pass(loop, milliseconds(3050));
  time.pass(loop, seconds(8));
  CHECK_FALSE(lease.held());
  server.only().answer(200, stored("me", "2"));  // the question is eight seconds old: two are left of its ten
  CHECK(lease.held());
  CHECK(won == 2);
}

TEST_CASE_FIXTURE(Fixture, "told to wait for longer than it is held, it tries once more before that, and then waits as told") {
  lead();
  time.pass(loop, milliseconds(3050));
  server.only().answer(429, "{}", {{"Retry-After", "60"}});
  time.pass(loop, milliseconds(3800));
  CHECK(server.waiting().empty());
  time.pass(loop, milliseconds(300));
  CHECK(asked().method == "PUT");  // a refusal has written nothing: nothing is to be read
  CHECK(lease.held());
  SUBCASE("taken") {
    server.only().answer(200, stored("me", "2"));
    time.pass(loop, seconds(9));
    CHECK(lease.held());
    CHECK(won == 1);
  }
  SUBCASE("refused again") {
    server.only().answer(429, "{}", {{"Retry-After", "60"}});
    time.pass(loop, seconds(59));
    CHECK(server.waiting().empty());
    CHECK_FALSE(lease.held());
    time.pass(loop, seconds(2));
    CHECK(asked().method == "GET");
  }
}

TEST_CASE_FIXTURE(Fixture, "told to wait for less than it is held, it does") {
  lead();
  time.pass(loop, milliseconds(3050));
  server.only().answer(429, "{}", {{"Retry-After", "6"}});
  time.pass(loop, milliseconds(5900));
  CHECK(server.waiting().empty());
  time.pass(loop, milliseconds(200));
  CHECK(asked().method == "PUT");
}

TEST_CASE_FIXTURE(Fixture, "who holds it for longer than we would is waited for as long") {
  lease.start();
  for (int i = 0; i < 19; ++i) {
    REQUIRE(asked().method == "GET");
    server.only().answer(200,
                         R"({"metadata":{"resourceVersion":"5"},"spec":{"holderIdentity":"other","leaseDurationSeconds":60}})");
    REQUIRE(server.waiting().empty());
    time.pass(loop, milliseconds(3050));
  }
  time.pass(loop, milliseconds(3050));
  server.only().answer(200,
                       R"({"metadata":{"resourceVersion":"5"},"spec":{"holderIdentity":"other","leaseDurationSeconds":60}})");
  CHECK(asked().method == "PUT");
}

TEST_CASE_FIXTURE(Fixture, "handing over names nobody, and nothing is written afterwards") {
  lead();
  bool done = false;
  lease.release([&] { done = true; });
  CHECK_FALSE(lease.held());
  CHECK(holder_asked() == "");
  CHECK(asked().method == "PUT");
  CHECK_FALSE(done);
  SUBCASE("taken") { server.only().answer(200, stored("", "2")); }
  SUBCASE("not taken") { server.only().answer(fail(Code::kTimeout, "no answer")); }
  CHECK(done);
  time.pass(loop, seconds(30));
  CHECK(server.waiting().empty());
}

TEST_CASE_FIXTURE(Fixture, "handing over while a renewal is under way finds out what has become of it") {
  lead();
  time.pass(loop, milliseconds(3050));
  REQUIRE(asked().method == "PUT");  // this one is carried out, and nobody hears of it
  bool done = false;
  lease.release([&] { done = true; });
  CHECK(holder_asked() == "");
  server.only().answer(409, R"({"code":409,"reason":"Conflict"})");
  CHECK_FALSE(done);
  SUBCASE("still ours") {
    reads("me", "2");
    CHECK(holder_asked() == "");
    const Json body = json(asked().body);
    CHECK(as_string(at(body, "metadata", "resourceVersion")) == "2");
    SUBCASE("") { server.only().answer(200, stored("", "3")); }
    SUBCASE("and not to be had") { server.only().answer(409, R"({"code":409,"reason":"Conflict"})"); }
  }
  SUBCASE("another's by now") { reads("other", "2"); }
  CHECK(done);
  CHECK(server.waiting().empty());
}

TEST_CASE_FIXTURE(Fixture, "handing over after an answer was lost reads first, and takes nothing from anybody") {
  lead();
  time.pass(loop, milliseconds(3050));
  server.only().answer(fail(Code::kTimeout, "no answer"));
  bool done = false;
  lease.release([&] { done = true; });
  SUBCASE("ours") {
    reads("me", "2");
    CHECK(holder_asked() == "");
    const Json body = json(asked().body);
    CHECK(as_int(at(body, "spec", "leaseTransitions")) == 0);  // whoever takes it counts
    server.only().answer(200, stored("", "3"));
  }
  SUBCASE("another's") { reads("other", "2"); }
  SUBCASE("unknown") { server.only().answer(fail(Code::kTimeout, "no answer")); }
  CHECK(done);
  CHECK(server.waiting().empty());
}

TEST_CASE_FIXTURE(Fixture, "an answer without a version is none: what follows from it would bind nobody") {
  lease.start();
  server.only().answer(404, kMissing);
  server.only().answer(201, R"({"spec":{"holderIdentity":"me"}})");
  CHECK_FALSE(lease.held());
}

TEST_CASE_FIXTURE(Fixture, "who does not hold it hands over nothing, but says that it is done") {
  lease.start();
  reads("other", "5");
  bool done = false;
  lease.release([&] { done = true; });
  CHECK_FALSE(done);  // never inline
  fakes::settle(loop);
  CHECK(done);
  time.pass(loop, seconds(30));
  CHECK(server.all.size() == 1);
}

}  // namespace knfe::kube
