#include "net/process.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <optional>
#include <set>

extern char** environ;

namespace knfe::net {

namespace {

struct Child {
  Child(Loop& loop, int fd) : ended(loop.context(), fd) {}
  pid_t pid = 0;                                // until it is reaped
  boost::asio::posix::stream_descriptor ended;  // a pidfd: readable once the child has ended
  std::optional<boost::asio::posix::stream_descriptor> output;
  std::size_t most = 0;
  std::string text;
  std::array<char, 4096> piece{};
  Handle limit;
  std::function<void(Result<Output>)> done;
  std::optional<Error> killed;  // why

  void kill(std::optional<Error> why) {
    killed = std::move(why);
    if (pid > 0) ::kill(-pid, SIGKILL);
  }
  void take(std::size_t got) {
    if (text.size() + got <= most) {
      text.append(piece.data(), got);
    } else if (!killed) {
      kill(Error{Code::kInvalid, "writes more than " + std::to_string(most) + " bytes", {}, {}, 0});
    }
  }
};

// What is there of it by now. False at its end.
bool take_what_is_there(Child& child) {
  boost::system::error_code error;
  while (!child.killed) {
    const auto got = child.output->read_some(boost::asio::buffer(child.piece), error);
    if (error) return error == boost::asio::error::would_block;
    child.take(got);
  }
  return false;
}

void listen(const std::shared_ptr<Child>& child) {
  child->output->async_wait(boost::asio::posix::stream_descriptor::wait_read, [child](const auto& error) {
    if (!error && child->output && take_what_is_there(*child)) listen(child);
  });
}

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
// child of ours is left to whoever waits for it: this comes here again, for what is behind it.
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

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (const auto& text : texts) out.push_back(const_cast<char*>(text.c_str()));
  out.push_back(nullptr);
  return out;
}

std::vector<std::string> environment_with(const Variables& variables) {
  std::vector<std::string> all;
  for (char** one = environ; *one; ++one) all.emplace_back(*one);
  for (const auto& [name, value] : variables) {
    std::erase_if(all, [&](const std::string& one) { return one.starts_with(name + "="); });
    all.push_back(name + "=" + value);
  }
  return all;
}

// `output`: where its standard output goes.
Result<pid_t> spawn(const std::vector<std::string>& command, const Variables& variables, int output) {
  const auto environment = environment_with(variables);
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&files);
  posix_spawnattr_init(&attributes);
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO);
  // Sockets of this process are not all close-on-exec, and a child that outlives it must not keep them open.
  posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
  pid_t pid = 0;
  const int error =
      ::posix_spawnp(&pid, command.front().c_str(), &files, &attributes, pointers(command).data(), pointers(environment).data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&files);
  if (error) return fail(Code::kInvalid, std::string("cannot be started: ") + std::strerror(error), command.front());
  return pid;
}

// With `most` its output is taken.
Handle run(Loop& loop, const std::vector<std::string>& command, const Variables& variables, std::optional<std::size_t> most,
           Duration limit, std::function<void(Result<Output>)> done) {
  KNFE_CHECK(!command.empty());
  std::array<int, 2> pipe{-1, STDERR_FILENO};
  Result<pid_t> pid = fail(Code::kInternal, "no pipe can be made", command.front());
  if (!most || ::pipe2(pipe.data(), O_CLOEXEC) == 0) pid = spawn(command, variables, pipe[1]);
  if (most && pipe[0] >= 0) ::close(pipe[1]);
  const int fd = pid ? open_pidfd(*pid) : -1;
  if (fd < 0) {
    Error error{Code::kInternal, std::string("pidfd_open: ") + std::strerror(errno), command.front(), {}, 0};
    if (!pid) error = pid.error();
    if (pipe[0] >= 0) ::close(pipe[0]);
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
  if (most) {
    child->most = *most;
    child->output.emplace(loop.context(), pipe[0]);
    child->output->non_blocking(true);
    listen(child);
  }
  child->limit = loop.after(limit, [child, limit] {
    const std::string seconds = std::to_string(limit.count() / 1000);
    child->kill(Error{Code::kTimeout, "did not end within " + seconds + " s and was killed", {}, {}, 0});
  });
  child->ended.async_wait(boost::asio::posix::stream_descriptor::wait_read, [child, name = command.front()](const auto& error) {
    if (error) return;
    child->limit.reset();
    const int code = reap(child->pid);
    children().erase(std::exchange(child->pid, 0));  // may be somebody else's now
    reap_orphans();
    // Whoever it has left behind may hold its output open for ever.
    if (child->output) take_what_is_there(*child);
    child->output.reset();
    auto call = std::exchange(child->done, nullptr);
    if (!call) return;
    if (child->killed) {
      child->killed->where = name;
      return call(std::unexpected(*child->killed));
    }
    call(Output{code, std::move(child->text)});
  });
  return Handle([child] {
    if (!child->done) return;
    child->done = nullptr;
    child->kill({});  // the pending wait reaps it
  });
}

}  // namespace

Handle run_process(Loop& loop, const std::vector<std::string>& command, Duration limit, std::function<void(Result<int>)> done) {
  return run(loop, command, {}, {}, limit, [done = std::move(done)](Result<Output> ended) {
    done(ended ? Result<int>(ended->code) : Result<int>(std::unexpected(ended.error())));
  });
}

Handle run_for_output(Loop& loop, const std::vector<std::string>& command, const Variables& variables, std::size_t most,
                      Duration limit, std::function<void(Result<Output>)> done) {
  return run(loop, command, variables, most, limit, std::move(done));
}

}  // namespace knfe::net
