// Loop: the one thread that owns sockets, timers and everything that hangs on them.
//
// Not thread-safe except post(). Callbacks run on the thread that called run(). Whoever registers a callback makes sure
// that what it captures outlives the returned handle; dropping the handle cancels the callback, and after that it is
// never called. The loop outlives every client and server made on it; a handle may outlive the loop.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "base/clock.h"

namespace boost::asio {
class io_context;
}

namespace knfe::net {

// Cancels what it stands for when dropped or reset. Movable, may be empty.
class Handle {
 public:
  Handle() = default;
  explicit Handle(std::function<void()> cancel) : cancel_(std::move(cancel)) {}
  Handle(Handle&& other) noexcept : cancel_(std::exchange(other.cancel_, nullptr)) {}
  Handle& operator=(Handle&& other) noexcept {
    if (this != &other) {
      reset();
      cancel_ = std::exchange(other.cancel_, nullptr);
    }
    return *this;
  }
  ~Handle() { reset(); }
  void reset() {
    if (auto cancel = std::exchange(cancel_, nullptr)) cancel();
  }
  explicit operator bool() const { return static_cast<bool>(cancel_); }

 private:
  std::function<void()> cancel_;
};

class Loop {
 public:
  Loop();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  void run();                             // until stop(), or until nothing is left to wait for; may be called again
  void stop();                            // run() returns after the current callback, or at once if it is called next
  void post(std::function<void()> task);  // from any thread; never runs it inline
  // Runs `task` when all that is posted has run, and before the loop looks at sockets and clocks again: what many bring about in
  // one turn is sent by one system call. From the loop's thread.
  void at_end_of_turn(std::function<void()> task);
  // Runs `task`, what it posts and the end of the turn, without asking the kernel between. For callbacks of sockets and timers.
  void turn(const std::function<void()>& task);
  // The same, after sockets and timers have had their turn: for what goes on and on.
  void post_later(std::function<void()> task);
  // Runs `task` once after `delay`. A dropped handle cancels it.
  [[nodiscard]] Handle after(Duration delay, std::function<void()> task);
  // Runs `task` at each SIGTERM or SIGINT while the handle lives.
  [[nodiscard]] Handle on_stop_signal(std::function<void()> task);

  boost::asio::io_context& context() { return *context_; }

 private:
  void drain();
  void come_back();

  std::unique_ptr<boost::asio::io_context> context_;
  // Of the loop's own thread: each round through Asio's queue would cost an epoll_wait().
  std::deque<std::function<void()>> posted_;
  std::vector<std::function<void()>> ends_;
  bool in_turn_ = false;
  bool coming_back_ = false;
};

}  // namespace knfe::net
