#include "net/loop.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <csignal>

#include "base/result.h"

namespace knfe::net {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

constexpr int kTasksPerTurn = 1000;  // then sockets and clocks have theirs

}  // namespace

// The hint of one thread saves locking; post() from other threads stays allowed.
Loop::Loop() : context_(std::make_unique<asio::io_context>(1)) {}
Loop::~Loop() = default;

void Loop::run() {
  context_->run();
  context_->restart();
}

void Loop::stop() { context_->stop(); }

void Loop::post(std::function<void()> task) {
  if (!context_->get_executor().running_in_this_thread()) {
    return asio::post(*context_, [this, task = std::move(task)] { turn(task); });
  }
  posted_.push_back(std::move(task));
  if (!in_turn_) come_back();
}

void Loop::post_later(std::function<void()> task) {
  asio::post(*context_, [this, task = std::move(task)] { turn(task); });
}

void Loop::at_end_of_turn(std::function<void()> task) {
  ends_.push_back(std::move(task));
  if (!in_turn_) come_back();
}

void Loop::turn(const std::function<void()>& task) {
  if (std::exchange(in_turn_, true)) return task();
  task();
  drain();
  in_turn_ = false;
  if (!posted_.empty() || !ends_.empty()) come_back();
}

void Loop::drain() {
  for (int left = kTasksPerTurn; left > 0 && !context_->stopped(); --left) {
    if (posted_.empty()) break;
    const auto task = std::move(posted_.front());
    posted_.pop_front();
    task();
  }
  if (context_->stopped()) return;
  for (const auto& end : std::exchange(ends_, {})) end();
}

void Loop::come_back() {
  if (std::exchange(coming_back_, true)) return;
  asio::post(*context_, [this] {
    coming_back_ = false;
    turn([] {});
  });
}

// The waiting operation owns the timer and the handle only looks at it: a handle that outlives the loop finds nothing.
Handle Loop::after(Duration delay, std::function<void()> task) {
  if (delay <= Duration(0)) {  // still within this turn, and without the kernel's clock
    auto wanted = std::make_shared<std::function<void()>>(std::move(task));
    post([wanted] {
      if (const auto due = std::exchange(*wanted, nullptr)) due();
    });
    return Handle([weak = std::weak_ptr(wanted)] {
      if (const auto pending = weak.lock()) *pending = nullptr;
    });
  }
  struct Timer {
    asio::steady_timer clock;
    std::function<void()> task;
  };
  auto timer = std::shared_ptr<Timer>(new Timer{asio::steady_timer(*context_, delay), std::move(task)});
  timer->clock.async_wait([this, timer](error_code) {
    // Cancelling may come too late to stop this call, so the task itself says whether it is still wanted.
    if (const auto due = std::exchange(timer->task, nullptr)) turn(due);
  });
  return Handle([weak = std::weak_ptr(timer)] {
    auto pending = weak.lock();
    if (!pending) return;
    pending->task = nullptr;
    pending->clock.cancel();
  });
}

namespace {

struct Signals {
  Signals(asio::io_context& context, std::function<void()> wanted) : set(context), task(std::move(wanted)) {}
  asio::signal_set set;
  std::function<void()> task;
};

void wait_for(const std::shared_ptr<Signals>& signals) {
  signals->set.async_wait([signals](error_code error, int) {
    if (error || !signals->task) return;
    auto task = signals->task;  // a copy: the task may drop its own handle
    task();
    if (signals->task) wait_for(signals);
  });
}

}  // namespace

Handle Loop::on_stop_signal(std::function<void()> task) {
  auto signals = std::make_shared<Signals>(*context_, std::move(task));
  error_code error;
  signals->set.add(SIGTERM, error);
  if (!error) signals->set.add(SIGINT, error);
  KNFE_CHECK(!error);
  wait_for(signals);
  return Handle([weak = std::weak_ptr(signals)] {
    auto pending = weak.lock();
    if (!pending) return;
    pending->task = nullptr;
    error_code ignored;
    pending->set.clear(ignored);
    pending->set.cancel(ignored);
  });
}

}  // namespace knfe::net
