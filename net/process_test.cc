#include "net/process.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

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

struct Answer {
  int code = -1;
  std::string text, error;
};

Answer ask(const std::string& script, std::size_t most = 1000, Duration limit = std::chrono::seconds(20)) {
  Loop loop;
  Answer answer;
  const auto running = run_for_output(loop, {"sh", "-c", script}, {{"NAME", "value"}}, most, limit, [&](Result<Output> ended) {
    answer = ended ? Answer{ended->code, ended->text, {}} : Answer{-2, {}, ended.error().text()};
    loop.stop();
  });
  loop.run();
  return answer;
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

TEST_CASE("two hooks that have ended do not keep each other's orphans from being buried") {
  while (::waitpid(-1, nullptr, WNOHANG) > 0) {
  }
  REQUIRE(::prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
  Loop loop;
  std::vector<Handle> running;
  int ended = 0;
  // Each ends when the loop does not look, and after the orphan that it leaves.
  for (int i = 0; i < 2; ++i) {
    running.push_back(run_process(loop, {"sh", "-c", "(setsid true &); exit 0"}, std::chrono::seconds(20), [&](Result<int>) {
      if (++ended == 2) loop.stop();
    }));
  }
  siginfo_t info{};
  int hooks = 0;
  while (hooks < 2 && ::waitid(P_ALL, 0, &info, WEXITED | WNOWAIT) == 0) ++hooks;
  loop.run();
  while (has_children() && hooks < 500) {
    CHECK(run("exit 0") == 0);
    ++hooks;
  }
  CHECK_FALSE(has_children());
  ::prctl(PR_SET_CHILD_SUBREAPER, 0);
}

TEST_CASE("what a process writes is handed over, and is no more than it may be") {
  CHECK(ask("printf '%s ' \"$NAME\"; sleep 0.01; printf more; exit 4").text == "value more");
  CHECK(ask("exit 4").code == 4);
  CHECK(ask("head -c 200000 /dev/zero", 200'000).text.size() == 200'000);
  CHECK(ask("head -c 200001 /dev/zero; exec sleep 60", 200'000).error == "sh: writes more than 200000 bytes");
  CHECK(ask("echo secret; exec sleep 60", 1000, Duration(50)).error == "sh: did not end within 0 s and was killed");
}

TEST_CASE("a process has nothing open of what this one has") {
  const int ours = ::open("/dev/null", O_RDONLY);  // not close-on-exec
  REQUIRE(ours > 2);
  CHECK(ask("[ -e /proc/$$/fd/" + std::to_string(ours) + " ] || echo closed").text == "closed\n");
  ::close(ours);
}

TEST_CASE("who keeps the output open is not waited for, nor is one who is not wanted any more") {
  CHECK(ask("echo said; setsid sleep 2 & exit 0").text == "said\n");
  Loop loop;
  auto dropped =
      run_for_output(loop, {"sleep", "60"}, {}, 10, std::chrono::minutes(2), [&](const Result<Output>&) { CHECK(false); });
  dropped.reset();
  loop.run();  // ends when nothing is left to wait for
}

}  // namespace knfe::net
