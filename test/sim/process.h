// Process: one process of knfe, as cmd/ wires it, on a simulated way to the API server. It can die at any time, and start anew.
#pragma once

#include <optional>

#include "cmd/all_operators.h"
#include "test/faults/saboteur.h"
#include "test/sim/wire.h"

namespace knfe::sim {

class Process {
 public:
  // `lease`: whether it writes only while it holds one. `bug`: what is wrong with it.
  Process(Engine& engine, Wire& wire, int number, bool lease, faults::Bug bug)
      : engine_(engine), wire_(wire), number_(number), lease_(lease), bug_(bug) {}

  int number() const { return number_; }
  bool runs() const { return life_.has_value(); }
  void start();
  void kill();

 private:
  struct Life {
    Life(Wire& wire, int number, bool lease, faults::Bug bug);

    net::Loop loop;
    std::unique_ptr<net::Client> line;
    faults::Saboteur saboteur;
    cmd::AllOperators all{"knfe.io/knfe:dev"};
    runtime::Operator program;
  };

  Engine& engine_;
  Wire& wire_;
  const int number_;
  const bool lease_;
  const faults::Bug bug_;
  std::optional<Life> life_;
};

}  // namespace knfe::sim
