#include "test/sim/engine.h"

#include "base/random.h"
#include "base/result.h"
#include "net/loop.h"
#include "net/process.h"

namespace knfe::sim {

namespace {

Engine* living = nullptr;

}  // namespace

Engine::Engine() {
  KNFE_CHECK(!living);
  living = this;
}

Engine::~Engine() {
  // What is dropped may drop handles, which look for nobody here.
  posted_.clear();
  running_.clear();
  tasks_.clear();
  living = nullptr;
}

Engine& Engine::here() {
  KNFE_CHECK(living);
  return *living;
}

void Engine::at(Micros when, int process, std::function<void()> task) {
  std::uint32_t slot = 0;
  if (free_.empty()) {
    slot = static_cast<std::uint32_t>(tasks_.size());
    tasks_.push_back(std::move(task));
  } else {
    slot = free_.back();
    free_.pop_back();
    tasks_[slot] = std::move(task);
  }
  events_.push({when, order_++, process, slot});
}

void Engine::post(std::function<void()> task) { posted_.push_back(std::move(task)); }

bool Engine::step() {
  while (!events_.empty()) {
    const Event event = events_.top();
    events_.pop();
    if (const auto process = static_cast<std::size_t>(event.process); process < frozen_.size() && frozen_[process] > event.when) {
      events_.push({frozen_[process], event.order, event.process, event.slot});
      continue;
    }
    now_ = event.when;
    ++steps_;
    process_ = event.process;
    const auto task = std::exchange(tasks_[event.slot], nullptr);
    free_.push_back(event.slot);
    if (task) task();
    while (!posted_.empty()) {
      running_.swap(posted_);
      for (auto& one : running_) one();
      running_.clear();
    }
    return true;
  }
  return false;
}

void Engine::freeze(int process, Micros until) {
  if (frozen_.size() <= static_cast<std::size_t>(process)) frozen_.resize(static_cast<std::size_t>(process) + 1);
  frozen_[static_cast<std::size_t>(process)] = until;
}

std::int64_t Engine::random(std::int64_t most) {
  random_ = mix(random_, 0x5851f42d4c957f2du) + 1;
  return static_cast<std::int64_t>(random_ % static_cast<std::uint64_t>(most + 1));
}

}  // namespace knfe::sim

// In place of base/clock.cc, base/random.cc and net/loop.cc. The linker takes these, and leaves theirs in the archives.
namespace knfe {

namespace {

constexpr Duration kBegin{1'000'000};

// As digits, of which there are so many.
void put(char* at, std::int64_t number, int digits) {
  for (; digits > 0; number /= 10) at[--digits] = static_cast<char>('0' + number % 10);
}

std::string wall(bool micros) {
  const auto now = sim::Engine::here().now(), seconds = now / 1'000'000;
  std::string out = micros ? "2026-02-01T00:00:00.000000Z" : "2026-02-01T00:00:00Z";
  put(&out[11], seconds / 3600 % 24, 2);
  put(&out[14], seconds / 60 % 60, 2);
  put(&out[17], seconds % 60, 2);
  if (micros) put(&out[20], now % 1'000'000, 6);
  return out;
}

}  // namespace

Instant boot_now() { return Instant(kBegin + Duration(sim::Engine::here().now() / 1000)); }
std::string wall_seconds() { return wall(false); }
std::string wall_micros() { return wall(true); }
std::int64_t random_up_to(std::int64_t most) { return sim::Engine::here().random(most); }

}  // namespace knfe

// The product knows this type by name only.
class boost::asio::io_context {
 public:
  int process = 0;
};

namespace knfe::net {

Loop::Loop() : context_(std::make_unique<boost::asio::io_context>()) { context_->process = sim::Engine::here().process(); }
Loop::~Loop() = default;
void Loop::run() { KNFE_CHECK(false && "the engine runs everything"); }
void Loop::stop() {}  // a process ends when it is dropped
void Loop::post(std::function<void()> task) { sim::Engine::here().post(std::move(task)); }
void Loop::post_later(std::function<void()> task) { post(std::move(task)); }
Handle Loop::on_stop_signal(std::function<void()>) { return Handle(); }

Handle run_for_output(Loop&, const std::vector<std::string>&, const Variables&, std::size_t, Duration,
                      std::function<void(Result<Output>)>) {
  KNFE_CHECK(false && "nothing here has a credential plugin");
  return Handle();
}

Handle Loop::after(Duration delay, std::function<void()> task) {
  auto& engine = sim::Engine::here();
  auto timer = std::make_shared<std::function<void()>>(std::move(task));
  engine.at(engine.now() + delay.count() * 1000, context_->process, [timer] {
    if (auto due = std::exchange(*timer, nullptr)) due();
  });
  return Handle([weak = std::weak_ptr(timer)] {
    if (const auto pending = weak.lock()) *pending = nullptr;
  });
}

}  // namespace knfe::net
