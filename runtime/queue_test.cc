#include "runtime/queue.h"

#include <doctest/doctest.h>

#include <set>

namespace knfe::runtime {

using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

const Item kA{0, {"n", "a"}}, kB{0, {"n", "b"}}, kOther{1, {"n", "a"}};

struct Fixture {
  Queue queue;
  Instant now{Duration(1'000'000)};
  std::string take() {
    const auto taken = queue.take(now);
    return taken ? std::to_string(taken->item.controller) + taken->item.key.name : "-";
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a key is in the queue once, at the earliest of the times asked for") {
  queue.add(kA, now + seconds(5));
  queue.add(kA, now + seconds(1));
  queue.add(kA, now + seconds(9));
  CHECK(queue.size() == 1);
  CHECK(queue.next_due() == now + seconds(1));
  CHECK(take() == "-");
  now += seconds(1);
  CHECK(take() == "0a");
  queue.done(kA);
  now += seconds(60);
  CHECK(take() == "-");
  CHECK(queue.size() == 0);
}

TEST_CASE_FIXTURE(Fixture, "what is due first comes first; controllers have keys of their own, and take turns") {
  queue.add(kB, now - seconds(1));
  queue.add(kA, now - seconds(2));
  queue.add(kOther, now - seconds(1));
  CHECK(take() == "0a");
  CHECK(take() == "1a");
  CHECK(take() == "0b");
  CHECK(take() == "-");
  CHECK(queue.working() == 3);
}

TEST_CASE_FIXTURE(Fixture, "one run at a time works on a key; what is asked meanwhile comes after it") {
  queue.add(kA, now);
  CHECK(take() == "0a");
  queue.add(kA, now);
  queue.add(kB, now);
  CHECK(take() == "0b");
  CHECK(take() == "-");
  CHECK_FALSE(queue.next_due());  // nothing can be taken until something is done
  queue.done(kA);
  CHECK(queue.next_due() == now);
  CHECK(take() == "0a");
  CHECK(queue.size() == 0);
}

TEST_CASE_FIXTURE(Fixture, "failures back off from 50 ms, doubling, to half a minute, with a spread of a quarter") {
  queue.add(kA, now);
  Duration base{50};
  for (int failure = 0; failure < 20; ++failure) {
    REQUIRE(take() == "0a");
    const Duration wait = queue.failed(kA, now, Duration(0));
    CHECK(wait >= base);
    CHECK(wait <= base + base / 4);
    CHECK(take() == "-");
    CHECK(queue.next_due() == now + wait);
    now += wait;
    base = std::min(base * 2, Duration(30'000));
  }
}

TEST_CASE_FIXTURE(Fixture, "success forgets failures") {
  queue.add(kA, now);
  for (int i = 0; i < 6; ++i) {
    take();
    now += queue.failed(kA, now, Duration(0));
  }
  take();
  queue.done(kA);
  queue.add(kA, now);
  take();
  CHECK(queue.failed(kA, now, Duration(0)) < milliseconds(100));
}

TEST_CASE_FIXTURE(Fixture, "what the server asks to wait is kept to, though it be longer than the back-off") {
  queue.add(kA, now);
  take();
  CHECK(queue.failed(kA, now, seconds(7)) == seconds(7));
  CHECK(queue.next_due() == now + seconds(7));
}

TEST_CASE_FIXTURE(Fixture, "a change makes a key that backs off due at once") {
  queue.add(kA, now);
  for (int i = 0; i < 8; ++i) {
    take();
    now += queue.failed(kA, now, Duration(0));
  }
  take();
  queue.failed(kA, now, Duration(0));
  queue.add(kA, now);
  CHECK(take() == "0a");
}

TEST_CASE_FIXTURE(Fixture, "a change during a run that fails is tried soon, though not without any pause") {
  queue.add(kA, now);
  for (int i = 0; i < 8; ++i) {
    take();
    now += queue.failed(kA, now, Duration(0));
  }
  take();
  queue.add(kA, now);
  const Duration wait = queue.failed(kA, now, Duration(0));
  CHECK(wait > Duration(0));
  CHECK(wait <= milliseconds(100));
  CHECK(take() == "-");
}

TEST_CASE_FIXTURE(Fixture, "keys that fail together do not come back in step") {
  std::set<Duration> waits;
  for (int i = 0; i < 20; ++i) {
    const Item item{0, {"n", "key" + std::to_string(i)}};
    Duration wait{0};
    queue.add(item, now);
    for (int failure = 0; failure < 8; ++failure) {
      REQUIRE(queue.take(now + std::chrono::hours(1))->item == item);
      wait = queue.failed(item, now, Duration(0));
    }
    queue.take(now + std::chrono::hours(1));
    waits.insert(wait);
  }
  CHECK(waits.size() > 10);
}

TEST_CASE_FIXTURE(Fixture, "an edit overtakes what a list has told of, and what hangs on another's change") {
  const auto key = [](int i) { return Item{0, {"n", "key" + std::to_string(i)}}; };
  for (int i = 0; i < 100; ++i) queue.add(key(i), now - seconds(9), i % 2 ? Priority::kChange : Priority::kList);
  queue.add(kA, now, Priority::kEdit);
  CHECK(take() == "0a");
  CHECK(queue.take(now)->priority == Priority::kChange);
}

TEST_CASE_FIXTURE(Fixture, "what an edit has set off goes on before other changes") {
  queue.add(kA, now, Priority::kEdit);
  CHECK(take() == "0a");
  queue.add(kB, now);
  now += milliseconds(1);
  queue.add(kA, now);  // its own writes come back
  queue.done(kA);
  CHECK(take() == "0a");
  queue.done(kA);
  CHECK(take() == "0b");
}

TEST_CASE_FIXTURE(Fixture, "a key that is asked for twice has the higher of the priorities") {
  queue.add(kA, now, Priority::kList);
  queue.add(kB, now - seconds(1), Priority::kList);
  queue.add(kA, now + seconds(1), Priority::kEdit);
  CHECK(queue.size(0, Priority::kEdit) == 1);
  CHECK(queue.size(0, Priority::kList) == 1);
  CHECK(take() == "0a");
}

TEST_CASE_FIXTURE(Fixture, "ten thousand keys of one kind do not hold up another kind") {
  for (int i = 0; i < 10'000; ++i) queue.add({0, {"n", "key" + std::to_string(i)}}, now - seconds(5));
  queue.add(kOther, now);
  const std::string first = take();
  CHECK((first == "1a" || take() == "1a"));
}

TEST_CASE_FIXTURE(Fixture, "the lowest priority goes on, though there be no end of what is above it") {
  queue.add(kB, now, Priority::kList);
  for (int i = 0; i < 100; ++i) queue.add({0, {"n", "key" + std::to_string(i)}}, now, Priority::kEdit);
  int turns = 1;
  while (take() != "0b") ++turns;
  CHECK(turns <= 8);
}

TEST_CASE_FIXTURE(Fixture, "what lies between goes on as well, though there be no end above and below it") {
  const auto key = [](const std::string& name) { return Item{0, {"n", name}}; };
  for (int i = 0; i < 1000; ++i) queue.add(key("list" + std::to_string(i)), now, Priority::kList);
  queue.add(key("change"), now, Priority::kChange);
  bool changed = false;
  for (int turn = 0; turn < 40 && !changed; ++turn) {
    queue.add(key("edit" + std::to_string(turn)), now, Priority::kEdit);
    const auto taken = queue.take(now);
    REQUIRE(taken);
    changed = taken->item == key("change");
    queue.done(taken->item);
  }
  CHECK(changed);
}

TEST_CASE_FIXTURE(Fixture, "what fails keeps its priority, and tells how often it has failed") {
  queue.add(kA, now, Priority::kList);
  queue.take(now);
  now += queue.failed(kA, now, Duration(0)) + seconds(2);
  const auto again = queue.take(now);
  CHECK(again->priority == Priority::kList);
  CHECK(again->failures == 1);
  CHECK(again->waited == seconds(2));
}

TEST_CASE_FIXTURE(Fixture, "whatever backs off can be made due at once; what only waits for its time is not") {
  queue.add(kA, now);
  for (int i = 0; i < 8; ++i) {
    take();
    now += queue.failed(kA, now, Duration(0));
  }
  take();
  queue.failed(kA, now, Duration(0));
  queue.add(kB, now + seconds(1));
  queue.hurry(now);
  CHECK(take() == "0a");
  CHECK(take() == "-");
  queue.add(kA, now + seconds(1));
  queue.hurry(now);  // it is being worked on
  CHECK(take() == "-");
}

}  // namespace knfe::runtime
