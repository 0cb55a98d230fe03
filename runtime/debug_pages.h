// DebugPages: what `--profiling` serves beside metrics - where processor time goes, and what memory is made of.
//
// GET /debug/profile?seconds=N  a CPU profile of the N seconds (at most 60) that follow; 409 while another is being taken
// GET /debug/memory             what the allocator holds and the caches count, as metrics
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/cpu_profile.h"
#include "net/loop.h"
#include "net/server.h"

namespace knfe::runtime {

class DebugPages {
 public:
  // `metrics`: all that there are. The server that answers must end before this does.
  DebugPages(net::Loop& loop, std::function<std::string()> metrics);

  // Whether the page is one of its own; then it answers.
  bool serve(const net::Request& request, const net::Server::Answer& answer);

 private:
  void profile(const net::Request& request, const net::Server::Answer& answer);
  net::Response memory() const;

  net::Loop& loop_;
  const std::function<std::string()> metrics_;
  std::unique_ptr<CpuProfile> profile_;
  net::Handle end_;
};

}  // namespace knfe::runtime
