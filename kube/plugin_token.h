// PluginToken: the bearer token of a credential plugin, for requests that wait for it while the loop goes on.
//
// The plugin runs when a request needs a token and there is none, or, in the last part of its life, while it is still used; once
// at a time, for all who wait. A run that fails is remembered: for a second, doubling to a minute, whoever asks is told so and
// nothing is run. A token that the server refuses is replaced, at most once in ten seconds.
#pragma once

#include <list>
#include <memory>
#include <string>

#include "kube/exec_credential.h"

namespace knfe::kube {

class PluginToken {
 public:
  using Done = std::function<void(const Result<std::string>&)>;

  // The loop must outlive this, and this every handle given out.
  PluginToken(net::Loop& loop, ExecPlugin plugin) : loop_(loop), plugin_(std::move(plugin)) {}

  // The one to send now; null if it has to be waited for.
  const std::string* at_hand();
  // Calls `done` once, from the loop, with the next token; or with Code::kUnavailable and how long to wait.
  [[nodiscard]] net::Handle wait(Done done);
  // The server has said 401 to this one.
  void refused(const std::string& token);

 private:
  void run();
  void ended(Result<ExecCredential> credential);
  bool resting() const { return boot_now() < rests_until_; }

  net::Loop& loop_;
  const ExecPlugin plugin_;
  std::string token_;  // empty: none
  Instant got_at_{}, renew_at_{}, good_until_{};
  Instant rests_until_{};  // after a failure
  Duration rest_{0};
  Error failure_;
  std::list<std::shared_ptr<Done>> waiting_;
  net::Handle running_;
};

}  // namespace knfe::kube
