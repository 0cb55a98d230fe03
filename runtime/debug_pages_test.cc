#include "runtime/debug_pages.h"

#include <doctest/doctest.h>

#include "net/scripted_peer_test.h"

namespace knfe::runtime {

namespace {

// What is answered to these targets, asked in this order at once; the last ends the wait.
std::vector<net::Response> answers(const std::vector<std::string>& targets) {
  net::TestLoop loop;
  DebugPages pages(loop, [] { return "# TYPE x gauge\nx 1\nknfe_cached_objects{resource=\"pods\"} 7\n"; });
  std::vector<net::Response> all(targets.size());
  std::size_t missing = targets.size();
  for (std::size_t i = 0; i < targets.size(); ++i) {
    net::Request request;
    request.target = targets[i];
    const bool own = pages.serve(request, [&, i](const net::Response& response) {
      all[i] = response;
      if (--missing == 0) loop.stop();
    });
    CHECK(own);
  }
  if (missing > 0) loop.run();
  return all;
}

}  // namespace

TEST_CASE("what memory is made of: the allocator's figures and the caches'") {
  const auto body = answers({"/debug/memory"}).at(0).body;
  CHECK(body.find("knfe_malloc_bytes{state=\"used\"} ") != std::string::npos);
  CHECK(body.find("\nknfe_cached_objects{resource=\"pods\"} 7\n") != std::string::npos);
  CHECK(body.find("\nx 1") == std::string::npos);
}

TEST_CASE("a CPU profile takes its seconds; a second one is refused meanwhile") {
  const auto got = answers({"/debug/profile?seconds=1", "/debug/profile?seconds=1"});
  CHECK(got[0].status == 200);
  CHECK(got[0].body.find("/proc/") == std::string::npos);
  CHECK(got[0].body.find("knfe_test") != std::string::npos);  // what is mapped where
  CHECK(got[1].status == 409);
  CHECK(got[1].body.starts_with("another CPU profile is being taken"));
}

TEST_CASE("seconds that are not served are told what is") {
  for (const char* target : {"/debug/profile?seconds=0", "/debug/profile?seconds=61", "/debug/profile?seconds=x",
                             "/debug/profile?seconds=-1", "/debug/profile?seconds=1s"}) {
    CAPTURE(target);
    const auto got = answers({target}).at(0);
    CHECK(got.status == 400);
    CHECK(got.body == "seconds must be 1 to 60\n");
  }
}

TEST_CASE("other pages are somebody else's") {
  net::TestLoop loop;
  DebugPages pages(loop, [] { return ""; });
  for (const char* target : {"/metrics", "/debug", "/debug/", "/debug/profiles", "/debug/memory/x"}) {
    CAPTURE(target);
    net::Request request;
    request.target = target;
    CHECK_FALSE(pages.serve(request, [](const net::Response&) { FAIL_CHECK("answered"); }));
  }
}

}  // namespace knfe::runtime
