#include "kube/credential_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

namespace knfe::kube {

namespace {

constexpr std::size_t kMaxSize = 4u << 20;

struct Descriptor {
  explicit Descriptor(int opened) : number(opened) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number >= 0) close(number);
  }
  const int number;
};

std::unexpected<Error> failed(const std::string& path) {
  const int reason = errno;
  const Code code = reason == ENOENT || reason == ENOTDIR ? Code::kNotFound
                    : reason == EACCES                    ? Code::kForbidden
                                                          : Code::kInvalid;
  return fail(code, std::generic_category().message(reason), path);
}

int value_of(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+') return 62;
  if (c == '/') return 63;
  return -1;
}

}  // namespace

Result<std::string> read_credential_file(const std::string& path) {
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.number < 0) return failed(path);
  std::string text;
  std::array<char, 4096> piece;
  while (true) {
    const ssize_t got = read(file.number, piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failed(path);
    if (got == 0) return text;
    text.append(piece.data(), static_cast<std::size_t>(got));
    if (text.size() > kMaxSize) return fail(Code::kInvalid, "more than 4 MiB", path);
  }
}

Result<std::string> decode_base64(std::string_view text) {
  std::string bytes;
  unsigned window = 0;
  int symbols = 0;  // of the current group of four
  int padding = 0;
  for (const char c : text) {
    if (c == '\n' || c == '\r') continue;
    const int value = c == '=' ? 0 : value_of(c);
    const bool misplaced = c == '=' ? symbols < 2 : padding > 0;
    if (value < 0 || misplaced) return fail(Code::kInvalid, "not base64");
    padding += c == '=';
    window = window << 6 | static_cast<unsigned>(value);
    if (++symbols < 4) continue;
    for (int shift = 16; shift >= 8 * padding; shift -= 8) bytes += static_cast<char>(window >> shift & 0xff);
    symbols = 0;
  }
  if (symbols != 0) return fail(Code::kInvalid, "not base64: its end is missing");
  return bytes;
}

}  // namespace knfe::kube
