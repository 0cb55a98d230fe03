#include "guest/actions.h"

#include <algorithm>

#include "base/log.h"
#include "base/rfc3339.h"
#include "base/text.h"

namespace knfe::guest {

namespace {

constexpr std::size_t kMostOutput = 256 * 1024;
constexpr std::size_t kTold = 500;  // bytes of it
constexpr std::size_t kMostPast = 64;

// What it wrote last is what matters. Whole characters, and none that a status could not hold.
std::string end_of(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.remove_suffix(1);
  if (text.size() > kTold) {
    text.remove_prefix(text.size() - kTold);
    while (!text.empty() && (static_cast<unsigned char>(text.front()) & 0xc0) == 0x80) text.remove_prefix(1);
  }
  return as_utf8(text);
}

void finish(api::ActionReport& report, std::optional<int> code, std::string_view output) {
  report.finished = wall_seconds();
  report.exit_code = code;
  report.output = end_of(output);
  log(Level::kInfo, "action ended", {{"uid", report.uid}, {"how", code ? "exit code " + std::to_string(*code) : report.output}});
}

// By this machine's clock: operators may be away.
bool is_late(const Asked& asked) {
  const auto created = read_rfc3339(asked.created), now = read_rfc3339(wall_seconds());
  return created && now && asked.deadline > Duration(0) && *now > *created + asked.deadline;
}

}  // namespace

Result<std::vector<Asked>> read_actions(std::string_view text, const std::string& self) {
  std::vector<Asked> out;
  if (text.empty()) return out;
  KNFE_TRY(const Json json, parse_json(text));
  if (!json.is_array()) return fail(Code::kInvalid, "no list of actions");
  for (const auto& one : as_array(json)) {
    const auto& members = as_array(at(one, "members"));
    const bool ours = std::any_of(members.begin(), members.end(), [&](const Json& uid) { return as_string(uid) == self; });
    Asked asked{std::string(as_string(at(one, "uid"))),
                std::string(as_string(at(one, "action"))),
                std::string(as_string(at(one, "created"))),
                std::chrono::seconds(as_int(at(one, "deadlineSeconds"))),
                {}};
    if (!ours || asked.uid.empty() || out.size() == api::kMostActions) continue;
    for (const auto& [name, value] : as_object(at(one, "parameters")))
      asked.parameters.emplace_back("KNFE_PARAMETER_" + std::string(name), as_string(value));
    out.push_back(std::move(asked));
  }
  return out;
}

api::ActionReport* Actions::find(const std::string& uid) {
  const auto found = std::find_if(reports_.begin(), reports_.end(), [&](const auto& one) { return one.uid == uid; });
  return found == reports_.end() ? nullptr : &*found;
}

void Actions::resume(const std::vector<api::ActionReport>& told) {
  reports_ = told;
  for (auto& report : reports_) {
    if (!report.finished.empty()) continue;
    finish(report, std::nullopt, "the guest agent was started anew while this ran: what became of it is not known");
  }
}

void Actions::ask(std::vector<Asked> asked) {
  asked_ = std::move(asked);
  const auto is_asked = [&](const std::string& uid) {
    return std::any_of(asked_.begin(), asked_.end(), [&](const auto& one) { return one.uid == uid; });
  };
  if (!current_.empty() && !is_asked(current_)) {
    running_.reset();
    if (auto* report = find(current_)) finish(*report, std::nullopt, "it was asked no more while it ran");
    current_.clear();
  }
  bool changed = false;
  const auto move = [&](auto& from, auto& to, bool when_asked) {
    for (auto one = from.begin(); one != from.end();) {
      if (is_asked(one->uid) != when_asked) {
        ++one;
        continue;
      }
      to.push_back(std::move(*one));
      one = from.erase(one);
      changed = true;
    }
  };
  move(past_, reports_, true);
  move(reports_, past_, false);
  if (past_.size() > kMostPast) past_.erase(past_.begin(), past_.end() - kMostPast);
  if (begin_next() || changed) changed_();
}

bool Actions::begin_next() {
  if (!current_.empty()) return false;
  const auto next = std::find_if(asked_.begin(), asked_.end(), [&](const auto& one) { return !find(one.uid); });
  if (next == asked_.end()) return false;
  current_ = next->uid;
  reports_.push_back({current_, wall_seconds(), {}, {}, {}});
  return true;
}

void Actions::go_on(const std::vector<api::ActionTemplate>& known, const std::vector<api::ActionReport>& told) {
  if (current_.empty() || running_) return;
  const bool is_told = std::any_of(told.begin(), told.end(), [&](const auto& one) { return one.uid == current_; });
  const auto asked = std::find_if(asked_.begin(), asked_.end(), [&](const auto& one) { return one.uid == current_; });
  if (!is_told || asked == asked_.end()) return;
  const auto how = std::find_if(known.begin(), known.end(), [&](const auto& one) { return one.name == asked->action; });
  const std::string uid = current_;
  if (is_late(*asked)) return end(uid, std::nullopt, "it was asked too late: its deadline was over");
  if (how == known.end()) return end(uid, std::nullopt, "the member knows no action " + asked->action);
  log(Level::kInfo, "action begins", {{"action", how->name}, {"uid", uid}});
  running_ = net::run_for_output(loop_, how->command, asked->parameters, kMostOutput, std::chrono::seconds(how->timeout_seconds),
                                 [this, uid](const Result<net::Output>& output) {
                                   if (!output) return end(uid, std::nullopt, output.error().message);
                                   end(uid, output->code, output->text);
                                 });
}

void Actions::end(const std::string& uid, std::optional<int> code, std::string_view output) {
  running_.reset();
  current_.clear();
  if (auto* report = find(uid)) finish(*report, code, output);
  begin_next();
  changed_();
}

}  // namespace knfe::guest
