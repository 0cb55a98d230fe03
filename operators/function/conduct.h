// In which order the members of a role come and go, and what is done about those that do not serve.
#pragma once

#include "operators/child.h"
#include "operators/function/membership.h"

namespace knfe::operators {

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

 private:
  const api::MemberSet& set_;
  const View& view_;
  const bool one_by_one_;
  std::string held_, needed_by_;
  std::int32_t last_running_ = -1;
};

bool any_runs(const api::MemberSet& set, const View& view);

// Replaces what runs of members that have not served for long, within the budget: those that were replaced lately, or have
// stopped to serve lately, count until they serve or have had their time. So a storm is healed a few at a time. Says what it
// replaced, in `notes` as well; empty: nothing.
std::string heal(const api::MemberSet& set, const std::vector<const api::Member*>& members, const View& view,
                 const runtime::Moment& moment, runtime::Plan& plan, Children& children, std::vector<runtime::Note>& notes);

}  // namespace knfe::operators
