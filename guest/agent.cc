#include "guest/agent.h"

#include <algorithm>

#include "base/environment.h"
#include "base/log.h"
#include "kube/request.h"
#include "net/process.h"

namespace knfe::guest {

namespace {

constexpr Duration kJoinRetry{500};
constexpr Duration kJoinCheck{5'000};
constexpr Duration kHookLimit{10'000};
constexpr Duration kOthersKnow{1'000};  // the lists of all members are right within this
constexpr Duration kRetry{1'000};
constexpr Duration kLongestReportWait{30'000};
constexpr int kJoinPatience = 3;  // failed checks in a row before a serving member says that it does not serve

const Instant kNever{};

kube::Scope only(const Identity& identity, const std::string& name) { return {identity.ns, {}, "metadata.name=" + name}; }

}  // namespace

Result<Identity> identity_from_environment() {
  Identity out{
      environment("KNFE_NAMESPACE"), environment("KNFE_FUNCTION"), environment("KNFE_MEMBER"), environment("KNFE_POD_UID"), {}};
  const std::string membership = environment("KNFE_MEMBERSHIP");
  if (out.ns.empty() || out.function.empty() || out.member.empty() || out.pod_uid.empty() || membership.empty()) {
    return fail(Code::kInvalid, "KNFE_NAMESPACE, KNFE_FUNCTION, KNFE_MEMBER, KNFE_POD_UID and KNFE_MEMBERSHIP must be set",
                "environment", "KNFE's pod provider sets them: this runs inside a member");
  }
  KNFE_TRY(const Json json, parse_json(membership));
  KNFE_TRY(out.membership, api::decode<api::Membership>(json, "$KNFE_MEMBERSHIP"));
  return out;
}

Agent::Agent(net::Loop& loop, kube::ApiClient& api, Identity identity, std::string folder)
    : loop_(loop),
      api_(api),
      identity_(std::move(identity)),
      folder_(std::move(folder)),
      list_informer_(loop, api, only(identity_, identity_.function + "-peers"), lists_, api::decode_config_map),
      member_informer_(loop, api, only(identity_, identity_.member), members_, api::decode_object<api::Member>),
      indicators_(loop, [this] { report(); }),
      actions_(loop, [this] { report(); }) {
  lists_.on_change([this](const auto*, const auto*) { on_list(); });
  members_.on_change([this](const auto*, const auto*) { on_member(); });
}

Result<void> Agent::start() {
  auto bell = net::Doorbell::listen(loop_, folder_ + "/agent.sock", [this] {
    rung_ = true;
    consider();
  });
  if (!bell) return std::unexpected(bell.error());
  doorbell_ = std::move(*bell);
  list_informer_.start();
  member_informer_.start();
  return {};
}

void Agent::on_list() {
  const auto* map = lists_.get({identity_.ns, identity_.function + "-peers"});
  if (!map) {
    // The list as it was is the best that is known; but nobody follows it any more.
    unlisted_ = true;
    list_text_.clear();  // one that comes is news, even if it says the same
    return consider();
  }
  on_actions(*map);
  const auto found = map->data.find("members.json");
  if (found == map->data.end() || found->second == list_text_) return;
  auto list = read_member_list(found->second, identity_.member);
  Result<void> written = list ? write_member_list(*list, folder_) : Result<void>(std::unexpected(list.error()));
  if (!written) {
    const std::string trouble = "the member list is not usable: " + written.error().text();
    if (trouble != list_trouble_) log(Level::kError, "the member list is not usable", {{"error", written.error().text()}});
    list_trouble_ = trouble;
    list_again_ = loop_.after(kRetry, [this] { on_list(); });
    return consider();
  }
  list_trouble_.clear();
  list_again_.reset();
  list_text_ = found->second;
  listed_leave_ = list->leave;
  listed_leaving_ = list->own_state == "Leaving";
  unlisted_ = list->own_state.empty();
  log(Level::kInfo, "member list written", {{"version", map->meta.resource_version}, {"members", list->brief}});
  list_is_news_ = true;
  run_peers_changed();
  consider();
}

// Before our Member is known, nobody knows what has been done of it.
void Agent::on_actions(const api::ConfigMap& map) {
  const auto found = map.data.find("actions.json");
  static const std::string kNothing;
  const std::string& text = found == map.data.end() ? kNothing : found->second;
  const auto* member = members_.get({identity_.ns, identity_.member});
  if (!known_ || !member || text == actions_text_) return;
  actions_text_ = text;
  auto asked = read_actions(text, member->meta.uid.text());
  if (!asked) return log(Level::kError, "the actions are not usable", {{"error", asked.error().text()}});
  actions_.ask(std::move(*asked));
}

void Agent::on_member() {
  const auto* member = members_.get({identity_.ns, identity_.member});
  if (!member) return;  // gone: this pod is about to be, too
  if (!known_ && member->status.agent) actions_.resume(member->status.agent->actions);
  known_ = true;
  wanted_ = member->spec.is_to_serve() && !member->meta.deleting;
  if (const auto* map = lists_.get({identity_.ns, identity_.function + "-peers"})) on_actions(*map);
  if (member->status.agent && member->status.agent->pod_uid == identity_.pod_uid)
    actions_.go_on(member->spec.actions, member->status.agent->actions);
  consider();
}

bool Agent::asked_to_leave() const { return !wanted_ || rung_ || listed_leave_; }

void Agent::consider() {
  if (!known_) return;
  if (asked_to_leave()) {
    if (leaving_since_ == kNever) {
      leaving_since_ = boot_now();
      joined_.again.reset();
      log(Level::kInfo, "leaving");
    }
    if ((listed_leaving_ || unlisted_) && listed_since_ == kNever) listed_since_ = boot_now();
    run_leave();
  } else {
    if (leaving_since_ != kNever) {
      log(Level::kInfo, "wanted again");
      leaving_since_ = listed_since_ = kNever;
      leave_ = {};
      leave_timer_.reset();
      joined_ = {};
      joined_known_ = false;
      doorbell_->close();
    }
    if (!joined_.running && !joined_.again) check_joined();
  }
  measure();
  report();
}

// Before it has joined, and once it leaves, a member carries nothing that anybody should decide by.
void Agent::measure() {
  const auto* member = members_.get({identity_.ns, identity_.member});
  const bool serves = joined_.succeeded && leaving_since_ == kNever;
  indicators_.measure(member && serves ? member->spec.indicators : std::vector<api::Indicator>());
}

void Agent::check_joined() {
  run(joined_, "joined", identity_.membership.joined, kHookLimit, [this](bool succeeded) {
    joined_known_ = true;
    joined_failures_ = succeeded ? 0 : joined_failures_ + 1;
    const bool patient = joined_.succeeded && joined_failures_ < kJoinPatience;
    if (!patient) joined_.succeeded = succeeded;
    if (leaving_since_ == kNever) joined_.again = loop_.after(succeeded ? kJoinCheck : kJoinRetry, [this] { check_joined(); });
    measure();
    report();
  });
}

void Agent::run_peers_changed() {
  if (peers_.running || !list_is_news_) return;
  list_is_news_ = false;
  run(peers_, "peersChanged", identity_.membership.peers_changed, kHookLimit, [this](bool succeeded) {
    if (!succeeded) {
      list_is_news_ = true;
      peers_.again = loop_.after(kRetry, [this] { run_peers_changed(); });
    } else {
      run_peers_changed();
    }
    report();
  });
}

void Agent::run_leave() {
  if (leave_.running || leave_.succeeded) return;
  const Duration limit = std::chrono::seconds(identity_.membership.leave_timeout_seconds);
  // The list tells the others to send nothing new. Without operators nobody writes it: then waiting has an end.
  const Instant start = listed_since_ != kNever ? listed_since_ + kOthersKnow : leaving_since_ + limit / 4;
  if (boot_now() < start) {
    leave_timer_ = loop_.after(start - boot_now(), [this] { run_leave(); });
    return;
  }
  run(leave_, "leave", identity_.membership.leave, limit, [this](bool succeeded) {
    if (leaving_since_ == kNever) return;  // wanted again meanwhile
    leave_.succeeded = succeeded;
    if (succeeded) {
      log(Level::kInfo, "left");
      doorbell_->open();
    } else {
      leave_timer_ = loop_.after(kRetry, [this] { run_leave(); });
    }
    report();
  });
}

// A hook that is not given has succeeded.
void Agent::run(HookRun& hook, const char* name, const std::optional<api::Hook>& command, Duration limit,
                std::function<void(bool)> done) {
  hook.again.reset();
  const auto ended = [&hook, name, done = std::move(done)](Result<int> code) {
    hook.running.reset();
    const bool succeeded = code && *code == 0;
    std::string trouble;
    if (!succeeded) {
      trouble =
          std::string("hook ") + name + (code ? " ended with exit code " + std::to_string(*code) : " " + code.error().text());
      // It may fail twice a second for long: only another failure is news.
      log(trouble == hook.trouble ? Level::kDebug : Level::kInfo, "hook failed", {{"hook", name}, {"error", trouble}});
    }
    hook.trouble = std::move(trouble);
    done(succeeded);
  };
  if (!command || command->command.empty()) {
    hook.running = loop_.after(Duration(0), [ended] { ended(0); });
  } else {
    hook.running = net::run_process(loop_, command->command, limit, ended);
  }
}

// What a member that serves has to complain of.
std::string Agent::trouble() const {
  if (!list_trouble_.empty()) return list_trouble_;
  return peers_.trouble.empty() ? indicators_.trouble() : peers_.trouble;
}

api::Conditions Agent::conditions() const {
  const bool leaving = leaving_since_ != kNever;
  const bool joined = joined_.succeeded;
  const bool left = leaving && leave_.succeeded;
  api::Conditions out;
  const auto add = [&](const char* type, bool status, const char* reason, std::string message) {
    out.push_back({type, status ? "True" : "False", reason, std::move(message), {}, 0});
  };
  const std::string not_joined = joined_.trouble.empty() ? "Joining the cluster." : "Not joined yet: " + joined_.trouble + ".";
  add("Joined", joined, joined ? "Joined" : "Joining", joined ? "The member is part of the cluster." : not_joined);
  if (leaving) {
    add("Serving", false, "Leaving", "The member gets no new traffic.");
  } else if (const std::string what = trouble(); !what.empty()) {
    add("Serving", joined, joined ? "Serving" : "Joining",
        (joined ? "The member takes traffic; " : not_joined + " ") + what + ".");
  } else {
    add("Serving", joined, joined ? "Serving" : "Joining", joined ? "The member takes traffic." : not_joined);
  }
  const std::string draining =
      leave_.trouble.empty() ? "Draining." : "Not drained yet: " + leave_.trouble + "; it is tried again.";
  add("Left", left,
      left      ? "Left"
      : leaving ? "Draining"
                : "Serving",
      left      ? "The member has left the cluster."
      : leaving ? draining
                : "The member is wanted.");
  return out;
}

// Whether what is there tells what is to be told. What others have added stays, as far as this agent has tried.
bool Agent::tells(const api::AgentReport& live, const api::AgentReport& wanted) const {
  if (live.pod_uid != wanted.pod_uid) return false;
  for (const auto& one : wanted.indicators) {
    if (std::find(live.indicators.begin(), live.indicators.end(), one) == live.indicators.end()) return false;
  }
  for (const auto& one : wanted.actions) {
    if (std::find(live.actions.begin(), live.actions.end(), one) == live.actions.end()) return false;
  }
  const bool no_more = live.indicators.size() == wanted.indicators.size() && live.actions.size() == wanted.actions.size();
  return no_more || told_ == wanted;
}

// One write at a time, and only if it says something new.
void Agent::report() {
  const auto* member = members_.get({identity_.ns, identity_.member});
  // Before the first answer there is nothing to tell: after a restart the earlier report stands.
  if (!member || reporting_ || (!joined_known_ && leaving_since_ == kNever)) return;
  auto wanted = conditions();
  const api::AgentReport agent{identity_.pod_uid, indicators_.reports(), actions_.reports()};
  std::string said;
  for (const auto& one : wanted) {
    for (const std::string_view part :
         {std::string_view(one.type), std::string_view(one.status), std::string_view(one.reason), std::string_view(one.message)})
      said.append(part).append("\n");
  }
  // What was refused is repeated ever more seldom; what it is about has changed now.
  if (report_again_ && (refused_report_.empty() || said == refused_report_)) return;
  bool same = member->status.agent && tells(*member->status.agent, agent);
  for (auto& condition : wanted) {
    const auto* before = api::find(member->status.conditions, condition.type);
    condition.observed_generation = member->meta.generation;
    condition.last_transition_time =
        before && before->status == condition.status ? before->last_transition_time : Word(wall_seconds());
    same = same && before && before->status == condition.status && before->reason == condition.reason &&
           before->message == condition.message;
  }
  if (same) return;
  JsonObject object = api::skeleton(api::Member::resource, member->meta.key);
  object["metadata"].as_object()["uid"] = member->meta.uid.text();
  api::MemberStatus status;
  status.agent = agent;
  status.conditions = wanted;
  object["status"] = api::encode(status);
  object["status"].as_object().erase("observedGeneration");  // the operator's
  report_again_.reset();
  reporting_ = true;
  report_call_ = api_.call("members/status", "apply", kube::apply_request(api::Member::resource, object, "status", kFieldManager),
                           [this, said, agent](const Result<Json>& answer) {
                             reporting_ = false;
                             const auto earlier = std::exchange(refused_report_, {});
                             if (answer) {
                               report_wait_ = kRetry;
                               told_ = agent;
                               member_informer_.ingest(*answer);
                               return report();  // what has changed while this was under way
                             }
                             if (answer.error().code == Code::kNotFound) return;
                             const Code code = answer.error().code;
                             const bool refused = code == Code::kForbidden || code == Code::kInvalid;
                             if (refused) refused_report_ = said;
                             if (said != earlier) report_wait_ = kRetry;
                             // The function may be going, and our rights with it: that does not pass.
                             log(report_wait_ == kRetry ? Level::kWarning : Level::kDebug, "the report was not taken",
                                 {{"error", answer.error().text()}});
                             report_again_ = loop_.after(std::max(report_wait_, kube::retry_after(answer.error())), [this] {
                               report_again_.reset();
                               report();
                             });
                             report_wait_ = refused ? std::min(2 * report_wait_, kLongestReportWait) : kRetry;
                             report();  // what has changed while this was under way
                           });
}

}  // namespace knfe::guest
