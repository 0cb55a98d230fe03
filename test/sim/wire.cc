#include "test/sim/wire.h"

#include <algorithm>
#include <cstdio>
#include <map>

#include "api/digest.h"
#include "test/fakes/json_test.h"
#include "test/fakes/live_test.h"

namespace knfe::sim {

using fakes::uid_of;

namespace {

constexpr Micros kUsual = 200;
constexpr Micros kSecond = 1'000'000;
constexpr Micros kFaultsEnd = 25 * kSecond;

bool is_plural(const fakes::ApiCall& call, std::string_view plural) { return call.resource && call.resource->plural == plural; }

std::string status(int code, const char* reason) {
  return R"({"kind":"Status","code":)" + std::to_string(code) + R"(,"reason":")" + reason + R"(","message":"a fault"})";
}

}  // namespace

struct Wire::Call {
  Line* line;  // null: its process is gone
  int process;
  net::Request request;
  std::shared_ptr<const fakes::ApiCall> asked;
  std::function<void(Result<net::Response>)> done;
  Fault fault = Fault::kNone;
  Micros back = 0;
  bool given_up = false;
};

struct Wire::Stream {
  Line* line;
  int process;
  std::shared_ptr<const fakes::ApiCall> asked;
  std::uint64_t subject;
  net::StreamEvents events;
  std::set<api::Key> shown;
  std::size_t told = 0;
  Micros held_until = 0;
  bool opened = false, waking = false, over = false;
};

// Of one process: it dies with it.
class Wire::Line : public net::Client {
 public:
  Line(Wire& wire, int process, std::string identity) : wire_(wire), process_(process), identity_(std::move(identity)) {}
  ~Line() override {
    for (const auto& call : calls_) {
      if (const auto pending = call.lock()) pending->line = nullptr;
    }
    wire_.streams_.remove_if([this](const auto& stream) {
      if (stream->line != this) return false;
      stream->over = true;
      return true;
    });
  }

  net::Handle send(net::Request request, std::function<void(Result<net::Response>)> done) override;
  net::Handle stream(net::Request request, net::StreamEvents events) override;
  const std::string& identity() const { return identity_; }

 private:
  void die(bool past);

  Wire& wire_;
  const int process_;
  const std::string identity_;
  bool dead_ = false;
  std::vector<std::weak_ptr<Call>> calls_;
};

Wire::Wire(Engine& engine, Choices& choices, const Profile& profile, const fakes::Store& begin, const Monitor& known)
    : store(begin), monitor(known), engine_(engine), choices_(choices), profile_(profile), begin_(begin) {
  store.on_event = [this](const fakes::Store::Event& event) {
    history_.push_back(event);
    if (event.resource.plural != "events" && event.resource.plural != "leases") active = engine_.now();
    monitor.see(event);
    for (const auto& stream : streams_) {
      if (stream->opened && is_plural(*stream->asked, event.resource.plural)) wake(stream);
    }
    say([&] {
      return "           API server: " + event.type + " " + std::string(event.resource.plural) + " " +
             std::string(as_string(at(*event.object, "metadata", "name"))) + ", version " + event.version;
    });
    if (on_event) on_event(event);
  };
}

Wire::~Wire() = default;

std::unique_ptr<net::Client> Wire::connect(int process, std::string identity) {
  return std::make_unique<Line>(*this, process, std::move(identity));
}

void Wire::note(const std::string& line) {
  char stamp[32];
  std::snprintf(stamp, sizeof stamp, "%10.4f s  ", static_cast<double>(engine_.now()) / 1e6);
  trace->push_back(stamp + line);
}

Micros Wire::latency(std::uint64_t place, Micros usual) {
  const auto drawn = choices_.number(place);
  const auto part = static_cast<Micros>(drawn >> 40);  // of 2^24
  Micros more = 0;
  switch (profile_.spread) {
    case 0:
      more = part % usual;
      break;
    case 1:
      more = part % (25 * usual);
      break;
    case 2:
      more = (usual << (part % 12)) * (part >> 8) >> 16;
      break;
    default:
      more = drawn % 16 == 0 ? part % (3 * kSecond) : part % (2 * usual);
  }
  return choices_.delay(place) ? usual / 2 + more : usual;
}

Fault Wire::fault(std::uint64_t place, Fault first, Fault last, std::uint32_t one_in) {
  if (faults >= profile_.budget || engine_.now() > kFaultsEnd) return Fault::kNone;
  const auto drawn = choices_.number(mix(place, 0x6661756c74));
  if (drawn % one_in != 0) return Fault::kNone;
  const auto low = static_cast<unsigned>(first), high = static_cast<unsigned>(last);
  const auto turn = low + (drawn >> 32) % (high - low + 1);
  // The enabled one that comes next.
  for (unsigned i = 0; i <= high - low; ++i) {
    const auto fault = static_cast<Fault>(low + (turn - low + i) % (high - low + 1));
    if (!profile_.has(fault)) continue;
    if (!choices_.fault(place)) return Fault::kNone;
    ++faults;
    say([&] { return std::string("  FAULT    ") + name_of(fault); });
    return fault;
  }
  return Fault::kNone;
}

// No write by who has lost the lease, no delete of anything but one UID.
void Wire::check_writer(const Line& line, const net::Request& request, const fakes::ApiCall& call) {
  if (request.method == "DELETE" && request.body.find("\"uid\"") == std::string::npos)
    monitor.breach("a delete of " + call.key.text() + " that names no UID");
  if (line.identity().empty()) return;
  static constexpr api::Resource kLeases{"coordination.k8s.io", "v1", "Lease", "leases"};
  const Json* lease = store.look(kLeases, {"n", "knfe"});
  if (!lease || as_string(at(*lease, "spec", "holderIdentity")) != line.identity())
    monitor.breach(line.identity() + " writes, and does not hold the lease");
}

void Wire::Line::die(bool past) {
  dead_ = true;
  wire_.engine_.at(wire_.engine_.now(), 0, [&wire = wire_, process = process_, past] { wire.kill(process, past); });
}

net::Handle Wire::Line::send(net::Request request, std::function<void(Result<net::Response>)> done) {
  auto& wire = wire_;
  if (dead_) return net::Handle();
  auto call = std::make_shared<Call>();
  call->line = this;
  call->process = process_;
  call->asked = fakes::call_of(request.target);
  call->request = std::move(request);
  call->done = std::move(done);
  const auto& asked = *call->asked;
  const std::string path = call->request.target.substr(0, call->request.target.find('?'));
  const auto place = wire.choices_.place(api::hash64(call->request.method + path, static_cast<std::uint64_t>(process_)));
  const bool lease = is_plural(asked, "leases"), write = call->request.method != "GET";
  if (write && !lease && !is_plural(asked, "events")) {
    ++wire.writes;
    wire.active = wire.engine_.now();
    wire.check_writer(*this, call->request, asked);
  }
  wire.say([&] {
    return "process " + std::to_string(process_) + ": " + call->request.method + " " + path + " " +
           call->request.body.substr(0, 400);
  });
  call->fault = wire.fault(place, write ? Fault::kKillBefore : Fault::kCutBefore, Fault::kLate, lease ? 24 : 12);
  if (call->fault == Fault::kConflict && !write) call->fault = Fault::kInternal;
  if (call->fault == Fault::kKillBefore) {
    die(wire.profile_.has(Fault::kPast));
    return net::Handle();
  }
  const Micros there = wire.latency(place, kUsual);
  call->back = wire.latency(mix(place, 1), kUsual);
  if (call->fault == Fault::kSlow) call->back += 1500'000;
  const Micros timeout = call->request.timeout.count() * 1000;
  const Micros late = call->fault == Fault::kLate ? 33 * kSecond : 0;
  if (there + late + call->back > timeout) {
    call->given_up = true;
    wire.engine_.at(wire.engine_.now() + timeout, process_,
                    [&wire, call] { wire.reply(call, fail(Code::kTimeout, "no answer in time")); });
  }
  if (call->fault == Fault::kCutBefore) {
    wire.engine_.at(wire.engine_.now() + there, process_,
                    [&wire, call] { wire.reply(call, fail(Code::kUnavailable, "connection reset")); });
  } else {
    wire.engine_.at(wire.engine_.now() + there + late, 0, [&wire, call] { wire.arrive(call); });
  }
  std::erase_if(calls_, [](const auto& old) { return old.expired(); });
  calls_.push_back(call);
  return net::Handle([call] { call->done = nullptr; });
}

// At the API server.
void Wire::arrive(const std::shared_ptr<Call>& call) {
  const auto& request = call->request;
  // Of what a dead process has sent, some arrives. But not the create of a pod: that one may come after the proof that there is
  // no pod is a limit of Kubernetes, where a create cannot depend on another object (docs/reliability.md).
  const bool nobody_waits = !call->line || (call->given_up && call->fault == Fault::kLate);
  if (nobody_waits && request.method == "POST" && is_plural(*call->asked, "pods")) return;
  if (!call->line && choices_.number(api::hash64(request.body, static_cast<std::uint64_t>(faults))) % 2 == 0) return;
  const auto refuse = [&](int code, const char* reason, net::Headers headers = {}) {
    return net::Response{code, std::move(headers), status(code, reason)};
  };
  Result<net::Response> response;
  switch (call->fault) {
    case Fault::kConflict:
      response = refuse(409, "Conflict");
      break;
    case Fault::kTooMany:
      response = refuse(429, "TooManyRequests", {{"Retry-After", "1"}});
      break;
    case Fault::kInternal:
      response = refuse(500, "InternalError");
      break;
    case Fault::kUnavailable:
      response = refuse(503, "ServiceUnavailable");
      break;
    default:
      response = fakes::carry_out(store, *call->asked, request);
      say([&] {
        return "           answer " + std::to_string(response->status) + " to " + request.method + " " +
               request.target.substr(0, request.target.find('?'));
      });
  }
  if (call->fault == Fault::kLostAs500) response = refuse(500, "InternalError");
  if (call->fault == Fault::kCutAfter) response = fail(Code::kUnavailable, "connection reset");
  if (call->fault == Fault::kKillAfter && call->line) return kill(call->process, profile_.has(Fault::kPast));
  if (!call->line || call->given_up) return;
  engine_.at(engine_.now() + call->back, call->process,
             [this, call, response = std::move(response)]() mutable { reply(call, std::move(response)); });
}

void Wire::reply(const std::shared_ptr<Call>& call, Result<net::Response> response) {
  if (!call->line) return;
  if (auto done = std::exchange(call->done, nullptr)) done(std::move(response));
}

net::Handle Wire::Line::stream(net::Request request, net::StreamEvents events) {
  if (dead_) return net::Handle();
  auto& wire = wire_;
  auto stream = std::make_shared<Stream>();
  stream->line = this;
  stream->process = process_;
  stream->asked = fakes::call_of(request.target);
  stream->subject =
      api::hash64(stream->asked->resource ? stream->asked->resource->plural : "", static_cast<std::uint64_t>(process_));
  stream->events = std::move(events);
  wire.streams_.push_back(stream);
  wire.engine_.at(wire.engine_.now() + wire.latency(wire.choices_.place(mix(stream->subject, 2)), kUsual), 0,
                  [&wire, stream] { wire.open(stream); });
  return net::Handle([&wire, stream] {
    stream->over = true;
    stream->events = {};
    wire.streams_.remove(stream);
  });
}

void Wire::open(const std::shared_ptr<Stream>& stream) {
  if (stream->over) return;
  stream->opened = true;
  stream->waking = true;
  auto wrong = fault(choices_.place(mix(stream->subject, 3)), Fault::kCut, Fault::kGone, 40);
  // No API server goes on behind an event that it has not told.
  if (wrong == Fault::kNone && owed_.contains(stream->subject) && !stream->asked->query.contains("sendInitialEvents"))
    wrong = Fault::kGone;
  engine_.at(engine_.now() + kUsual, stream->process, [this, stream, wrong] {
    stream->waking = false;
    if (stream->over) return;
    if (wrong == Fault::kCut || wrong == Fault::kClose) return end(stream, fail(Code::kUnavailable, "connection refused"));
    if (auto head = stream->events.on_head) head(wrong == Fault::kGone ? 410 : 200, {});
    if (wrong == Fault::kGone) {
      if (auto data = stream->events.on_data) data(status(410, "Expired"));
      return end(stream, {});
    }
    if (stream->asked->query.contains("sendInitialEvents")) {
      list(*stream);
    } else {
      const auto since = std::strtoull(stream->asked->query.at("resourceVersion").c_str(), nullptr, 10);
      while (stream->told < history_.size() && std::strtoull(history_[stream->told].version.c_str(), nullptr, 10) <= since)
        ++stream->told;
    }
    if (!stream->over && stream->told < history_.size()) wake(stream);
  });
}

// The list that a watch begins with, as it is now or, for some time after a restart, as it was.
void Wire::list(Stream& stream) {
  owed_.erase(stream.subject);
  const bool past_told = engine_.now() < past_until;
  stream.told = past_told ? std::min(past, history_.size()) : history_.size();
  std::map<api::Key, std::shared_ptr<const fakes::Kept>> then;
  std::vector<const fakes::Kept*> objects;
  std::string version = store.version();
  if (past_told) {
    version = begin_.version();
    objects = begin_.list(*stream.asked->resource);
    std::map<api::Key, const fakes::Kept*> known;
    for (const auto* object : objects) known[api::key_of(*object)] = object;
    for (std::size_t i = 0; i < stream.told; ++i) {
      const auto& event = history_[i];
      version = event.version;
      if (!is_plural(*stream.asked, event.resource.plural)) continue;
      if (event.type == "DELETED") {
        known.erase(api::key_of(*event.object));
      } else {
        known[api::key_of(*event.object)] = event.object.get();
      }
    }
    objects.clear();
    for (const auto& [key, object] : known) objects.push_back(object);
    stream.held_until = past_until;
  } else {
    objects = store.list(*stream.asked->resource);
  }
  std::string text;
  for (const auto* object : objects) {
    if (!stream.asked->selects(*object)) continue;
    stream.shown.insert(api::key_of(*object));
    text += fakes::event_line("ADDED", object->text());
  }
  text += fakes::bookmark_line(version, true);
  if (auto data = stream.events.on_data) data(text);
}

void Wire::wake(const std::shared_ptr<Stream>& stream, Micros at_least) {
  if (stream->waking) return;
  stream->waking = true;
  const Micros when = engine_.now() + latency(mix(stream->subject, 1000 + history_.size()), kUsual);
  engine_.at(std::max({when, at_least, stream->held_until}), stream->process, [this, stream] { pump(stream); });
}

void Wire::pump(const std::shared_ptr<Stream>& stream) {
  stream->waking = false;
  while (!stream->over && stream->told < history_.size()) {
    if (stream->held_until > engine_.now()) return wake(stream);
    const auto next = stream->told++;
    if (!is_plural(*stream->asked, history_[next].resource.plural)) continue;
    if (!tell(stream, fakes::Store::Event(history_[next]))) break;
    // Sometimes the next one takes a way of its own.
    const auto place = mix(stream->subject, 500'000 + stream->told);
    if (!stream->over && choices_.number(place) % 4 == 0 && stream->told < history_.size() && choices_.delay(place))
      return wake(stream);
  }
  if (!stream->over && stream->told < history_.size()) wake(stream);
}

// False if the watch has ended, or stands still.
bool Wire::tell(const std::shared_ptr<Stream>& stream, const fakes::Store::Event& event) {
  const auto key = api::key_of(*event.object);
  const bool shown = stream->shown.contains(key), fits = stream->asked->selects(*event.object);
  std::string line;
  if (event.type == "DELETED" || (shown && !fits)) {
    stream->shown.erase(key);
    if (shown || fits) line = fakes::event_line("DELETED", event.object->text());
  } else if (fits) {
    stream->shown.insert(key);
    line = fakes::event_line(shown ? "MODIFIED" : "ADDED", event.object->text());
  }
  if (line.empty()) return true;
  ++events;
  const auto wrong = fault(choices_.place(mix(stream->subject, 4)), Fault::kDrop, Fault::kGarbage, 30);
  say([&] {
    return "process " + std::to_string(stream->process) + " hears: " + event.type + " " + std::string(event.resource.plural) +
           " " + key.name + ", version " + event.version;
  });
  if (wrong != Fault::kNone) return tell_wrong(stream, wrong, line);
  if (auto data = stream->events.on_data) data(line);
  return !stream->over;
}

bool Wire::tell_wrong(const std::shared_ptr<Stream>& stream, Fault fault, const std::string& line) {
  const auto data = [&](const std::string& text) {
    if (auto say_it = stream->events.on_data) say_it(text);
  };
  switch (fault) {
    case Fault::kDrop:
      owed_.insert(stream->subject);
      engine_.at(engine_.now() + 1500'000, stream->process, [this, stream] {
        if (stream->over) return;
        if (auto say_it = stream->events.on_data) say_it(fakes::event_line("ERROR", status(410, "Expired")));
      });
      return true;
    case Fault::kDuplicate:
      data(line);
      data(line);
      return !stream->over;
    case Fault::kPause:
    case Fault::kPauseLong:
      data(line);
      stream->held_until = engine_.now() + (fault == Fault::kPause ? 2 : 12) * kSecond;
      return false;
    case Fault::kCut:
      end(stream, fail(Code::kUnavailable, "connection reset"));
      return false;
    case Fault::kClose:
      end(stream, {});
      return false;
    case Fault::kGone:
      data(fakes::event_line("ERROR", status(410, "Expired")));
      return false;
    default:
      data("{\"type\":\"MODI\x01\n");
      return false;
  }
}

void Wire::end(const std::shared_ptr<Stream>& stream, Result<void> result) {
  streams_.remove(stream);
  stream->over = true;
  if (auto told = std::exchange(stream->events, {}).on_end) told(std::move(result));
}

}  // namespace knfe::sim
