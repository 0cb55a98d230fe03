// Queue: which keys to look at, and when. A value without threads or timers: whoever owns it passes the time in.
//
// A key is in the queue at most once, at the earliest of the times asked for; a key that is being worked on and is asked for
// again comes back when its work is done. Failures back off per key, 50 ms doubling to 30 s, with a spread of a quarter.
#pragma once

#include <map>
#include <optional>
#include <set>

#include "api/object.h"
#include "base/clock.h"

namespace knfe::runtime {

struct Item {
  std::size_t controller = 0;
  api::Key key;
  auto operator<=>(const Item&) const = default;
};

class Queue {
 public:
  void add(const Item& item, Instant due);
  // The item that is due first and not being worked on; it counts as being worked on until done() or failed().
  std::optional<Item> take(Instant now);
  // When take() will have something, unless something is added before.
  std::optional<Instant> next_due() const;

  void done(const Item& item);                                        // forgets its failures
  Duration failed(const Item& item, Instant now, Duration at_least);  // comes back after the returned wait

  std::size_t size() const { return due_.size(); }
  std::size_t working() const { return working_.size(); }

 private:
  void unlock(const Item& item);

  std::map<Item, Instant> due_;
  std::set<std::pair<Instant, Item>> order_;  // those of due_ that are not being worked on
  std::set<Item> working_;
  std::map<Item, int> failures_;
};

}  // namespace knfe::runtime
