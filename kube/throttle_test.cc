#include "kube/throttle.h"

#include <doctest/doctest.h>

#include "kube/request.h"
#include "test/fakes/client_test.h"
#include "test/fakes/time_test.h"

namespace knfe::kube {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Lane = Throttle::Lane;

namespace {

constexpr api::Resource kThings{"x.io", "v1", "Thing", "things"};

struct Fixture {
  fakes::Time time;
  net::Loop loop;
  fakes::FakeClient server;
  bool leading = true;
  std::vector<std::pair<Lane, Instant>> closings;
  Throttle throttle{loop, server, [this] { return leading; },
                    [this](Lane lane, Instant until) { closings.emplace_back(lane, until); }};
  std::vector<net::Handle> handles;
  std::vector<Result<net::Response>> answers;

  void ask(const std::string& method = "PATCH", const std::string& target = "/apis/x.io/v1/things/a") {
    handles.push_back(throttle.send({method, target, {}, {}},
                                    [this](Result<net::Response> response) { answers.push_back(std::move(response)); }));
    fakes::settle(loop);
  }
  void answer(int status, const net::Headers& headers = {}) {
    const auto waiting = server.waiting();
    REQUIRE_FALSE(waiting.empty());
    waiting.front()->answer(status, "{}", headers);
    fakes::settle(loop);
  }
  void fail_one() {
    server.waiting().front()->answer(std::unexpected(Error{Code::kUnavailable, "reset", {}, {}, 0}));
    fakes::settle(loop);
  }
};

}  // namespace

TEST_CASE("each request has its lane") {
  const auto lane = [](const char* method, const char* target) { return Throttle::lane_of({method, target, {}, {}}); };
  CHECK(lane("GET", "/api/v1/pods") == Lane::kRead);
  CHECK(lane("DELETE", "/api/v1/namespaces/n/pods/p") == Lane::kWrite);
  CHECK(lane("POST", "/apis/events.k8s.io/v1/namespaces/n/events") == Lane::kEvent);
  CHECK(lane("PUT", "/apis/coordination.k8s.io/v1/namespaces/n/leases/l") == Lane::kLease);
  CHECK(lane("GET", "/apis/coordination.k8s.io/v1/namespaces/n/leases/l") == Lane::kLease);
}

TEST_CASE_FIXTURE(Fixture, "what the server asks to wait holds for the whole lane, to the letter, and for no other") {
  ask();
  answer(429, {{"Retry-After", "7"}});
  CHECK(answers.back()->status == 429);
  REQUIRE(closings.size() == 1);
  CHECK(closings[0].first == Lane::kWrite);
  CHECK(closings[0].second == boot_now() + seconds(7));
  time.pass(loop, milliseconds(6900));
  ask("POST", "/apis/x.io/v1/things");
  CHECK(server.waiting().empty());
  REQUIRE_FALSE(answers.back());
  CHECK(answers.back().error().code == Code::kTooMany);
  CHECK(answers.back().error().retry_after_s == doctest::Approx(0.1));
  ask("GET");
  CHECK(server.waiting().size() == 1);
  time.pass(loop, milliseconds(100));
  ask();
  CHECK(server.waiting().size() == 2);
}

TEST_CASE_FIXTURE(Fixture, "429 without a figure is a second; 503 with one is kept to as well") {
  ask();
  answer(429);
  CHECK(closings.back().second == boot_now() + seconds(1));
  ask("GET");
  answer(503, {{"Retry-After", "3"}});
  CHECK(closings.back().first == Lane::kRead);
  CHECK(closings.back().second == boot_now() + seconds(3));
}

TEST_CASE_FIXTURE(Fixture, "that a disruption budget has nothing left closes nothing") {
  ask("POST", "/api/v1/namespaces/n/pods/p/eviction");
  answer(429);
  CHECK(closings.empty());
}

TEST_CASE_FIXTURE(Fixture, "what waits for its turn when a lane closes is not sent") {
  for (int i = 0; i < 40; ++i) ask();
  CHECK(server.waiting().size() == 32);
  answer(429, {{"Retry-After", "5"}});
  CHECK(server.waiting().size() == 31);
  CHECK(answers.size() == 9);
  CHECK(answers.back().error().code == Code::kTooMany);
}

TEST_CASE_FIXTURE(Fixture, "the limit is halved, once a second at most, and grows by one per round of good answers") {
  CHECK(throttle.limit(Lane::kWrite) == 32);
  for (int i = 0; i < 40; ++i) ask();
  for (int i = 0; i < 8; ++i) answer(500);
  CHECK(throttle.limit(Lane::kWrite) == 16);
  CHECK(throttle.limit(Lane::kRead) == 24);
  time.pass(loop, seconds(1));
  answer(500);
  CHECK(throttle.limit(Lane::kWrite) == 8);
  while (!server.waiting().empty()) answer(200);
  const auto before = throttle.limit(Lane::kWrite);
  for (int i = 0; i < 40; ++i) ask();
  CHECK(server.waiting().size() == before);
  for (std::size_t i = 0; i <= before; ++i) answer(200);
  CHECK(throttle.limit(Lane::kWrite) == before + 1);
}

TEST_CASE_FIXTURE(Fixture, "slow answers halve the limit; quick ones never raise it beyond what it was") {
  ask();
  time.pass(loop, seconds(3));
  answer(200);
  CHECK(throttle.limit(Lane::kWrite) == 16);
  for (int round = 0; round < 60; ++round) {
    for (int i = 0; i < 40; ++i) ask();
    while (!server.waiting().empty()) answer(200);
  }
  CHECK(throttle.limit(Lane::kWrite) == 32);
}

TEST_CASE_FIXTURE(Fixture, "five silences in a row close a lane, longer each time, until one request is answered") {
  for (int i = 0; i < 4; ++i) {
    ask();
    fail_one();
  }
  ask();
  answer(409);
  CHECK(closings.empty());  // an answer is no silence, whatever it says
  for (int i = 0; i < 5; ++i) {
    ask();
    i % 2 ? fail_one() : answer(503);
  }
  CHECK(closings.size() == 1);
  CHECK(closings.back().second == boot_now() + milliseconds(500));
  Duration pause{500};
  for (int i = 0; i < 8; ++i) {
    time.pass(loop, pause);
    for (int j = 0; j < 3; ++j) ask();
    CHECK(server.waiting().size() == 1);  // one tries
    fail_one();
    CHECK(server.waiting().empty());
    pause = std::min(pause * 2, Duration(10'000));
    CHECK(closings.back().second == boot_now() + pause);
  }
  time.pass(loop, pause);
  ask();
  answer(200);
  ask();
  fail_one();
  CHECK(closings.size() == 9);
}

TEST_CASE_FIXTURE(Fixture,
                  "leases are tried, however silent the server is, and whatever it asks: that is the lease's own affair") {
  for (int i = 0; i < 20; ++i) {
    ask("PUT", "/apis/coordination.k8s.io/v1/namespaces/n/leases/l");
    if (i % 2) {
      fail_one();
    } else {
      answer(429, {{"Retry-After", "60"}});
    }
  }
  CHECK(closings.empty());
}

TEST_CASE_FIXTURE(Fixture, "a write that waited is not sent by who has stopped to lead; a read is") {
  for (int i = 0; i < 33; ++i) ask();
  leading = false;
  ask("GET");
  CHECK(server.waiting().size() == 33);
  answer(200);
  CHECK(server.waiting().size() == 32);
  REQUIRE(answers.size() == 2);
  CHECK(answers.back().error().code == Code::kCanceled);
}

TEST_CASE_FIXTURE(Fixture, "a write is asked once more whether it may go, by who has a connection for it") {
  ask();
  ask("GET");
  const auto sent = server.waiting();
  REQUIRE(sent[0]->request.may_go);
  CHECK(sent[0]->request.may_go());
  leading = false;
  CHECK_FALSE(sent[0]->request.may_go());
  CHECK_FALSE(sent[1]->request.may_go);
}

TEST_CASE_FIXTURE(Fixture, "nobody waits for a turn longer than half a minute") {
  for (int i = 0; i < 34; ++i) ask();
  time.pass(loop, seconds(20));
  ask();
  time.pass(loop, milliseconds(9900));
  CHECK(answers.empty());
  time.pass(loop, milliseconds(200));
  REQUIRE(answers.size() == 2);
  for (const auto& answer : answers) CHECK(answer.error().code == Code::kTooMany);
  CHECK(server.waiting().size() == 32);
  time.pass(loop, seconds(20));
  CHECK(answers.size() == 3);
  while (!server.waiting().empty()) answer(200);
  ask();
  CHECK(server.waiting().size() == 1);
}

TEST_CASE_FIXTURE(Fixture, "who does not want an answer any more makes room") {
  for (int i = 0; i < 34; ++i) ask();
  handles.back().reset();
  handles.front().reset();
  fakes::settle(loop);
  CHECK(server.waiting().size() == 32);
  while (!server.waiting().empty()) answer(200);
  CHECK(answers.size() == 32);
}

TEST_CASE_FIXTURE(Fixture, "while watches are held back none is opened; requests are none of theirs") {
  std::vector<int> heads;
  std::optional<Error> why;
  const auto open = [&] {
    auto handle = throttle.stream({"GET", "/apis/x.io/v1/things?watch=1", {}, {}},
                                  {[&](int status, const net::Headers&) { heads.push_back(status); },
                                   {},
                                   [&](Result<void> end) {
                                     if (!end) why = end.error();
                                   }});
    fakes::settle(loop);
    return handle;
  };
  const auto first = open();
  server.only().head(429, {{"Retry-After", "2"}});
  CHECK(heads == std::vector<int>{429});
  const auto second = open();
  CHECK(server.all.size() == 1);
  REQUIRE(why);
  CHECK(why->retry_after_s == doctest::Approx(2));
  ask();
  CHECK(server.all.size() == 2);
  time.pass(loop, seconds(2));
  const auto third = open();
  CHECK(server.all.size() == 3);
}

TEST_CASE_FIXTURE(Fixture, "metrics tell what was asked, how long it took, and what was held back") {
  ask();
  answer(201);
  ask();
  fail_one();
  ask("GET");
  answer(429);
  MetricsText out;
  throttle.metrics(out, "host:1");
  const std::string text = out.take();
  for (const char* line : {"rest_client_requests_total{code=\"201\",host=\"host:1\",method=\"PATCH\"} 1\n",
                           "rest_client_requests_total{code=\"<error>\",host=\"host:1\",method=\"PATCH\"} 1\n",
                           "rest_client_request_duration_seconds_count{verb=\"PATCH\",lane=\"write\",host=\"host:1\"} 2\n",
                           "rest_client_rate_limiter_duration_seconds_count{lane=\"read\",host=\"host:1\"} 1\n",
                           "knfe_api_in_flight_limit{lane=\"write\"} 16\n", "knfe_api_held_back_total{lane=\"read\"} 1\n"}) {
    INFO(text);
    CHECK(text.find(line) != std::string::npos);
  }
}

}  // namespace knfe::kube
