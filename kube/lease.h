// Lease: who of several replicas may write (coordination.k8s.io/v1).
//
// Held for 15 s, renewed every 3 s, given up after 10 s without success - each counted on this process's own clock, which goes on
// during a suspension. A holder that finds its own identity in the lease goes on at once: the identity is the pod's UID, so that
// is the same pod's restarted container. Others wait until they have themselves seen the lease unrenewed for its whole duration:
// theirs, or the one that it states, if that is longer (another release may hold it longer).
//
// What the server asks to wait is obeyed, with one exception: where it would pass the end of a lease that is held, one renewal is
// sent before that. To lose the lease costs the server more than one small request does (all writes stand still, another replica
// plans everything anew), and it still may say no.
#pragma once

#include <functional>
#include <string>

#include "kube/api_client.h"
#include "net/loop.h"

namespace knfe::kube {

class Lease {
 public:
  Lease(net::Loop& loop, ApiClient& api, api::Key key, std::string identity, std::function<void()> won);

  void start();
  // True while no other replica can hold it. Ask at the moment of each write.
  bool held() const;
  // Hands it over, if it is still held and still says so: the next one need not wait. Calls `done` whatever comes of it.
  void release(std::function<void()> done);

 private:
  void attempt();
  void decide(const Json& lease);
  void write(net::Request request, const char* verb);
  void again(Duration delay);
  Duration wait_after(const Error& error, Duration least) const;
  void hand_over(bool look);
  Json body(const Json& from, const std::string& holder) const;

  net::Loop& loop_;
  ApiClient& api_;
  const api::Key key_;
  const std::string identity_;
  const std::function<void()> won_;
  std::string holder_;
  Json last_;                 // the lease as written last
  std::string seen_version_;  // of another's lease, and since when it has been that
  Instant seen_since_{};
  Instant good_until_{};
  bool was_held_ = false;
  bool releasing_ = false;
  std::function<void()> released_;
  net::Handle call_, timer_;
};

}  // namespace knfe::kube
