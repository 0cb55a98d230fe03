#include "test/sim/process.h"

namespace knfe::sim {

namespace {

std::string identity_of(int number, bool lease) { return lease ? "process-" + std::to_string(number) : std::string(); }

}  // namespace

Process::Life::Life(Wire& wire, int number, bool lease, faults::Bug bug)
    : line(wire.connect(number, identity_of(number, lease))),
      saboteur(loop, *line, bug),
      program(loop, bug == faults::Bug::kNone ? *line : static_cast<net::Client&>(saboteur), kube::Config{},
              {"", lease ? api::Key{"n", "knfe"} : api::Key{}, identity_of(number, lease)}) {
  all.join(program);
}

void Process::start() {
  const int before = engine_.process();
  engine_.enter(number_);
  life_.emplace(wire_, number_, lease_, bug_);
  life_->program.start();
  engine_.enter(before);
}

void Process::kill() { life_.reset(); }

}  // namespace knfe::sim
