#include "base/result.h"

#include <cstdio>
#include <cstdlib>

namespace knfe {

std::string_view name(Code code) {
  switch (code) {
    case Code::kInvalid:
      return "Invalid";
    case Code::kNotFound:
      return "NotFound";
    case Code::kUnserved:
      return "Unserved";
    case Code::kAlreadyExists:
      return "AlreadyExists";
    case Code::kConflict:
      return "Conflict";
    case Code::kForbidden:
      return "Forbidden";
    case Code::kGone:
      return "Gone";
    case Code::kTooMany:
      return "TooMany";
    case Code::kUnavailable:
      return "Unavailable";
    case Code::kTimeout:
      return "Timeout";
    case Code::kCanceled:
      return "Canceled";
    case Code::kInternal:
      return "Internal";
  }
  KNFE_CHECK(false && "known code");
}

std::string Error::text() const {
  std::string out;
  if (!where.empty()) out += where + ": ";
  out += message;
  if (!hint.empty()) out += " (" + hint + ")";
  return out;
}

void check_failed(const char* file, int line, const char* what) {
  std::fprintf(stderr, "%s:%d: impossible state: %s\n", file, line, what);
  std::abort();
}

}  // namespace knfe
