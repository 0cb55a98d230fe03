#include "guest/install.h"

#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/log.h"
#include "kube/request.h"

namespace knfe::guest {

Result<void> install_binary(const std::string& path) {
  const std::string temporary = path + ".new";
  const auto trouble = [&](const char* what) {
    return fail(Code::kUnavailable, std::string(what) + ": " + std::strerror(errno), path);
  };
  const int from = ::open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  if (from < 0) return trouble("this program cannot be read");
  const int to = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
  if (to < 0) {
    ::close(from);
    return trouble("cannot be written");
  }
  struct stat info{};
  ::fstat(from, &info);
  off_t done = 0;
  while (done < info.st_size && ::sendfile(to, from, &done, static_cast<std::size_t>(info.st_size - done)) > 0) {
  }
  ::fchmod(to, 0755);
  ::close(from);
  if (::close(to) != 0 || done != info.st_size) return trouble("cannot be written");
  if (std::rename(temporary.c_str(), path.c_str()) != 0) return trouble("cannot be put in place");
  return {};
}

namespace {

struct Install {
  net::Loop& loop;
  kube::ApiClient& api;
  Identity identity;
  Instant until;
  std::function<void(Result<void>)> done;
  net::Handle call, again;
};

void attempt(const std::shared_ptr<Install>& install) {
  const auto& identity = install->identity;
  install->call = install->api.call(api::ConfigMap::resource.plural, "get",
                                    kube::get_request(api::ConfigMap::resource, {identity.ns, identity.function + "-peers"}),
                                    [install](const Result<Json>& map) {
                                      const auto& self = install->identity.member;
                                      auto list = map ? read_member_list(as_string(at(*map, "data", "members.json")), self)
                                                      : Result<MemberList>(std::unexpected(map.error()));
                                      // Before the first container starts the list must at least hold this member itself.
                                      if (list && list->own_state.empty())
                                        list = fail(Code::kUnavailable, "the member list does not hold this member yet", self);
                                      if (list) return install->done(write_member_list(*list, kRunFolder));
                                      if (boot_now() > install->until) return install->done(std::unexpected(list.error()));
                                      log(Level::kInfo, "waiting for the member list", {{"error", list.error().text()}});
                                      install->again = install->loop.after(Duration(200), [install] { attempt(install); });
                                    });
}

}  // namespace

void install_list(net::Loop& loop, kube::ApiClient& api, const Identity& identity, Duration limit,
                  std::function<void(Result<void>)> done) {
  attempt(std::make_shared<Install>(Install{loop, api, identity, boot_now() + limit, std::move(done), {}, {}}));
}

}  // namespace knfe::guest
