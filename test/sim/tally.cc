#include "test/sim/tally.h"

#include <unistd.h>

#include "base/json.h"

namespace knfe::sim {

namespace {

Json to_json(const Tally::Histogram& histogram) {
  JsonArray out;
  for (const auto& [number, times] : histogram) out.push_back(JsonArray{number, times});
  return out;
}

Tally::Histogram histogram_of(const Json& json) {
  Tally::Histogram out;
  for (const auto& pair : as_array(json)) {
    out[static_cast<std::uint64_t>(as_int(as_array(pair).at(0)))] = static_cast<std::uint64_t>(as_int(as_array(pair).at(1)));
  }
  return out;
}

void add_to(Tally::Histogram& into, const Tally::Histogram& more) {
  for (const auto& [number, times] : more) into[number] += times;
}

std::uint64_t quantile(const Tally::Histogram& histogram, double part) {
  std::uint64_t all = 0, seen = 0;
  for (const auto& [number, times] : histogram) all += times;
  for (const auto& [number, times] : histogram) {
    seen += times;
    if (static_cast<double>(seen) >= part * static_cast<double>(all)) return number;
  }
  return 0;
}

Json figures(const Tally::Histogram& histogram) {
  return JsonObject{{"median", quantile(histogram, 0.5)},
                    {"p10", quantile(histogram, 0.1)},
                    {"p90", quantile(histogram, 0.9)},
                    {"most", quantile(histogram, 1)}};
}

JsonArray failures(const std::vector<Tally::Failure>& failed) {
  JsonArray out;
  for (const auto& one : failed)
    out.push_back(JsonObject{{"seed", one.seed}, {"scenario", one.scenario}, {"problem", one.problem}});
  return out;
}

}  // namespace

void Tally::add(std::uint64_t seed, const Outcome& outcome) {
  ++schedules;
  ++steps[outcome.steps];
  ++writes[outcome.writes];
  ++events[outcome.events];
  ++faults[static_cast<std::uint64_t>(outcome.faults)];
  const auto& name = sim::scenarios()[outcome.scenario].name;
  ++scenarios[name];
  if (!outcome.problem.empty()) failed.push_back({seed, name, outcome.problem.substr(0, 2000)});
}

void Tally::add(const Tally& other) {
  schedules += other.schedules;
  add_to(steps, other.steps);
  add_to(writes, other.writes);
  add_to(events, other.events);
  add_to(faults, other.faults);
  for (const auto& [name, times] : other.scenarios) scenarios[name] += times;
  failed.insert(failed.end(), other.failed.begin(), other.failed.end());
}

void Tally::tell(int out) const {
  JsonObject by;
  for (const auto& [name, times] : scenarios) by[name] = times;
  const std::string line = to_text(JsonObject{{"schedules", schedules},
                                              {"steps", to_json(steps)},
                                              {"writes", to_json(writes)},
                                              {"events", to_json(events)},
                                              {"faults", to_json(faults)},
                                              {"scenarios", std::move(by)},
                                              {"failed", failures(failed)}}) +
                           "\n";
  for (std::string_view rest = line; !rest.empty();) {
    const auto written = ::write(out, rest.data(), rest.size());
    if (written <= 0) return;
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
}

Tally Tally::read(const std::string& line) {
  Tally out;
  const auto json = parse_json(line);
  KNFE_CHECK(json);
  out.schedules = static_cast<std::uint64_t>(as_int(at(*json, "schedules")));
  out.steps = histogram_of(at(*json, "steps"));
  out.writes = histogram_of(at(*json, "writes"));
  out.events = histogram_of(at(*json, "events"));
  out.faults = histogram_of(at(*json, "faults"));
  for (const auto& [name, times] : as_object(at(*json, "scenarios")))
    out.scenarios[name] = static_cast<std::uint64_t>(as_int(times));
  for (const auto& one : as_array(at(*json, "failed"))) {
    out.failed.push_back({static_cast<std::uint64_t>(as_int(at(one, "seed"))), std::string(as_string(at(one, "scenario"))),
                          std::string(as_string(at(one, "problem")))});
  }
  return out;
}

std::string Tally::summary(double seconds, double cpu_seconds) const {
  JsonObject by;
  for (const auto& [name, times] : scenarios) by[name] = times;
  return to_text(JsonObject{{"schedules", schedules},
                            {"seconds", seconds},
                            {"cpu_seconds", cpu_seconds},
                            {"steps", figures(steps)},
                            {"writes", figures(writes)},
                            {"events_heard", figures(events)},
                            {"faults", figures(faults)},
                            {"scenarios", std::move(by)},
                            {"failed", failures(failed)}});
}

}  // namespace knfe::sim
