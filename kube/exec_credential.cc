#include "kube/exec_credential.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>

#include "base/json.h"

extern char** environ;

namespace knfe::kube {

namespace {

constexpr std::size_t kMostOutput = 1u << 20;
constexpr Duration kMargin{10'000};  // a token is renewed before its end

// Seconds since 1970 of an RFC 3339 time in UTC, or -1.
std::int64_t seconds_of(std::string_view text) {
  tm parts{};
  const std::string whole(text);
  const char* rest = ::strptime(whole.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  return rest && (*rest == 'Z' || *rest == '.') ? static_cast<std::int64_t>(::timegm(&parts)) : -1;
}

// What comes out of `file` until it ends or time is up.
Result<std::string> read_all(int file, Duration limit) {
  const Instant end = boot_now() + limit;
  std::string out;
  std::array<char, 4096> piece;
  while (true) {
    pollfd waiting{file, POLLIN, 0};
    const auto left = std::max(Duration(0), end - boot_now());
    const int ready = ::poll(&waiting, 1, static_cast<int>(left.count()));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return fail(Code::kTimeout, "did not end in time and was killed");
    const ssize_t got = ::read(file, piece.data(), piece.size());
    if (got <= 0) return out;
    out.append(piece.data(), static_cast<std::size_t>(got));
    if (out.size() > kMostOutput) return fail(Code::kInvalid, "says more than 1 MiB");
  }
}

std::vector<std::string> environment_of(const ExecPlugin& plugin) {
  std::vector<std::string> all;
  for (char** one = environ; *one; ++one) all.emplace_back(*one);
  const auto set = [&](const std::string& name, const std::string& value) {
    std::erase_if(all, [&](const std::string& one) { return one.starts_with(name + "="); });
    all.push_back(name + "=" + value);
  };
  set("KUBERNETES_EXEC_INFO",
      to_text(JsonObject{{"apiVersion", plugin.api_version}, {"kind", "ExecCredential"}, {"spec", {{"interactive", false}}}}));
  for (const auto& [name, value] : plugin.environment) set(name, value);
  return all;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (auto& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

}  // namespace

Result<ExecCredential> read_exec_credential(std::string_view text, std::int64_t now) {
  const auto said = parse_json(text);
  if (!said || as_string(at(*said, "kind")) != "ExecCredential")
    return fail(Code::kForbidden, "does not write an ExecCredential");
  ExecCredential credential;
  credential.token = as_string(at(*said, "status", "token"));
  if (credential.token.empty()) {
    return fail(Code::kForbidden, "gives no token", {}, "client certificates of a plugin are not supported");
  }
  const auto until = as_string(at(*said, "status", "expirationTimestamp"));
  if (!until.empty()) {
    const auto end = seconds_of(until);
    if (end < 0) return fail(Code::kForbidden, "gives an expirationTimestamp that is no time");
    credential.good_for = std::max(Duration(0), Duration(std::min(end - now, std::int64_t{1} << 31) * 1000) - kMargin);
  }
  return credential;
}

Result<ExecCredential> run_exec_plugin(const ExecPlugin& plugin, Duration limit) {
  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0) return fail(Code::kInternal, std::strerror(errno), plugin.command);
  std::vector<std::string> command{plugin.command};
  command.insert(command.end(), plugin.arguments.begin(), plugin.arguments.end());
  auto environment = environment_of(plugin);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&files, pipe[1], STDOUT_FILENO);
  pid_t pid = 0;
  const int error =
      ::posix_spawnp(&pid, command.front().c_str(), &files, nullptr, pointers(command).data(), pointers(environment).data());
  posix_spawn_file_actions_destroy(&files);
  ::close(pipe[1]);
  if (error) {
    ::close(pipe[0]);
    return fail(Code::kForbidden, std::string("cannot be started: ") + std::strerror(error), plugin.command,
                "install the credential plugin that the kubeconfig names");
  }
  auto output = read_all(pipe[0], limit);
  ::close(pipe[0]);
  // It may have said all and not end: nobody waits for that.
  const int ended = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  pollfd end{ended, POLLIN, 0};
  if (!output || (ended >= 0 && ::poll(&end, 1, static_cast<int>(limit.count())) != 1)) ::kill(pid, SIGKILL);
  if (ended >= 0) ::close(ended);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  Result<ExecCredential> credential = std::unexpected(Error{});
  if (!output) {
    credential = std::unexpected(output.error());
  } else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    credential = fail(Code::kForbidden, "has failed", {}, "it has said why, if it has");
  } else {
    credential = read_exec_credential(*output, static_cast<std::int64_t>(::time(nullptr)));
  }
  if (!credential) credential.error().where = "credential plugin " + plugin.command;
  return credential;
}

}  // namespace knfe::kube
