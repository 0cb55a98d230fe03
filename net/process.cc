#include "net/process.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <set>

extern char** environ;

namespace knfe::net {

namespace {

struct Child {
  Child(Loop& loop, int fd) : ended(loop.context(), fd) {}
  pid_t pid = 0;
  boost::asio::posix::stream_descriptor ended;  // a pidfd: readable once the child has ended
  Handle limit;
  std::function<void(Result<int>)> done;
  bool late = false;
};

// -1 with errno set if the kernel has no pidfd (before Linux 5.3).
int open_pidfd(pid_t pid) { return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)); }

// Of this process, as the kernel has them: all that run_process() has started and not reaped yet.
std::set<pid_t>& children() {
  static std::set<pid_t> all;
  return all;
}

int reap(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

// The first process of a PID namespace inherits what others leave behind: it must be reaped, too, or it stays a zombie. What is a
// child of ours is left to whoever waits for it.
void reap_orphans() {
  int inherits = 0;  // a test makes itself one that does
  ::prctl(PR_GET_CHILD_SUBREAPER, &inherits);
  if (::getpid() != 1 && !inherits) return;
  siginfo_t ended{};
  while (::waitid(P_ALL, 0, &ended, WEXITED | WNOHANG | WNOWAIT) == 0 && ended.si_pid != 0 &&
         !children().contains(ended.si_pid)) {
    reap(ended.si_pid);
    ended = {};
  }
}

Result<pid_t> spawn(const std::vector<std::string>& command) {
  std::vector<char*> arguments;
  for (const auto& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&files);
  posix_spawnattr_init(&attributes);
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&files, STDERR_FILENO, STDOUT_FILENO);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
  pid_t pid = 0;
  const int error = ::posix_spawnp(&pid, arguments.front(), &files, &attributes, arguments.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&files);
  if (error) return fail(Code::kInvalid, std::string("cannot be started: ") + std::strerror(error), command.front());
  return pid;
}

}  // namespace

Handle run_process(Loop& loop, const std::vector<std::string>& command, Duration limit, std::function<void(Result<int>)> done) {
  KNFE_CHECK(!command.empty());
  auto pid = spawn(command);
  const int fd = pid ? open_pidfd(*pid) : -1;
  if (fd < 0) {
    Error error{Code::kInternal, std::string("pidfd_open: ") + std::strerror(errno), command.front(), {}, 0};
    if (!pid) error = pid.error();
    if (pid) {
      ::kill(-*pid, SIGKILL);
      reap(*pid);
    }
    return loop.after(Duration(0), [done = std::move(done), error] { done(std::unexpected(error)); });
  }
  auto child = std::make_shared<Child>(loop, fd);
  child->pid = *pid;
  children().insert(*pid);
  child->done = std::move(done);
  child->limit = loop.after(limit, [child] {
    child->late = true;
    ::kill(-child->pid, SIGKILL);
  });
  child->ended.async_wait(boost::asio::posix::stream_descriptor::wait_read, [child, name = command.front(),
                                                                             limit](const auto& error) {
    if (error) return;
    child->limit.reset();
    const int code = reap(child->pid);
    children().erase(child->pid);
    reap_orphans();
    auto call = std::exchange(child->done, nullptr);
    if (!call) return;
    if (child->late)
      return call(fail(Code::kTimeout, "did not end within " + std::to_string(limit.count() / 1000) + " s and was killed", name));
    call(code);
  });
  return Handle([child] {
    if (!child->done) return;
    child->done = nullptr;
    ::kill(-child->pid, SIGKILL);  // the pending wait reaps it
  });
}

}  // namespace knfe::net
