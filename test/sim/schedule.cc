#include "test/sim/schedule.h"

#include <algorithm>

#include "api/digest.h"
#include "base/log.h"
#include "test/fakes/masked_test.h"
#include "test/sim/actors.h"
#include "test/sim/process.h"
#include "test/sim/wire.h"

namespace knfe::sim {

namespace {

constexpr Micros kSecond = 1'000'000;
constexpr std::uint64_t kMostSteps = 60'000;

std::uint64_t hash_of(const Json& value) {
  if (const auto* object = value.if_object()) {
    std::uint64_t sum = 1;
    for (const auto& member : *object) {
      if (fakes::varies({member.key().data(), member.key().size()})) continue;
      sum += mix(api::hash64({member.key().data(), member.key().size()}), hash_of(member.value()));
    }
    return sum;
  }
  if (const auto* array = value.if_array()) {
    std::uint64_t hash = 2;
    for (const auto& item : *array) hash = mix(hash, hash_of(item));
    return hash;
  }
  if (const auto* text = value.if_string()) return api::hash64({text->data(), text->size()}, 3);
  return api::hash64(boost::json::serialize(value), 4);
}

std::uint64_t hash_of(const fakes::Store& store) {
  std::uint64_t sum = 0;
  for (const auto* object : store.all()) {
    const auto kind = as_string(at(*object, "kind"));
    if (kind != "Event" && kind != "Lease") sum += hash_of(static_cast<const Json&>(*object));
  }
  return sum;
}

}  // namespace

class Schedule {
 public:
  Schedule(Simulator& simulator, std::size_t scenario, std::uint64_t seed, const Profile& profile, const Allowed* kept,
           bool trace)
      : profile_(profile),
        what_(scenarios()[scenario]),
        choices_(seed, kept),
        wire_(engine_, choices_, profile_, begin_of(simulator).store, begin_of(simulator).monitor),
        actors_(engine_, wire_) {
    out_.scenario = scenario;
    engine_.seed(mix(seed, 7));
    if (trace) wire_.trace = &out_.trace;
    wire_.on_event = [this](const fakes::Store::Event& event) { actors_.see(event); };
    wire_.kill = [this](int process, bool past) { kill(process, past); };
    for (int process = 1; process <= (profile.pair ? 2 : 1); ++process) {
      processes_.push_back(
          std::make_unique<Process>(engine_, wire_, process, profile.pair, seed == 0 ? faults::Bug::kNone : simulator.bug_));
      engine_.at(0, 0, [this, process] { at(process).start(); });
    }
  }

  Outcome& run() {
    script();
    upsets();
    while (out_.problem.empty() && engine_.step()) {
      if (!wire_.monitor.breaches().empty()) out_.problem = wire_.monitor.breaches();
      if (engine_.steps() > kMostSteps) out_.problem = "it never comes to rest";
      // The lease goes on for ever; everything else ends.
      if (profile_.pair && engine_.now() > ends_after_ && engine_.now() - wire_.active > 60 * kSecond) break;
    }
    out_.steps = engine_.steps();
    out_.writes = wire_.writes;
    out_.events = wire_.events;
    out_.changes = wire_.changes();
    out_.faults = wire_.faults;
    out_.lasted = wire_.active;
    out_.taken = std::move(choices_.taken);
    return out_;
  }

  void compare(Simulator::Calm& calm) {
    if (!out_.problem.empty()) return;
    const auto hash = hash_of(wire_.store);
    if (!calm.known.contains(hash)) {
      if (const auto other = fakes::difference(fakes::masked(wire_.store), calm.masked); !other.empty()) {
        out_.problem = "it ends in another state: " + other;
        return;
      }
      if (calm.known.size() < 100'000) calm.known.insert(hash);
    }
    // What is deleted by an owner whose own end is told late may be made once more; and for each fault something is looked at
    // anew.
    const auto most = 2 * calm.writes + 40 + static_cast<std::uint64_t>(wire_.faults) * (6 + calm.writes);
    if (wire_.writes > most) {
      out_.problem = std::to_string(wire_.writes) + " writes, where an undisturbed run has " + std::to_string(calm.writes);
    }
  }

  const fakes::Store& store() const { return wire_.store; }

 private:
  const Simulator::Begin& begin_of(Simulator& simulator) const { return simulator.begins_.at(what_.after); }
  Process& at(int process) { return *processes_[static_cast<std::size_t>(process - 1)]; }

  // What users do, one after the other.
  void script() {
    Micros when = 20'000;
    for (std::size_t i = 0; i < what_.acts.size(); ++i) {
      const auto place = mix(0x616374, i);
      const auto drawn = static_cast<Micros>(choices_.number(place) >> 40);
      static constexpr Micros kPauses[] = {0, 1'000, 10'000, 100'000, kSecond, 3 * kSecond};
      if (choices_.delay(place)) {
        when += drawn % (1 + kPauses[static_cast<std::size_t>(drawn >> 12) % std::size(kPauses)]);
      } else if (i > 0) {
        when += kSecond;
      }
      engine_.at(when, 0, [this, i] {
        wire_.active = engine_.now();
        wire_.say([&] { return "user: act " + std::to_string(i + 1) + " of " + what_.name; });
        what_.acts[i](wire_.store);
      });
    }
    ends_after_ = when + kSecond;
  }

  // What befalls processes at any time.
  void upsets() {
    for (const auto& process : processes_) {
      const int number = process->number();
      const auto place = mix(0x757073, static_cast<std::uint64_t>(number));
      const auto fault = wire_.fault(place, Fault::kKill, Fault::kFreeze, 2);
      if (fault == Fault::kNone) continue;
      const Micros when = 1'000 + static_cast<Micros>(choices_.number(mix(place, 2)) % (ends_after_ + kSecond));
      ends_after_ = std::max(ends_after_, when);
      engine_.at(when, 0, [this, number, fault] {
        if (fault == Fault::kKill) return kill(number, profile_.has(Fault::kPast));
        wire_.say([&] { return "process " + std::to_string(number) + " stands still for 25 s"; });
        engine_.freeze(number, engine_.now() + 25 * kSecond);
        ends_after_ = std::max(ends_after_, engine_.now() + 26 * kSecond);
      });
    }
  }

  void kill(int number, bool past) {
    auto& process = at(number);
    if (!process.runs()) return;
    wire_.say(
        [&] { return "process " + std::to_string(number) + " dies" + (past ? ", and the next one hears of the past" : ""); });
    process.kill();
    const auto place = choices_.place(mix(0x726573, static_cast<std::uint64_t>(number)));
    static constexpr Micros kPauses[] = {1'000, 50'000, 500'000, 5 * kSecond, 20 * kSecond};
    const Micros pause = choices_.delay(place) ? kPauses[choices_.number(place) % std::size(kPauses)] : 50'000;
    ends_after_ = std::max(ends_after_, engine_.now() + pause + kSecond);
    engine_.at(engine_.now() + pause, 0, [this, number, past, place] {
      if (past && wire_.past_until == 0) {
        wire_.past = wire_.changes() * (choices_.number(mix(place, 9)) % 16) / 16;
        wire_.past_until = engine_.now() + 2'500'000;
        ends_after_ = std::max(ends_after_, wire_.past_until + kSecond);
      }
      wire_.say([&] { return "process " + std::to_string(number) + " starts"; });
      at(number).start();
    });
  }

  const Profile profile_;
  const Scenario& what_;
  Outcome out_;
  Engine engine_;
  Choices choices_;
  Wire wire_;
  Actors actors_;
  Micros ends_after_ = 0;
  std::vector<std::unique_ptr<Process>> processes_;
};

Simulator::Simulator(faults::Bug bug) : bug_(bug) {
  set_log_level(Level::kNone);
  begins_[""];
  for (std::size_t i = 0; i < scenarios().size(); ++i) {
    const auto& scenario = scenarios()[i];
    turns_.insert(turns_.end(), scenario.weight, i);
    Schedule schedule(*this, i, 0, {}, nullptr, false);  // without any bug: it is what others are held against
    const auto& outcome = schedule.run();
    if (!outcome.problem.empty()) std::fprintf(stderr, "undisturbed, %s: %s\n", scenario.name.c_str(), outcome.problem.c_str());
    KNFE_CHECK(outcome.problem.empty());
    calm_[scenario.name] = {fakes::masked(schedule.store()), outcome.writes, {}};
    auto& begin = begins_[scenario.name];
    begin.store = schedule.store();
    begin.store.on_event = nullptr;
    begin.monitor.begin(begin.store);
  }
}

Outcome Simulator::run(std::uint64_t seed, const Allowed* kept, bool trace) {
  auto profile = profile_of(seed, turns_.size());
  profile.scenario = turns_[profile.scenario];
  Schedule schedule(*this, profile.scenario, seed, profile, kept, trace);
  Outcome& out = schedule.run();
  schedule.compare(calm_.at(scenarios()[profile.scenario].name));
  return std::move(out);
}

}  // namespace knfe::sim
