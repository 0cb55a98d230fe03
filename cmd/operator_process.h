// OperatorProcess: the wiring diagram of the operators.
//
//   API server <--> net::Client <--> ApiClient <--> Informers --> View --> triggers --> Manager --> plans --> writes -->
//   ApiClient
//                                        \--> Lease: gates every write
//
// Everything is constructed here, in this order, and goes in the reverse one.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "kube/lease.h"
#include "operators/operators.h"
#include "providers/multus/multus.h"
#include "providers/pod/pod.h"
#include "runtime/manager.h"

namespace knfe::cmd {

struct OperatorSettings {
  std::string ns;        // watch this namespace only; empty: all
  api::Key lease;        // without a name: no lease
  std::string identity;  // in the lease
  std::string agent_image;
};

class OperatorProcess {
 public:
  // `transport` may be a test's that stands between; it must outlive this.
  OperatorProcess(net::Loop& loop, net::Client& transport, const kube::Config& config, const OperatorSettings& settings);

  void start();
  // Ends running writes, hands the lease over, then calls `done`.
  void stop(std::function<void()> done);

  bool ready() const { return manager_.synced(); }
  const operators::View& view() const { return view_; }
  std::string metrics() const;
  // For /readyz: what is not synced yet.
  std::string waiting_for() const;

 private:
  template <class T>
  void watch(kube::Cache<T>& cache, const char* label_selector, Result<T> (*decode)(const Json&));

  net::Loop& loop_;
  kube::ApiClient api_;
  operators::View view_;
  const providers::Multus multus_;
  const providers::PodProvider pods_;
  std::unique_ptr<kube::Lease> lease_;
  const std::string ns_;
  bool stopping_ = false;
  std::vector<std::unique_ptr<kube::InformerBase>> informers_;
  runtime::Manager manager_;
};

}  // namespace knfe::cmd
