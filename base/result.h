// Result<T>: a value or an Error, never both.
//
// Errors that the world can cause (bad input, dead peers, half answers) travel as values. Impossible states call
// KNFE_CHECK, which prints where and aborts: a restart is cheap, undefined state is not.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace knfe {

enum class Code {
  kInvalid,        // the input is wrong; retrying cannot help
  kNotFound,       // it is proven not to exist
  kUnserved,       // the server knows no such kind of thing: whether it exists is unknown
  kAlreadyExists,  // a create met its name
  kConflict,       // a precondition (uid, resourceVersion, field ownership) does not hold
  kForbidden,      // missing rights or credentials
  kGone,           // the resource version is too old to watch from (410)
  kTooMany,        // the server asks to wait (429)
  kUnavailable,    // the peer could not be asked, or answered half
  kTimeout,        // no answer in time: whether it happened is unknown
  kCanceled,       // the caller gave up
  kInternal,       // the peer failed (5xx) or broke its protocol
};

std::string_view name(Code code);

struct Error {
  Code code = Code::kInternal;
  std::string message;       // what went wrong, one line, no secrets
  std::string where;         // JSON pointer, file:line:column, or URL; may be empty
  std::string hint;          // what to do about it; may be empty
  double retry_after_s = 0;  // as told by the server; 0 if it said nothing

  // "where: message (hint)" for logs, conditions and terminals.
  std::string text() const;
};

template <class T>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> fail(Code code, std::string message, std::string where = {}, std::string hint = {}) {
  return std::unexpected(Error{code, std::move(message), std::move(where), std::move(hint), 0});
}

[[noreturn]] void check_failed(const char* file, int line, const char* what);

}  // namespace knfe

#define KNFE_CHECK(condition)                                               \
  do {                                                                      \
    if (!(condition)) ::knfe::check_failed(__FILE__, __LINE__, #condition); \
  } while (false)

#define KNFE_CONCAT_(a, b) a##b
#define KNFE_CONCAT(a, b) KNFE_CONCAT_(a, b)
// KNFE_TRY(auto x, expression): x = value, or return the error.
#define KNFE_TRY(declaration, expression)                                                                         \
  auto KNFE_CONCAT(result_, __LINE__) = (expression);                                                             \
  if (!KNFE_CONCAT(result_, __LINE__)) return std::unexpected(std::move(KNFE_CONCAT(result_, __LINE__)).error()); \
  declaration = std::move(*KNFE_CONCAT(result_, __LINE__))
