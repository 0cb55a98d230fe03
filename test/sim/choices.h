// Choices: what a seed decides, place by place. A place is named by what happens there ("the second PATCH of members/x"), so that
// the same decision is met again when others are taken back: that is how a failure shrinks.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "test/sim/engine.h"

namespace knfe::sim {

// What can go wrong.
enum class Fault {
  kNone,
  // of requests
  kKillBefore,   // the process dies before it is sent
  kKillAfter,    // it is done, and the process dies before it hears of it
  kCutBefore,    // the connection breaks before it is sent
  kCutAfter,     // it is done, and the connection breaks before the answer
  kConflict,     // 409
  kTooMany,      // 429, to come back in a second
  kInternal,     // 500
  kUnavailable,  // 503
  kLostAs500,    // it is done, and answered with 500
  kSlow,         // the answer takes seconds
  kLate,         // no answer for 33 s: it is done long after it was given up
  // of events
  kDrop,       // not told, until a list 1.5 s later
  kDuplicate,  // told twice
  kPause,      // this watch stands still for 2 s
  kPauseLong,  // for 12 s
  kCut,        // the watch breaks
  kClose,      // the server ends it
  kGone,       // 410
  kGarbage,    // what comes is no event
  // of processes
  kKill,    // at any time
  kFreeze,  // stands still for longer than a lease lasts
  kPast,    // (with a kill) what it hears first is of the past
  kEnd,
};

const char* name_of(Fault fault);

// What of a seed's decisions is kept while a failure shrinks.
struct Allowed {
  std::unordered_set<std::uint64_t> faults, delays;
};

class Choices {
 public:
  // `kept`: only these come to be; null: all. Nothing at all comes to be for a seed of 0.
  Choices(std::uint64_t seed, const Allowed* kept) : seed_(seed), kept_(kept) {}

  std::uint64_t seed() const { return seed_; }
  std::uint64_t number(std::uint64_t place) const { return mix(seed_, place); }
  // How often `what` has been met.
  std::uint64_t place(std::uint64_t what) { return mix(what, ++met_[what]); }
  // Whether something other than the usual comes to be there.
  bool fault(std::uint64_t place) { return comes(place, kept_ ? &kept_->faults : nullptr, taken.faults); }
  bool delay(std::uint64_t place) { return comes(place, kept_ ? &kept_->delays : nullptr, taken.delays); }

  struct Taken {
    std::vector<std::uint64_t> faults, delays;
  };
  Taken taken;

 private:
  bool comes(std::uint64_t place, const std::unordered_set<std::uint64_t>* kept, std::vector<std::uint64_t>& out) const {
    if (seed_ == 0 || (kept && !kept->contains(place))) return false;
    out.push_back(place);
    return true;
  }

  const std::uint64_t seed_;
  const Allowed* const kept_;
  std::unordered_map<std::uint64_t, std::uint64_t> met_;
};

// What kind of a schedule a seed is: few faults of few kinds each, so that each kind is met in depth.
struct Profile {
  std::uint32_t faults = 0;  // kinds, as bits
  int budget = 0;            // at most so many
  int spread = 0;            // how unlike the ways are
  bool pair = false;         // a second process stands by, and a lease decides
  std::size_t scenario = 0;

  bool has(Fault fault) const { return (faults >> static_cast<unsigned>(fault)) & 1u; }
};

Profile profile_of(std::uint64_t seed, std::size_t scenarios);

}  // namespace knfe::sim
