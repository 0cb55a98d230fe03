#include "cmd/guest.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace knfe::cmd {

namespace {

// The exit code of `knfe guest leave -- COMMAND` where there is no agent that could answer.
int leave(const std::vector<std::string>& command) {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::dup2(::open("/dev/null", O_WRONLY | O_CLOEXEC), STDERR_FILENO);  // its log
    ::_exit(guest_leave(0, command));
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  return WEXITSTATUS(status);
}

}  // namespace

TEST_CASE("a container's own last command runs also where the agent does not answer") {
  CHECK(leave({}) == 1);
  CHECK(leave({"sh", "-c", "exit $1", "sh", "7"}) == 7);
  CHECK(leave({"/nowhere/x"}) == 1);
}

}  // namespace knfe::cmd
