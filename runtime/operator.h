// Operator: the caches, controllers and writes of one operator, wired together.
//
//   API server <--> net::Client <--> ApiClient <--> Informers --> caches --> triggers --> Manager --> plans --> writes -->
//   ApiClient
//                                        \--> Lease: gates every write
//
// Belongs to the loop's thread. Caches and what plans capture must outlive it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "kube/lease.h"
#include "kube/throttle.h"
#include "runtime/manager.h"

namespace knfe::runtime {

struct OperatorSettings {
  std::string ns;          // watch this namespace only; empty: all
  api::Key lease;          // without a name: no lease
  std::string identity;    // in the lease
  std::string build = {};  // version, for metrics
};

class Operator {
 public:
  // `transport` may be a test's that stands between; it must outlive this.
  Operator(net::Loop& loop, net::Client& transport, const kube::Config& config, const OperatorSettings& settings);

  // Before start(). Fills `cache` with the objects that have these labels ("a=b,c"; empty: all).
  template <class T>
  void watch(kube::Cache<T>& cache, std::string label_selector = {}, Result<T> (*decode)(const Json&) = api::decode_object<T>) {
    informers_.push_back(
        std::make_unique<kube::Informer<T>>(loop_, api_, kube::Scope{ns_, std::move(label_selector), {}}, cache, decode));
    manager_.add_informer(*informers_.back());
  }
  Manager& manager() { return manager_; }

  void start();
  // Ends running writes, hands the lease over, then calls `done`.
  void stop(std::function<void()> done);

  bool ready() const { return manager_.synced(); }
  // Prometheus text format.
  std::string metrics() const;
  // For /readyz: what is not synced yet.
  std::string waiting_for() const;
  const Manager& manager() const { return manager_; }

 private:
  bool leads() const { return !lease_ || lease_->held(); }
  // Who is about to go begins no write: what is in flight ends, and the lease is handed over.
  bool may_write() const { return !stopping_ && leads(); }

  net::Loop& loop_;
  const std::string host_, build_;
  kube::Throttle throttle_;
  kube::ApiClient api_;
  std::unique_ptr<kube::Lease> lease_;
  const std::string ns_, lease_name_;
  bool stopping_ = false;
  std::vector<std::unique_ptr<kube::InformerBase>> informers_;
  Manager manager_;
};

}  // namespace knfe::runtime
