#include "kube/throttle.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "base/log.h"
#include "kube/request.h"

namespace knfe::kube {

namespace {

constexpr std::array<const char*, Throttle::lanes> kNames{"read", "write", "event", "lease", "watch"};
// Reads: more than there are kinds to watch, so that all begin at once.
constexpr std::array<double, Throttle::lanes> kMost{24, 32, 4, 2, 0};
constexpr double kSlow = 2;
constexpr int kSilences = 5;
constexpr Duration kFirstPause{500}, kLongestPause{10'000};
constexpr Duration kSecond{1'000};
constexpr double kLongestWait = 30;

bool is_silence(int status) { return status == 0 || status == 502 || status == 503 || status == 504; }

}  // namespace

Throttle::Throttle(net::Loop& loop, net::Client& inner, std::function<bool()> may_write,
                   std::function<void(Lane, Instant)> closed)
    : loop_(loop), inner_(inner), may_write_(std::move(may_write)), closed_(std::move(closed)) {
  for (std::size_t i = 0; i < lanes; ++i) lanes_[i].limit = lanes_[i].most = kMost[i];
}

Throttle::Lane Throttle::lane_of(const net::Request& request) {
  if (request.target.find("/coordination.k8s.io/") != std::string::npos) return Lane::kLease;
  if (request.method == "GET") return Lane::kRead;
  return request.target.find("/events.k8s.io/") != std::string::npos ? Lane::kEvent : Lane::kWrite;
}

Error Throttle::held_back(const State& lane) const {
  Error error{Code::kTooMany, "not sent: " + lane.why, {}, {}, 0};
  error.retry_after_s = static_cast<double>((lane.closed_until - boot_now()).count()) / 1000;
  return error;
}

net::Handle Throttle::send(net::Request request, std::function<void(Result<net::Response>)> done) {
  const Lane lane = lane_of(request);
  if (lane == Lane::kWrite) request.may_go = may_write_;
  auto call = std::make_shared<Call>(Call{lane, std::move(request), std::move(done), {}, boot_seconds(), 0});
  state(lane).waiting.push_back(call);
  admit(lane);
  be_patient(lane);
  return net::Handle([this, call] {
    if (!std::exchange(call->done, nullptr)) return;
    auto& own = state(call->lane);
    if (call->sent == 0) {
      std::erase(own.waiting, call);
      return;
    }
    call->exchange.reset();
    --own.in_flight;
    own.again = loop_.after(Duration(0), [this, lane = call->lane] { admit(lane); });
  });
}

void Throttle::finish(const std::shared_ptr<Call>& call, Result<net::Response> response) {
  if (auto done = std::exchange(call->done, nullptr)) done(std::move(response));
}

void Throttle::admit(Lane lane) {
  auto& own = state(lane);
  const bool open = boot_now() >= own.closed_until;
  while (!own.waiting.empty() && (!open || static_cast<double>(own.in_flight + 1) <= own.limit)) {
    auto call = std::move(own.waiting.front());
    own.waiting.pop_front();
    std::optional<Error> refusal;
    if (!open) refusal = held_back(own);
    // The lease may have been lost while this waited.
    if (lane == Lane::kWrite && may_write_ && !may_write_())
      refusal = {Code::kCanceled, "not written: this one does not lead any more, or is about to end", {}, {}, 0};
    if (refusal) {
      refuse(call, *std::move(refusal));
      continue;
    }
    call->sent = boot_seconds();
    ++own.in_flight;
    own.waited.observe(call->sent - call->asked);
    call->exchange =
        inner_.send(call->request, [this, call](Result<net::Response> response) { answered(call, std::move(response)); });
  }
}

// Never inline: who asks does not expect an answer yet.
void Throttle::refuse(const std::shared_ptr<Call>& call, Error why) {
  call->sent = boot_seconds();
  ++state(call->lane).in_flight;
  call->exchange = loop_.after(Duration(0), [this, call, why = std::move(why)] {
    --state(call->lane).in_flight;
    finish(call, std::unexpected(why));
    admit(call->lane);
  });
}

// One timer for all that wait in a lane: the first of them has waited longest.
void Throttle::be_patient(Lane lane) {
  auto& own = state(lane);
  const double now = boot_seconds();
  while (!own.waiting.empty() && now - own.waiting.front()->asked >= kLongestWait) {
    const auto call = std::move(own.waiting.front());
    own.waiting.pop_front();
    refuse(call, {Code::kTooMany, "not sent: others have had their turn for too long", {}, {}, 0});
  }
  if (own.waiting.empty() || own.patience) return;
  const auto left = Duration(static_cast<std::int64_t>((own.waiting.front()->asked + kLongestWait - now) * 1000) + 1);
  own.patience = loop_.after(left, [this, lane] {
    state(lane).patience.reset();
    be_patient(lane);
  });
}

void Throttle::answered(const std::shared_ptr<Call>& call, Result<net::Response> response) {
  auto& own = state(call->lane);
  --own.in_flight;
  const int status = response ? response->status : 0;
  const double took = boot_seconds() - call->sent;
  own.took[call->request.method].observe(took);
  ++own.answers[{call->request.method, status}];
  if (took > kSlow) {
    log(Level::kInfo, "a slow answer",
        {{"request", call->request.method + " " + call->request.target.substr(0, call->request.target.find('?'))},
         {"ms", std::to_string(static_cast<int>(took * 1000))}});
  }
  // That a disruption budget has nothing left is said of one pod, not of the server.
  const bool about_one = status == 429 && call->request.target.ends_with("/eviction");
  if (!about_one) learn(call->lane, status, response ? net::header(response->headers, "Retry-After") : std::string_view(), took);
  const Lane lane = call->lane;
  finish(call, std::move(response));
  admit(lane);
}

void Throttle::learn(Lane lane, int status, std::string_view retry_after_header, double took) {
  auto& own = state(lane);
  const auto now = boot_now();
  const bool bad = status == 429 || status >= 500 || status == 0 || took > kSlow;
  if (!bad) {
    own.silent = 0;
    own.pause = Duration(0);
    const bool wanted = !own.waiting.empty() || static_cast<double>(own.in_flight + 2) > own.limit;
    if (wanted) own.limit = std::min(own.most, own.limit + 1 / own.limit);
    return;
  }
  if (now - own.halved_at >= kSecond) {
    own.halved_at = now;
    own.limit = std::max(std::min(1.0, own.most), own.limit / 2);
  }
  if (lane == Lane::kLease) return;
  const Duration told = retry_after(status_error({}, status, retry_after_header));
  if (status == 429 || (status == 503 && told.count() > 0)) {
    return close(lane, told.count() > 0 ? told : kSecond,
                 "the API server has answered " + std::to_string(status) + " and asks to wait");
  }
  if (!is_silence(status) || lane == Lane::kWatch) return;
  if (++own.silent < kSilences || now < own.closed_until) return;
  own.pause = std::clamp(own.pause * 2, kFirstPause, kLongestPause);
  own.limit = 1;
  close(lane, own.pause, status ? "the API server answers " + std::to_string(status) : "the API server does not answer");
}

void Throttle::close(Lane lane, Duration wait, std::string why) {
  auto& own = state(lane);
  const auto until = boot_now() + wait;
  if (until <= own.closed_until) return;
  const bool was_open = boot_now() >= own.closed_until;
  own.closed_until = until;
  own.why = std::move(why);
  if (closed_) closed_(lane, until);
  if (!was_open) return;
  ++own.closings;
  log(Level::kWarning, "requests are held back",
      {{"lane", kNames[static_cast<std::size_t>(lane)]}, {"why", own.why}, {"ms", std::to_string(wait.count())}});
}

net::Handle Throttle::stream(net::Request request, net::StreamEvents events) {
  auto& own = state(Lane::kWatch);
  if (boot_now() < own.closed_until) {
    return loop_.after(Duration(0), [end = std::move(events.on_end), error = held_back(own)] {
      if (end) end(std::unexpected(error));
    });
  }
  events.on_head = [this, then = std::move(events.on_head), sent = boot_seconds()](int status, const net::Headers& headers) {
    ++state(Lane::kWatch).answers[{"GET", status}];
    learn(Lane::kWatch, status, net::header(headers, "Retry-After"), boot_seconds() - sent);
    if (then) then(status, headers);
  };
  return inner_.stream(std::move(request), std::move(events));
}

void Throttle::metrics(MetricsText& out, const std::string& host) const {
  const auto each = [&](const char* family, const char* type, auto write) {
    out.family(family, type);
    for (std::size_t i = 0; i < lanes; ++i) write(lanes_[i], kNames[i]);
  };
  std::map<std::pair<std::string, int>, std::uint64_t> answers;
  for (const auto& lane : lanes_) {
    for (const auto& [which, count] : lane.answers) answers[which] += count;
  }
  out.family("rest_client_requests_total", "counter");
  for (const auto& [which, count] : answers) {
    out.line({{"code", which.second ? std::to_string(which.second) : "<error>"}, {"host", host}, {"method", which.first}},
             static_cast<double>(count));
  }
  each("rest_client_request_duration_seconds", "histogram", [&](const State& lane, const char* name) {
    for (const auto& [method, took] : lane.took) out.line({{"verb", method}, {"lane", name}, {"host", host}}, took);
  });
  each("rest_client_rate_limiter_duration_seconds", "histogram", [&](const State& lane, const char* name) {
    if (lane.waited.count()) out.line({{"lane", name}, {"host", host}}, lane.waited);
  });
  each("knfe_api_in_flight_limit", "gauge", [&](const State& lane, const char* name) {
    if (lane.most > 0) out.line({{"lane", name}}, std::floor(lane.limit));
  });
  each("knfe_api_held_back_total", "counter",
       [&](const State& lane, const char* name) { out.line({{"lane", name}}, static_cast<double>(lane.closings)); });
}

}  // namespace knfe::kube
