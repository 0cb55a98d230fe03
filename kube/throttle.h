// Throttle: a net::Client that spares the API server. Requests have lanes - reads, writes, Events, leases, watches - and no lane
// holds up another.
//
// - What the server asks to wait (429, or 503 with Retry-After) holds for the whole lane, to the letter; without a figure, a
//   second. Meanwhile nothing is sent: what is asked fails at once as Code::kTooMany and tells how long to wait.
// - In flight are at most as many as the server bears: the limit grows by one per round of good answers, and is halved, at most
//   once a second, by 429, by 5xx, by no answer, and by answers that took more than two seconds. The others wait in their order.
// - Nothing waits for its turn longer than half a minute: then it fails as Code::kTooMany, and was not sent. What was planned so
//   long ago is better planned again.
// - Five times in a row without an answer (or with 502, 503, 504) close a lane for half a second, doubling to ten; then one
//   request at a time tries. Leases are never closed: kube/lease.h asks one thing at a time, and obeys for itself.
//
// A write is sent only if `may_write` says so when it leaves here, and once more when a connection is there to write it to.
#pragma once

#include <array>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/metrics.h"
#include "net/http.h"

namespace knfe::kube {

class Throttle final : public net::Client {
 public:
  enum class Lane { kRead, kWrite, kEvent, kLease, kWatch };
  static constexpr std::size_t lanes = 5;
  // What all lanes together may have in flight, but for watches.
  static constexpr std::size_t most_in_flight = 64;

  // `inner` must outlive every handle given out. `closed` is told when a lane is closed, and until when.
  Throttle(net::Loop& loop, net::Client& inner, std::function<bool()> may_write,
           std::function<void(Lane, Instant)> closed = nullptr);

  [[nodiscard]] net::Handle send(net::Request request, std::function<void(Result<net::Response>)> done) override;
  [[nodiscard]] net::Handle stream(net::Request request, net::StreamEvents events) override;

  static Lane lane_of(const net::Request& request);
  std::size_t limit(Lane lane) const { return static_cast<std::size_t>(state(lane).limit); }
  void metrics(MetricsText& out, const std::string& host) const;

 private:
  struct Call {
    Lane lane;
    net::Request request;
    std::function<void(Result<net::Response>)> done;
    net::Handle exchange;
    double asked = 0, sent = 0;
  };
  struct State {
    double limit = 1, most = 1;
    std::size_t in_flight = 0;
    std::deque<std::shared_ptr<Call>> waiting;
    Instant closed_until{};
    std::string why;
    Duration pause{0};
    int silent = 0;  // in a row without an answer
    Instant halved_at{};
    std::uint64_t closings = 0;
    net::Handle again, patience;
    Histogram waited;
    std::map<std::string, Histogram> took;                              // by method
    std::map<std::pair<std::string, int>, std::uint64_t> answers = {};  // by method and status
  };

  State& state(Lane lane) { return lanes_[static_cast<std::size_t>(lane)]; }
  const State& state(Lane lane) const { return lanes_[static_cast<std::size_t>(lane)]; }
  Error held_back(const State& lane) const;
  void admit(Lane lane);
  void refuse(const std::shared_ptr<Call>& call, Error why);
  void be_patient(Lane lane);
  void answered(const std::shared_ptr<Call>& call, Result<net::Response> response);
  void learn(Lane lane, int status, std::string_view retry_after, double took);
  void close(Lane lane, Duration wait, std::string why);
  void finish(const std::shared_ptr<Call>& call, Result<net::Response> response);

  net::Loop& loop_;
  net::Client& inner_;
  const std::function<bool()> may_write_;
  const std::function<void(Lane, Instant)> closed_;
  std::array<State, lanes> lanes_;
};

}  // namespace knfe::kube
