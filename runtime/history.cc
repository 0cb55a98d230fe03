#include "runtime/history.h"

#include "base/text.h"

namespace knfe::runtime {

void History::add(const Item& item, Decision decision) {
  auto [found, fresh] = by_item_.try_emplace(item);
  if (fresh) {
    entries_.push_front({item, {}});
    found->second = entries_.begin();
  } else {
    entries_.splice(entries_.begin(), entries_, found->second);
  }
  auto& decisions = found->second->decisions;
  if (!decisions.empty() && decisions.back().what == decision.what && decisions.back().outcome == decision.outcome) {
    decision.times = decisions.back().times + 1;
    decisions.back() = std::move(decision);
    return;
  }
  if (decisions.size() == per_key) {
    decisions.erase(decisions.begin());
    --decisions_;
  }
  decisions.push_back(std::move(decision));
  ++decisions_;
  while (decisions_ > in_all) {
    decisions_ -= entries_.back().decisions.size();
    by_item_.erase(entries_.back().item);
    entries_.pop_back();
  }
}

const std::vector<Decision>* History::of(const Item& item) const {
  const auto found = by_item_.find(item);
  return found == by_item_.end() ? nullptr : &found->second->decisions;
}

std::string text_of(const Plan& plan) {
  std::string out;
  const auto add = [&](const std::string& part) { out += (out.empty() ? "" : "; ") + part; };
  for (const auto& action : plan.actions) add(action.text());
  if (plan.status) {
    std::string said = "status";
    for (const auto& condition : as_array(at(plan.status->body, "status", "conditions"))) {
      if (as_string(at(condition, "type")) != "Ready") continue;
      said.append(" Ready=").append(as_string(at(condition, "status")));
      said.append(" ").append(as_string(at(condition, "reason"))).append(": ").append(as_string(at(condition, "message")));
    }
    add(said);
  }
  if (plan.look_again) add("look again in " + std::to_string(plan.look_again->count()) + " ms");
  return out.empty() ? "nothing to do" : cut(out, 500);
}

Json to_json(const std::vector<Decision>& decisions) {
  JsonArray out;
  for (const auto& one : decisions) {
    out.push_back(JsonObject{{"time", one.at},
                             {"reconcile", one.reconcile},
                             {"times", one.times},
                             {"why", one.why},
                             {"decision", one.what},
                             {"outcome", one.outcome}});
  }
  return out;
}

}  // namespace knfe::runtime
