#include "net/doorbell.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <cstring>
#include <list>

namespace knfe::net {

namespace {

using Local = boost::asio::local::stream_protocol;
constexpr std::size_t kMostWaiting = 16;
constexpr Duration kRestart{10'000};  // within this a restarted agent listens again

enum class Answer { kDone, kNobody };

Answer wait_for_answer(int fd, Instant end) {
  for (;;) {
    const auto left = end - boot_now();
    if (left.count() <= 0) return Answer::kNobody;
    pollfd ready{fd, POLLIN, 0};
    const int polled = ::poll(&ready, 1, static_cast<int>(std::min<std::int64_t>(left.count(), 60'000)));
    if (polled == 0 || (polled < 0 && errno == EINTR)) continue;
    char answer[8];
    return polled > 0 && ::read(fd, answer, sizeof answer) > 0 ? Answer::kDone : Answer::kNobody;
  }
}

class LocalDoorbell : public Doorbell {
 public:
  LocalDoorbell(Loop& loop, std::function<void()> rung) : loop_(loop), acceptor_(loop.context()), rung_(std::move(rung)) {}

  Result<void> bind(const std::string& path) {
    ::unlink(path.c_str());
    boost::system::error_code error;
    const Local::endpoint endpoint(path);
    acceptor_.open(endpoint.protocol(), error);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(8, error);
    if (error) return fail(Code::kUnavailable, "cannot listen: " + error.message(), path);
    ::chmod(path.c_str(), 0666);  // the pod's containers may run as different users
    accept();
    return {};
  }
  void open() override {
    open_ = true;
    for (auto& visitor : visitors_) let_go(visitor);
    visitors_.clear();
  }
  void close() override { open_ = false; }

 private:
  void accept() {
    acceptor_.async_accept([this](const boost::system::error_code& error, Local::socket visitor) {
      if (error == boost::asio::error::operation_aborted) return;
      if (!error) {
        if (open_) {
          let_go(visitor);
        } else if (visitors_.size() < kMostWaiting) {
          visitors_.push_back(std::move(visitor));
        }
        rung_();
        return accept();
      }
      // Out of descriptors, say: trying again at once would do nothing else.
      pause_ = loop_.after(Duration(100), [this] { accept(); });
    });
  }
  static void let_go(Local::socket& visitor) {
    boost::system::error_code ignored;  // a visitor that went away needs no answer
    boost::asio::write(visitor, boost::asio::buffer("done\n", 5), ignored);
  }

  Loop& loop_;
  Local::acceptor acceptor_;
  Handle pause_;
  std::function<void()> rung_;
  std::list<Local::socket> visitors_;
  bool open_ = false;
};

}  // namespace

Result<std::unique_ptr<Doorbell>> Doorbell::listen(Loop& loop, const std::string& path, std::function<void()> rung) {
  auto bell = std::make_unique<LocalDoorbell>(loop, std::move(rung));
  if (auto bound = bell->bind(path); !bound) return std::unexpected(bound.error());
  return bell;
}

Result<void> ring_and_wait(const std::string& path, Duration limit) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return fail(Code::kInvalid, "the path is too long for a socket", path);
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const Instant end = boot_now() + limit;
  Instant patience = std::min(end, boot_now() + kRestart);
  // Whoever is to answer may be starting again: ring until it is there.
  for (;;) {
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return fail(Code::kInternal, std::string("socket: ") + std::strerror(errno), path);
    const bool connected = ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    const auto answered = connected ? wait_for_answer(fd, end) : Answer::kNobody;
    ::close(fd);
    if (answered == Answer::kDone) return {};
    if (connected) patience = std::min(end, boot_now() + kRestart);
    if (boot_now() >= end) return fail(Code::kTimeout, "not done in time", path);
    if (!connected && boot_now() >= patience) return fail(Code::kUnavailable, "nobody answers", path);
    ::poll(nullptr, 0, 100);
  }
}

}  // namespace knfe::net
