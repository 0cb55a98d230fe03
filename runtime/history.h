// History: the last sixteen decisions about each key, for `knfe explain`. Bounded: beyond 4096 decisions in all, the keys that
// nothing was decided about for the longest time are forgotten. A decision that says what the one before has said is counted.
#pragma once

#include <cstdint>
#include <list>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/json.h"
#include "runtime/plan.h"
#include "runtime/queue.h"

namespace knfe::runtime {

struct Decision {
  Word at;                // RFC 3339, of the last time
  std::string reconcile;  // the id of the last run that came to this
  Word why;               // what made it look
  Word what;              // what the plan was
  Word outcome;
  std::uint32_t times = 1;
};

class History {
 public:
  static constexpr std::size_t per_key = 16, in_all = 4096;

  void add(const Item& item, Decision decision);
  // The latest last; null if nothing is known of it.
  const std::vector<Decision>* of(const Item& item) const;

 private:
  struct Entry {
    Item item;
    std::vector<Decision> decisions;
  };
  std::list<Entry> entries_;  // the one decided about last comes first
  std::unordered_map<Item, std::list<Entry>::iterator, HashOfItem> by_item_;
  std::size_t decisions_ = 0;
};

// A plan in a line: its writes, and what the status says.
std::string text_of(const Plan& plan);
Json to_json(const std::vector<Decision>& decisions);

}  // namespace knfe::runtime
