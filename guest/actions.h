// Actions: what a member was asked to do once. One at a time, oldest first; each only after the API server has taken that it
// begins, so that it is begun once, whatever dies: one that was begun by an earlier life of this agent has failed.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "api/member.h"
#include "net/loop.h"
#include "net/process.h"

namespace knfe::guest {

struct Asked {
  std::string uid, action;
  std::string created;        // when it was asked for
  Duration deadline{};        // from then on; not begun after it
  net::Variables parameters;  // KNFE_PARAMETER_NAME
};
// `text` is what the member list's ConfigMap has under actions.json: those that concern the Member with the UID `self`.
Result<std::vector<Asked>> read_actions(std::string_view text, const std::string& self);

class Actions {
 public:
  // `changed` is called from the loop when reports() says something else.
  Actions(net::Loop& loop, std::function<void()> changed) : loop_(loop), changed_(std::move(changed)) {}

  // What an earlier life of this agent has told. To be called once, before all else.
  void resume(const std::vector<api::ActionReport>& told);
  // All that is asked now. What is not any more is told no more, and killed if it runs.
  void ask(std::vector<Asked> asked);
  // How they are done; the API server has taken `told`.
  void go_on(const std::vector<api::ActionTemplate>& known, const std::vector<api::ActionReport>& told);

  const std::vector<api::ActionReport>& reports() const { return reports_; }

 private:
  api::ActionReport* find(const std::string& uid);
  bool begin_next();  // whether one begins
  void end(const std::string& uid, std::optional<int> code, std::string_view output);

  net::Loop& loop_;
  const std::function<void()> changed_;
  std::vector<Asked> asked_;
  std::vector<api::ActionReport> reports_;
  std::vector<api::ActionReport> past_;  // asked no more, the latest last: were it asked again, it is not to be done again
  std::string current_;                  // UID of what begins, or runs
  net::Handle running_;
};

}  // namespace knfe::guest
