#include "runtime/operator.h"

#include <cstdio>

namespace knfe::runtime {

Operator::Operator(net::Loop& loop, net::Client& transport, const kube::Config& config, const OperatorSettings& settings)
    : loop_(loop),
      host_(config.endpoint.host + ":" + config.endpoint.port),
      build_(settings.build),
      throttle_(
          loop, transport, [this] { return may_write(); },
          [this](kube::Throttle::Lane lane, Instant until) {
            if (lane == kube::Throttle::Lane::kWrite) manager_.hold(until);
          }),
      api_(throttle_, config, &loop),
      ns_(settings.ns),
      lease_name_(settings.lease.name),
      manager_(loop, api_, [this] { return may_write(); }) {
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
  MetricsText out;
  manager_.metrics(out);
  throttle_.metrics(out, host_);
  const auto gauge = [&](const char* name, double value) {
    out.family(name, "gauge");
    out.line({}, value);
  };
  out.family("leader_election_master_status", "gauge");
  out.line({{"name", lease_name_}}, leads() ? 1 : 0);
  gauge("process_resident_memory_bytes", static_cast<double>(memory_kib("VmRSS") * 1024));
  gauge("knfe_resident_memory_peak_bytes", static_cast<double>(memory_kib("VmHWM") * 1024));
  timespec cpu{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
  out.family("process_cpu_seconds_total", "counter");
  out.line({}, static_cast<double>(cpu.tv_sec) + static_cast<double>(cpu.tv_nsec) / 1e9);
  out.family("knfe_build_info", "gauge");
  out.line({{"version", build_}}, 1);
  return out.take();
}

}  // namespace knfe::runtime
