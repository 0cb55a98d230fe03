// Doorbell: a local socket at which processes of the same pod ask for one thing and wait until it is done.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "net/loop.h"

namespace knfe::net {

class Doorbell {
 public:
  // Whoever connects to `path` has rung: `rung` is called from the loop each time. A socket left by a dead process is replaced.
  static Result<std::unique_ptr<Doorbell>> listen(Loop& loop, const std::string& path, std::function<void()> rung);
  virtual ~Doorbell() = default;
  // Lets everybody go who rang, and from now on whoever rings.
  virtual void open() = 0;
  // Whoever rings waits again.
  virtual void close() = 0;
};

// Rings at `path` and blocks until let go, at most `limit`. For processes without a loop.
Result<void> ring_and_wait(const std::string& path, Duration limit);

}  // namespace knfe::net
