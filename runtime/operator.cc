#include "runtime/operator.h"

#include <cstdio>

namespace knfe::runtime {

Operator::Operator(net::Loop& loop, net::Client& transport, const kube::Config& config, const OperatorSettings& settings)
    : loop_(loop), api_(transport, config), ns_(settings.ns), manager_(loop, api_, [this] { return !lease_ || lease_->held(); }) {
  if (settings.lease.name.empty()) return;
  lease_ = std::make_unique<kube::Lease>(loop, api_, settings.lease, settings.identity, [this] { manager_.kick(); });
}

void Operator::start() {
  manager_.start();
  if (lease_) lease_->start();
}

void Operator::stop(std::function<void()> done) {
  if (std::exchange(stopping_, true)) return;  // a second signal changes nothing
  manager_.drain([this, done = std::move(done)] {
    if (!lease_) return done();
    lease_->release(done);
  });
}

std::string Operator::waiting_for() const {
  std::string out;
  for (const auto& informer : informers_) {
    if (!informer->cache().synced()) out += (out.empty() ? "" : ", ") + std::string(informer->cache().resource().plural);
  }
  return out;
}

namespace {

// A figure in kB from /proc/self/status.
std::uint64_t memory_kib(const char* name) {
  std::FILE* file = std::fopen("/proc/self/status", "re");
  if (!file) return 0;
  char line[256];
  unsigned long value = 0;
  const std::string format = std::string(name) + ": %lu";
  while (std::fgets(line, sizeof line, file) && std::sscanf(line, format.c_str(), &value) != 1) {
  }
  std::fclose(file);
  return value;
}

}  // namespace

std::string Operator::metrics() const {
  std::string out = manager_.metrics();
  out += "# TYPE leader_election_master_status gauge\nleader_election_master_status " +
         std::string(!lease_ || lease_->held() ? "1" : "0") + "\n";
  out += "# TYPE process_resident_memory_bytes gauge\nprocess_resident_memory_bytes " +
         std::to_string(memory_kib("VmRSS") * 1024) + "\n";
  out += "# TYPE knfe_resident_memory_peak_bytes gauge\nknfe_resident_memory_peak_bytes " +
         std::to_string(memory_kib("VmHWM") * 1024) + "\n";
  timespec cpu{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
  char seconds[32];
  std::snprintf(seconds, sizeof seconds, "%.3f", static_cast<double>(cpu.tv_sec) + static_cast<double>(cpu.tv_nsec) / 1e9);
  out += "# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total " + std::string(seconds) + "\n";
  return out;
}

}  // namespace knfe::runtime
