// Queue: which keys to look at, and in which order. A value without threads or timers: whoever owns it passes the time in.
//
// A key is in the queue at most once, at the earliest of the times asked for and the highest of the priorities; a key that is
// being worked on and is asked for again comes back when its work is done, with no lower a priority. Failures back off per key,
// 50 ms doubling to 30 s, with a spread of a quarter.
//
// Of what is due, the highest priority comes first; of that, controllers take turns, so that ten thousand keys of one kind do
// not hold up another kind; of one controller's, what became due first comes first. One turn in eight begins with the lowest
// priority, so that it goes on whatever happens above it.
#pragma once

#include <array>
#include <boost/intrusive/list.hpp>
#include <map>
#include <optional>
#include <unordered_map>
#include <vector>

#include "api/object.h"
#include "base/clock.h"

namespace knfe::runtime {

struct Item {
  std::size_t controller = 0;
  api::Key key;
  auto operator<=>(const Item&) const = default;
};
struct HashOfItem {
  std::size_t operator()(const Item& item) const { return item.key.hash() + item.controller * 0x9e3779b97f4a7c15u; }
};

enum class Priority {
  kEdit,    // somebody has changed what is wanted of the very object
  kChange,  // something that it hangs on has changed
  kList,    // the first list tells that it is there
};
inline constexpr std::array kPriorities{Priority::kEdit, Priority::kChange, Priority::kList};

class Queue {
 public:
  struct Taken {
    Item item;
    Priority priority = Priority::kChange;
    Duration waited{0};  // since it was due
    int failures = 0;    // in a row, before this one
  };

  void add(const Item& item, Instant due, Priority priority = Priority::kChange);
  // What comes next of what is due and not being worked on; it counts as being worked on until done() or failed().
  std::optional<Taken> take(Instant now);
  // When take() will have something, unless something is added before.
  std::optional<Instant> next_due() const;

  void done(const Item& item);                                        // forgets its failures
  Duration failed(const Item& item, Instant now, Duration at_least);  // comes back after the returned wait

  // Gives back the room of many, when few are left.
  void shrink();
  // What backs off is due at once: the reason may be gone.
  void hurry(Instant now);

  std::size_t size() const { return entries_.size(); }
  std::size_t size(std::size_t controller, Priority priority) const;
  std::size_t working() const { return working_.size(); }

 private:
  // In one line at most: none while its key is being worked on.
  struct Entry : boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
    const Item* item = nullptr;
    Instant due;
    Priority priority = Priority::kChange;
    bool ready = false;
  };
  using Line = boost::intrusive::list<Entry, boost::intrusive::constant_time_size<false>>;
  using Entries = std::unordered_map<Item, Entry, HashOfItem>;

  void show(Entry& entry);
  void unlock(const Item& item);
  Line* ready_of(std::vector<Line>& by_controller, std::size_t& turn);
  void make_ready(Entry& entry);

  // What is not being worked on: not due when looked at last, by when it will be (to the millisecond, so that a burst shares a
  // line); and due, by priority and controller, in the order in which it became so.
  std::map<Instant, Line> later_;
  std::array<std::vector<Line>, kPriorities.size()> ready_;
  std::array<std::size_t, kPriorities.size()> turn_{};  // the controller whose turn it is
  unsigned taken_ = 0;
  Entries entries_;  // after the lines, which it leaves at its end
  std::unordered_map<Item, Priority, HashOfItem> working_;
  std::unordered_map<Item, int, HashOfItem> failures_;
};

}  // namespace knfe::runtime
