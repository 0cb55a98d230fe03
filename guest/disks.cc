#include "guest/disks.h"

#include <dirent.h>
#include <grp.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>

#include "base/json.h"
#include "guest/files.h"

namespace knfe::guest {

namespace {

constexpr std::size_t kLongest = 1 << 20;

std::string trimmed(std::string_view text) {
  const auto from = text.find_first_not_of(" \t\n"), to = text.find_last_not_of(" \t\n");
  return from == std::string_view::npos ? "" : std::string(text.substr(from, to - from + 1));
}

std::unexpected<Error> trouble(const std::string& what, const std::string& where) {
  return fail(Code::kUnavailable, what + ": " + std::strerror(errno), where);
}

Result<std::string> device_of(const std::string& serial, const std::string& sys) {
  DIR* folder = ::opendir(sys.c_str());
  if (!folder) return trouble("block devices cannot be listed", sys);
  std::string found;
  while (const auto* entry = ::readdir(folder)) {
    const std::string name = entry->d_name;
    if (name.starts_with(".")) continue;
    // Of virtio its own, of SCSI and SATA the device's.
    for (const char* file : {"/serial", "/device/serial"}) {
      const auto text = read_file(sys + "/" + name + file, kLongest);
      if (text && trimmed(*text) == serial) found = name;
    }
  }
  ::closedir(folder);
  if (found.empty()) {
    return fail(Code::kNotFound, "no disk has the serial " + serial, sys,
                "KNFE attaches it to the virtual machines of a role whose membership.agent is not None");
  }
  return found;
}

Result<void> mount_disk(const std::string& serial, const std::string& folder, const User& user, const std::string& sys) {
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return trouble("cannot be made", folder);
  KNFE_TRY(const std::string device, device_of(serial, sys));
  const std::string path = "/dev/" + device;
  constexpr unsigned long kFlags = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC;
  const std::string options =
      "overriderockperm,uid=" + std::to_string(user.uid) + ",gid=" + std::to_string(user.gid) + ",mode=0400,dmode=0500";
  const auto mount = [&] { return ::mount(path.c_str(), folder.c_str(), "iso9660", kFlags, options.c_str()) == 0; };
  if (mount()) return {};
  // An earlier run's, maybe for another user.
  if (errno == EBUSY && ::umount2(folder.c_str(), MNT_DETACH) == 0 && mount()) return {};
  return trouble("cannot be mounted at " + folder, path);
}

// In single quotes a shell takes all as it is.
std::string quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? "'\\''" : std::string(1, c);
  return out + "'";
}

bool is_ours(std::string_view name) {
  if (!name.starts_with("KNFE_") && !name.starts_with("KUBERNETES_SERVICE_")) return false;
  return name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == std::string_view::npos;
}

}  // namespace

std::string identity_folder(const std::string& run) { return run + "/identity"; }
std::string account_folder(const std::string& run) { return run + "/account"; }

std::optional<User> parse_user(const std::string& text) {
  User out;
  const char* end = text.data() + text.size();
  const auto uid = std::from_chars(text.data(), end, out.uid);
  out.gid = out.uid;
  if (uid.ec == std::errc() && uid.ptr == end) return out;
  if (uid.ec != std::errc() || *uid.ptr != ':') return std::nullopt;
  const auto gid = std::from_chars(uid.ptr + 1, end, out.gid);
  return gid.ec == std::errc() && gid.ptr == end ? std::optional(out) : std::nullopt;
}

Result<void> mount_disks(const std::string& run, const User& user, const std::string& sys) {
  if (::mkdir(run.c_str(), 0755) != 0 && errno != EEXIST) return trouble("cannot be made", run);
  if (auto mounted = mount_disk("knfe-identity", identity_folder(run), user, sys); !mounted) return mounted;
  if (auto mounted = mount_disk("knfe-account", account_folder(run), user, sys); !mounted) return mounted;
  if (::chown(run.c_str(), user.uid, user.gid) != 0) return trouble("cannot be given to the user", run);
  return {};
}

Result<void> become(const User& user) {
  const bool done = ::setgroups(0, nullptr) == 0 && ::setgid(user.gid) == 0 && ::setuid(user.uid) == 0;
  return done ? Result<void>() : trouble("this process cannot become user " + std::to_string(user.uid), {});
}

Result<void> take_identity(const std::string& run) {
  const std::string folder = identity_folder(run);
  KNFE_TRY(const std::string text, read_file(folder + "/identity", kLongest));
  KNFE_TRY(Json identity, parse_json(text));
  if (!identity.is_object()) return fail(Code::kInvalid, "is no JSON object", folder + "/identity");
  KNFE_TRY(const std::string instance, read_file(folder + "/instance", kLongest));
  identity.get_object()["KNFE_POD_UID"] = trimmed(instance);
  std::string lines;
  for (const auto& entry : identity.get_object()) {
    const std::string name(entry.key());
    if (!is_ours(name) || !entry.value().is_string()) continue;
    const std::string value(as_string(entry.value()));
    if (value.find('\0') != std::string::npos) return fail(Code::kInvalid, "a value holds a NUL", folder + "/identity");
    ::setenv(name.c_str(), value.c_str(), 1);
    lines += name + "=" + quoted(value) + "\n";
  }
  return write_file(run + "/environment", lines);
}

}  // namespace knfe::guest
