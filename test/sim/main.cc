#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wformat"
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <algorithm>
#include <map>
#include <vector>
#include "test/sim/schedule.h"
using namespace knfe;
int main(int argc, char** argv) {
  sim::Simulator simulator;
  const auto from = std::strtoull(argv[1], nullptr, 10), to = std::strtoull(argv[2], nullptr, 10);
  const bool trace = argc > 3;
  std::map<std::size_t, std::vector<double>> cost;
  std::map<std::size_t, std::uint64_t> writes, events, steps;
  int failed = 0;
  for (auto seed = from; seed < to; ++seed) {
    const auto a = std::clock();
    auto out = simulator.run(seed, nullptr, trace);
    const auto b = std::clock();
    cost[out.scenario].push_back(double(b - a) / CLOCKS_PER_SEC * 1e3);
    writes[out.scenario] += out.writes; events[out.scenario] += out.events; steps[out.scenario] += out.steps;
    if (trace) for (auto& l : out.trace) std::printf("%s\n", l.c_str());
    if (!out.problem.empty() && ++failed < 30) std::printf("seed %lu %s: %.1000s\n", seed, sim::scenarios()[out.scenario].name.c_str(), out.problem.c_str());
  }
  double total = 0; std::size_t n = 0;
  for (auto& [s, v] : cost) { double t = 0; for (double x : v) t += x; total += t; n += v.size();
    std::printf("%-20s n=%zu %.3f ms writes %.1f events %.1f steps %.1f\n", sim::scenarios()[s].name.c_str(), v.size(), t / v.size(), double(writes[s]) / v.size(), double(events[s]) / v.size(), double(steps[s])/v.size()); }
  std::printf("mean %.3f ms, failed %d\n", total / n, failed);
}
