#include "net/process.h"

#include <doctest/doctest.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <cerrno>

namespace knfe::net {

namespace {

int run(const std::string& script) {
  Loop loop;
  int code = -1;
  const auto running = run_process(loop, {"sh", "-c", script}, std::chrono::seconds(20), [&](Result<int> ended) {
    code = ended ? *ended : -2;
    loop.stop();
  });
  loop.run();
  return code;
}

bool has_children() {
  siginfo_t info{};
  return ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 || errno != ECHILD;
}

}  // namespace

TEST_CASE("the first process of a container buries what hooks leave behind") {
  while (::waitpid(-1, nullptr, WNOHANG) > 0) {
  }
  // What a container's first process is to all others.
  REQUIRE(::prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
  // One that stays in the hook's process group, and one that has made a session of its own.
  CHECK(run("sh -c 'kill -9 $$' & setsid sh -c 'kill -9 $$' & exit 3") == 3);
  int hooks = 0;
  while (has_children() && hooks < 500) {
    CHECK(run("exit 0") == 0);
    ++hooks;
  }
  CHECK_FALSE(has_children());
  ::prctl(PR_SET_CHILD_SUBREAPER, 0);
}

}  // namespace knfe::net
