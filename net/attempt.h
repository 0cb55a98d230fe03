// Attempt: what one try at a non-blocking socket came to.
#pragma once

#include <cstddef>
#include <utility>

#include "base/result.h"

namespace knfe::net {

struct Attempt {
  enum class Outcome {
    kDone,       // `bytes` went through
    kWantRead,   // nothing yet: try again when the socket is readable
    kWantWrite,  // likewise, writable; TLS may want either for both directions
    kEnd,        // the peer ended its side properly
    kFailed,     // `error` says why; the connection is dead
  };
  Outcome outcome = Outcome::kDone;
  std::size_t bytes = 0;
  Error error;

  static Attempt done(std::size_t bytes) { return {Outcome::kDone, bytes, {}}; }
  static Attempt of(Outcome outcome) { return {outcome, 0, {}}; }
  static Attempt failed(Error error) { return {Outcome::kFailed, 0, std::move(error)}; }
};

}  // namespace knfe::net
