// In which order the members of a role come and go, and what is done about those that do not serve.
#pragma once

#include "operators/child.h"
#include "operators/function/membership.h"

namespace knfe::operators {

// Whether the role of `set` waits for that of `other`.
bool depends_on(const api::MemberSet& set, const api::MemberSet& other);

// Which members of a role are to serve, to be stopped, or not to be made yet.
class Order {
 public:
  Order(const api::MemberSet& set, const View& view);

  // What is asked of the member with this number, `live` (null: there is none of the set's own), "Serving" or "Stopped"; null: it
  // is not made yet. To be asked from 0 upwards.
  const char* next(std::int32_t ordinal, const api::Member* live);
  // Why one was not made or started; empty: all were.
  const std::string& held() const { return held_; }
  // The role that has to stop before this one; empty: none.
  const std::string& needed_by() const { return needed_by_; }
  // Of a set that is to be stopped: whether anything still runs of it.
  bool any_runs() const { return last_running_ >= 0; }
  bool one_by_one() const { return one_by_one_; }

 private:
  const api::MemberSet& set_;
  const View& view_;
  const bool one_by_one_;
  std::string held_, needed_by_;
  std::int32_t last_running_ = -1;
};

// Replaces what runs of members that have not served for long, within the budget: those that were replaced lately, or have
// stopped to serve lately, count until they serve or have had their time. So a storm is healed a few at a time. Says what it
// replaced, in `notes` as well; empty: nothing.
std::string heal(const api::MemberSet& set, const std::vector<const api::Member*>& members, const View& view,
                 const runtime::Moment& moment, runtime::Plan& plan, Children& children, std::vector<runtime::Note>& notes);

}  // namespace knfe::operators
