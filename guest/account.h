// Account: the token of the agent in a virtual machine. That on its disk is bound to the pod that the machine was started by, and
// dies with it when the machine moves to another node. So the agent asks for one of its own, bound to nothing but its
// ServiceAccount (TokenRequest), and has it renewed each hour; it lives for a week, so that a machine may be off or paused for
// days. The ServiceAccount, and with it every token, ends with the Member.
#pragma once

#include <string>

#include "kube/api_client.h"
#include "net/loop.h"

namespace knfe::guest {

class Account {
 public:
  // The file that the API client reads its token from: what was given last, or the disk's at first.
  static Result<std::string> prepare(const std::string& run, const std::string& account);

  // `api` uses the token file of `run`.
  Account(net::Loop& loop, kube::ApiClient& api, std::string ns, std::string name, std::string run, std::string account);

 private:
  void ask();

  net::Loop& loop_;
  kube::ApiClient& api_;
  const std::string ns_, name_, run_, account_;
  std::string own_;        // given last
  bool uses_own_ = false;  // or that on the disk
  net::Handle call_, timer_;
};

}  // namespace knfe::guest
