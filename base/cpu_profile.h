// CpuProfile: where a process spends its time on a processor - the stack at each hundredth of a second of it.
//
// One at a time in a process. The signal handler writes into memory that was taken before; it allocates nothing, and waits for
// nothing that the code that it interrupts may hold: in the midst of an exception only the innermost function is noted. Should
// unwinding go astray, that sample ends there.
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/result.h"

namespace knfe {

class CpuProfile {
 public:
  // Code::kAlreadyExists while another runs. Beyond `limit` of processor time nothing more is noted.
  static Result<std::unique_ptr<CpuProfile>> start(Duration limit);
  ~CpuProfile();
  CpuProfile(const CpuProfile&) = delete;
  CpuProfile& operator=(const CpuProfile&) = delete;

  // Ends it. The profile in the format of gperftools, which pprof reads beside the binary with its symbols.
  std::string take();

 private:
  struct Samples;
  explicit CpuProfile(std::unique_ptr<Samples> samples);
  void stop();

  const std::unique_ptr<Samples> samples_;
};

}  // namespace knfe
