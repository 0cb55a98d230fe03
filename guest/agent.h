// Agent: what `knfe guest run` does inside a member. It watches two objects by name - the function's member list and its own
// Member - keeps the list as files, runs the hooks, and reports Joined, Serving and Left until its Member is gone.
//
//   not joined --joined hook succeeds--> serving --asked to leave--> leaving --leave hook succeeds--> left
//        ^---------- joined hook fails --------/  ^------------- wanted again ------------/-------------/
//
// Asked to leave is: its Member or the list says so (its pod is being deleted), or somebody rings (`knfe guest leave`, the
// preStop hook). The leave hook starts once the list shows it as leaving (or is gone, with the function) and the others have had
// a second to see that; if the operators are away, after a quarter of the time that leaving may take. The hooks are those that
// this pod was made with. Indicators are measured as the Member has them now, from when it has joined until it leaves; Actions
// that the list's ConfigMap asks for are done as the Member has them now.
#pragma once

#include <memory>
#include <string>

#include "api/foreign.h"
#include "api/member.h"
#include "guest/actions.h"
#include "guest/indicators.h"
#include "guest/member_list.h"
#include "kube/informer.h"
#include "net/doorbell.h"

namespace knfe::guest {

// Who this is: from the environment that the pod provider sets.
struct Identity {
  std::string ns, function, member, pod_uid;
  api::Membership membership;
};
Result<Identity> identity_from_environment();

inline constexpr const char* kRunFolder = "/run/knfe";
inline constexpr const char* kDoorbell = "/run/knfe/agent.sock";
inline constexpr const char* kFieldManager = "knfe-guest";  // of what is written from inside a member

class Agent {
 public:
  Agent(net::Loop& loop, kube::ApiClient& api, Identity identity, std::string folder = kRunFolder);

  Result<void> start();

 private:
  // A hook of the member and what became of it.
  struct HookRun {
    net::Handle running;
    net::Handle again;
    bool succeeded = false;
    std::string trouble;  // why not
  };

  void on_list();
  void on_member();
  void consider();
  bool asked_to_leave() const;
  void check_joined();
  void on_actions(const api::ConfigMap& map);
  void measure();
  void run_peers_changed();
  void run_leave();
  void run(HookRun& hook, const char* name, const std::optional<api::Hook>& command, Duration limit,
           std::function<void(bool succeeded)> done);
  std::string trouble() const;
  api::Conditions conditions() const;
  bool tells(const api::AgentReport& live, const api::AgentReport& wanted) const;
  void report();

  net::Loop& loop_;
  kube::ApiClient& api_;
  const Identity identity_;
  const std::string folder_;
  kube::Cache<api::ConfigMap> lists_;
  kube::Cache<api::Member> members_;
  kube::Informer<api::ConfigMap> list_informer_;
  kube::Informer<api::Member> member_informer_;
  std::unique_ptr<net::Doorbell> doorbell_;

  bool wanted_ = true;  // as our Member says
  bool known_ = false;  // our Member has been seen
  bool rung_ = false;
  bool listed_leave_ = false;    // the list asks us to leave
  bool listed_leaving_ = false;  // the list shows us as leaving
  bool unlisted_ = false;        // the list is gone, or we are not on it: nobody sends us anything
  std::string list_text_;        // as written last
  Instant leaving_since_{};      // when leaving began; Instant{}: it has not
  Instant listed_since_{};       // when the list first showed us as leaving
  HookRun joined_, peers_, leave_;
  Indicators indicators_;
  Actions actions_;
  std::string actions_text_;   // as read last
  bool list_is_news_ = false;  // peersChanged has not succeeded for the newest list
  bool joined_known_ = false;  // the joined hook has answered
  int joined_failures_ = 0;
  net::Handle leave_timer_, report_call_, report_again_, list_again_;
  Duration report_wait_{1'000};           // before the next try of a report that was not taken
  std::string refused_report_;            // what it said, if it was refused; empty: not taken for another reason
  std::string list_trouble_;              // why the newest list is not in its files
  std::optional<api::AgentReport> told_;  // what the API server took last
  bool reporting_ = false;
};

}  // namespace knfe::guest
