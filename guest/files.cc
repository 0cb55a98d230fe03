#include "guest/files.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace knfe::guest {

Result<std::string> read_file(const std::string& path, std::size_t limit) {
  std::FILE* file = std::fopen(path.c_str(), "re");
  if (!file) return fail(Code::kUnavailable, std::string("cannot be read: ") + std::strerror(errno), path);
  std::string out(limit + 1, '\0');
  out.resize(std::fread(out.data(), 1, out.size(), file));
  const bool failed = std::ferror(file) != 0;
  std::fclose(file);
  if (failed) return fail(Code::kUnavailable, "cannot be read", path);
  if (out.size() > limit) return fail(Code::kInvalid, "is longer than " + std::to_string(limit) + " bytes", path);
  return out;
}

Result<void> write_file(const std::string& path, const std::string& text, unsigned mode) {
  const std::string temporary = path + ".new";
  const int descriptor = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
  std::FILE* file = descriptor < 0 ? nullptr : ::fdopen(descriptor, "w");
  const bool written = file && std::fwrite(text.data(), 1, text.size(), file) == text.size();
  const bool closed = file && std::fclose(file) == 0;
  if (!written || !closed || std::rename(temporary.c_str(), path.c_str()) != 0) {
    return fail(Code::kUnavailable, std::string("cannot be written: ") + std::strerror(errno), path);
  }
  return {};
}

}  // namespace knfe::guest
