// knfe_sim: schedules by the thousand, each by its seed. See usage below; test/sim/run is for people.
#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "test/sim/shrink.h"
#include "test/sim/tally.h"

namespace knfe::sim {

namespace {

constexpr const char* kUsage =
    "usage: knfe_sim [--seeds FROM:TO] [--seconds N] [--jobs N] [--bug NAME] [--stop-at N]\n"
    "       knfe_sim --seed N [--bug NAME] [--whole]\n"
    "The first runs schedules, in so many processes, until the seeds or the seconds are over or so many have failed, and prints "
    "what\n"
    "became of them as JSON. The second runs one, and prints its trace: if it fails, shrunk, unless --whole is given.\n"
    "Bugs: none, stale-read, mark-first, missed-event, lost-reply.\n";

struct Options {
  std::uint64_t from = 1, to = UINT64_MAX, seed = 0, stop_at = 5;
  double seconds = 1e9;
  unsigned jobs = 1;
  faults::Bug bug = faults::Bug::kNone;
  bool whole = false;
};

bool read(int argc, char** argv, Options& out) {
  const std::map<std::string, faults::Bug> bugs{{"none", faults::Bug::kNone},
                                                {"stale-read", faults::Bug::kStaleRead},
                                                {"mark-first", faults::Bug::kMarkFirst},
                                                {"missed-event", faults::Bug::kMissedEvent},
                                                {"lost-reply", faults::Bug::kLostReply}};
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    if (name == "--whole") {
      out.whole = true;
      continue;
    }
    if (++i == argc) return false;
    const std::string value = argv[i];
    if (name == "--seeds") {
      const auto colon = value.find(':');
      if (colon == std::string::npos) return false;
      out.from = std::max(1ULL, std::strtoull(value.c_str(), nullptr, 10));
      out.to = std::strtoull(value.c_str() + colon + 1, nullptr, 10);
    } else if (name == "--seed") {
      out.seed = std::strtoull(value.c_str(), nullptr, 10);
    } else if (name == "--seconds") {
      out.seconds = std::strtod(value.c_str(), nullptr);
    } else if (name == "--jobs") {
      out.jobs = static_cast<unsigned>(std::clamp(std::atoi(value.c_str()), 1, 64));
    } else if (name == "--stop-at") {
      out.stop_at = std::strtoull(value.c_str(), nullptr, 10);
    } else if (name == "--bug" && bugs.contains(value)) {
      out.bug = bugs.at(value);
    } else {
      return false;
    }
  }
  return true;
}

double real_seconds() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

// One of several: each takes its turn of the seeds, and tells what it has counted, a line of JSON each half second.
void work(const Options& options, unsigned turn, int out, double until) {
  Simulator simulator(options.bug);
  Tally tally;
  double told = real_seconds();
  for (auto seed = options.from + turn; seed < options.to; seed += options.jobs) {
    const auto outcome = simulator.run(seed);
    tally.add(seed, outcome);
    if (!outcome.problem.empty()) {
      std::fprintf(stderr, "FAIL  seed %llu, %s: %.300s\n", static_cast<unsigned long long>(seed),
                   scenarios()[outcome.scenario].name.c_str(), outcome.problem.c_str());
    }
    const double now = real_seconds();
    if (now - told < 0.5 && tally.failed.size() < options.stop_at) continue;
    told = now;
    tally.tell(out);
    if (now > until || tally.failed.size() >= options.stop_at) break;
  }
  tally.tell(out);
}

Tally sum(const std::vector<Tally>& tallies) {
  Tally out;
  for (const auto& one : tallies) out.add(one);
  return out;
}

void say(const Tally& tally, double seconds, char end) {
  std::fprintf(stderr, "%llu schedules in %.0f s, %zu failed%c", static_cast<unsigned long long>(tally.schedules), seconds,
               tally.failed.size(), end);
}

int run_many(const Options& options) {
  const double begin = real_seconds(), until = begin + options.seconds;
  std::vector<pollfd> lines;
  for (unsigned turn = 0; turn < options.jobs; ++turn) {
    int ends[2];
    KNFE_CHECK(::pipe(ends) == 0);
    const pid_t child = ::fork();
    KNFE_CHECK(child >= 0);
    if (child == 0) {
      ::close(ends[0]);
      work(options, turn, ends[1], until);
      ::_exit(0);
    }
    ::close(ends[1]);
    lines.push_back({ends[0], POLLIN, 0});
  }
  std::vector<Tally> tallies(options.jobs);
  std::vector<std::string> buffers(options.jobs);
  double said = begin;
  for (std::size_t open = lines.size(); open > 0;) {
    if (::poll(lines.data(), lines.size(), -1) < 0) continue;
    for (std::size_t i = 0; i < lines.size(); ++i) {
      if (lines[i].fd < 0 || lines[i].revents == 0) continue;
      char piece[4096];
      const auto size = ::read(lines[i].fd, piece, sizeof piece);
      if (size <= 0) {
        ::close(lines[i].fd);
        lines[i].fd = -1;
        --open;
        continue;
      }
      buffers[i].append(piece, static_cast<std::size_t>(size));
      for (std::size_t end; (end = buffers[i].find('\n')) != std::string::npos; buffers[i].erase(0, end + 1)) {
        tallies[i] = Tally::read(buffers[i].substr(0, end));
      }
    }
    const bool terminal = ::isatty(STDERR_FILENO) != 0;
    if (real_seconds() - said < (terminal ? 1 : 10)) continue;
    said = real_seconds();
    say(sum(tallies), said - begin, terminal ? '\r' : '\n');
  }
  bool died = false;
  for (int state = 0; ::wait(&state) > 0;) died = died || state != 0;
  const Tally all = sum(tallies);
  rusage used{};
  ::getrusage(RUSAGE_CHILDREN, &used);
  const double cpu = static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
                     static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
  say(all, real_seconds() - begin, '\n');
  std::printf("%s\n", all.summary(real_seconds() - begin, cpu).c_str());
  if (died) std::fprintf(stderr, "a process has died\n");
  return died || !all.failed.empty() ? 1 : 0;
}

int run_one(const Options& options) {
  Simulator simulator(options.bug);
  auto outcome = simulator.run(options.seed, nullptr, true);
  std::string needed;
  if (!outcome.problem.empty() && !options.whole) {
    auto shrunk = shrink(simulator, options.seed);
    needed = ", of which " + std::to_string(shrunk.faults) + " faults and " + std::to_string(shrunk.delays) +
             " delays are needed (" + std::to_string(shrunk.runs) + " runs)";
    outcome = std::move(shrunk.outcome);
  }
  for (const auto& line : outcome.trace) std::printf("%.700s\n", line.c_str());
  std::printf("seed %llu, %s: %s%s\n", static_cast<unsigned long long>(options.seed), scenarios()[outcome.scenario].name.c_str(),
              outcome.problem.empty() ? "all held" : outcome.problem.c_str(), needed.c_str());
  return outcome.problem.empty() ? 0 : 1;
}

}  // namespace

}  // namespace knfe::sim

int main(int argc, char** argv) {
  knfe::sim::Options options;
  if (!knfe::sim::read(argc, argv, options)) {
    std::fputs(knfe::sim::kUsage, stderr);
    return 2;
  }
  return options.seed != 0 ? knfe::sim::run_one(options) : knfe::sim::run_many(options);
}
