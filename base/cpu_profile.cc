#include "base/cpu_profile.h"

#include <setjmp.h>
#include <signal.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unwind.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <thread>
#include <vector>

namespace knfe {

namespace {

using Address = std::uintptr_t;

constexpr std::size_t kMostFrames = 63;
constexpr Address kNowhere = 1;
constexpr auto kPeriod = std::chrono::milliseconds(10);

struct Sample {
  Address frames = 0;
  std::array<Address, kMostFrames> stack{};  // the innermost first

  void add(Address address) {
    if (frames < kMostFrames) stack[frames++] = address;
  }
};

Address interrupted_at(const void* context) {
  const auto& machine = static_cast<const ucontext_t*>(context)->uc_mcontext;
#if defined(__x86_64__)
  return static_cast<Address>(machine.gregs[REG_RIP]);
#elif defined(__aarch64__)
  return static_cast<Address>(machine.pc);
#else
#error "where does this machine keep its program counter?"
#endif
}

// Of the thread whose stack is being walked: the way back if that fails.
thread_local sigjmp_buf* rescue = nullptr;

struct Walk {
  Sample* sample;
  Address from;
  bool inside = false;  // past the frames of the signal handler
};

_Unwind_Reason_Code visit(_Unwind_Context* frame, void* state) {
  auto& walk = *static_cast<Walk*>(state);
  const auto address = static_cast<Address>(_Unwind_GetIP(frame));
  if (walk.inside) walk.sample->add(address);
  walk.inside = walk.inside || address == walk.from;
  return walk.sample->frames < kMostFrames ? _URC_NO_REASON : _URC_END_OF_STACK;
}

// Aborts nothing: an address that is none leads to rescue_or_die().
void walk_stack(Sample& sample, Address from) {
  sample.add(from);
  // Whoever throws may hold the unwinder's lock.
  if (std::uncaught_exceptions() > 0) return;
  sigjmp_buf way_back;
  if (sigsetjmp(way_back, 1) == 0) {
    rescue = &way_back;
    Walk walk{&sample, from};
    _Unwind_Backtrace(visit, &walk);
  }
  rescue = nullptr;
}

}  // namespace

struct CpuProfile::Samples {
  explicit Samples(std::size_t most) : places(most) {}

  std::vector<Sample> places;
  std::atomic<std::size_t> next = 0;
  struct sigaction segv_before{}, bus_before{};
};

namespace {

// Signal handlers can be told nothing otherwise.
std::atomic<void*> running = nullptr;  // CpuProfile::Samples
std::atomic<int> noting = 0;           // handlers that may use it

void die(int signal) {
  struct sigaction plain{};
  plain.sa_handler = SIG_DFL;
  sigaction(signal, &plain, nullptr);  // what has failed is tried again, and ends the process
}

void rescue_or_die(int signal) { rescue ? siglongjmp(*rescue, 1) : die(signal); }

void set_timer(std::chrono::microseconds period) {
  const timeval every{0, static_cast<suseconds_t>(period.count())};
  const itimerval timer{every, every};
  setitimer(ITIMER_PROF, &timer, nullptr);
}

}  // namespace

Result<std::unique_ptr<CpuProfile>> CpuProfile::start(Duration limit) {
  if (running.load()) return fail(Code::kAlreadyExists, "another CPU profile is being taken", {}, "try again once it is done");
  // The unwinder prepares itself on its first use, which allocates.
  Sample unused;
  Walk walk{&unused, kNowhere};
  _Unwind_Backtrace(visit, &walk);

  std::unique_ptr<CpuProfile> profile(new CpuProfile(std::make_unique<Samples>(static_cast<std::size_t>(limit / kPeriod))));
  auto& samples = *profile->samples_;
  struct sigaction action{};
  action.sa_flags = SA_RESTART;
  action.sa_handler = rescue_or_die;
  sigaction(SIGSEGV, &action, &samples.segv_before);
  sigaction(SIGBUS, &action, &samples.bus_before);
  action.sa_flags = SA_RESTART | SA_SIGINFO;
  action.sa_sigaction = [](int, siginfo_t*, void* context) {
    const int error = errno;
    ++noting;
    if (auto* now = static_cast<Samples*>(running.load())) {
      if (const auto place = now->next++; place < now->places.size()) walk_stack(now->places[place], interrupted_at(context));
    }
    --noting;
    errno = error;
  };
  sigaction(SIGPROF, &action, nullptr);  // stays: a tick may still be under way when the profile is done
  running = &samples;
  set_timer(kPeriod);
  return profile;
}

CpuProfile::CpuProfile(std::unique_ptr<Samples> samples) : samples_(std::move(samples)) {}

CpuProfile::~CpuProfile() { stop(); }

void CpuProfile::stop() {
  if (running.load() != samples_.get()) return;
  set_timer({});
  running = nullptr;
  while (noting.load() > 0) std::this_thread::yield();  // on other threads
  sigaction(SIGSEGV, &samples_->segv_before, nullptr);
  sigaction(SIGBUS, &samples_->bus_before, nullptr);
}

std::string CpuProfile::take() {
  stop();
  std::string out;
  const auto add = [&](std::initializer_list<Address> words) {
    for (const Address word : words) out.append(reinterpret_cast<const char*>(&word), sizeof word);
  };
  add({0, 3, 0, static_cast<Address>(std::chrono::microseconds(kPeriod).count()), 0});
  const auto noted = std::min(samples_->next.load(), samples_->places.size());
  for (std::size_t i = 0; i < noted; ++i) {
    const auto& sample = samples_->places[i];
    add({1, sample.frames});
    for (std::size_t frame = 0; frame < sample.frames; ++frame) add({sample.stack[frame]});
  }
  add({0, 1, 0});
  // What lies where: by it pprof knows addresses of the binary from others.
  if (std::FILE* maps = std::fopen("/proc/self/maps", "re")) {
    std::array<char, 4096> piece;
    while (const auto got = std::fread(piece.data(), 1, piece.size(), maps)) out.append(piece.data(), got);
    std::fclose(maps);
  }
  return out;
}

}  // namespace knfe
