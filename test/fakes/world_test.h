// World: a small cluster for plans alone - a Store, the operators' View of it, and those who act beside the operators: kubelet,
// the guest agents, the garbage collector. Plans are made and carried out one at a time, in an order that the test chooses. A
// copy of the store taken after any write is what a process that died then leaves behind.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "operators/view.h"
#include "providers/kubevirt/kubevirt.h"
#include "providers/multus/multus.h"
#include "providers/pod/pod.h"
#include "runtime/plan.h"
#include "test/fakes/masked_test.h"

namespace knfe::fakes {

class World {
 public:
  // Begins with what a store holds: as a process that has just started, and knows nothing else.
  explicit World(Store begin = {});
  World(const World&) = delete;

  // Plans and acts until nobody has anything to do. Fails the test if that never comes.
  void converge();
  // Lets everybody act so many times.
  void advance(unsigned passes);
  // Plans for one object, without doing anything of it.
  runtime::Plan plan(const api::Resource& resource, const api::Key& key);
  // True if no plan wants anything.
  bool settled();
  std::set<std::string> masked() const { return fakes::masked(store); }

  // Shortcuts to the store; objects are in namespace n.
  void put(const std::string& json);  // as `kubectl apply --server-side`
  Json get(const api::Resource& resource, const std::string& name) const;
  bool has(const api::Resource& resource, const std::string& name) const { return store.get(resource, {"n", name}).has_value(); }
  void patch(const api::Resource& resource, const std::string& name, const std::string& json,
             const std::string& subresource = {});
  void remove(const api::Resource& resource, const std::string& name);
  std::vector<std::string> names(const api::Resource& resource) const;
  std::string ready(const api::Resource& resource, const std::string& name) const;  // status of Ready, and its reason
  std::string reason(const api::Resource& resource, const std::string& name, std::string_view condition) const;
  std::string message(const api::Resource& resource, const std::string& name) const;  // of Ready

  Store store;
  std::unique_ptr<operators::View> view;
  Instant now{Duration(1'000'000)};
  std::vector<std::string> writes;  // "apply members n/x", in the order in which they were made
  std::function<void()> after_write;
  std::optional<std::mt19937> random;                    // given: everything comes in a random order, and caches lag
  bool kubelet = true, agents = true, collector = true;  // who is at work
  std::function<void()> after_step;                      // to look at what must hold at any time

 private:
  using Planner = std::function<runtime::Plan(const api::Key&, const runtime::Moment&)>;
  struct Feed {
    kube::CacheBase* cache;
    std::function<void(const Store::Event&)> take;
    std::function<void(const Json&)> ingest;
    std::function<bool(const Json&)> selects;
    bool partial = false;
    std::deque<Store::Event> pending;
  };
  struct Controller {
    api::Resource resource;
    kube::CacheBase* cache;
    std::function<std::vector<api::Key>()> keys;
    Planner plan;
  };

  void open_view();
  template <class T>
  void follow(kube::Cache<T>& cache, const std::string& selector, Result<T> (*decode)(const Json&));
  template <class T, class Plan>
  void control(kube::Cache<T>& cache, Plan plan);
  Feed& feed_of(const api::Resource& resource);
  void see(Feed& feed, std::size_t how_many);
  void see_all();
  void work(const Controller& controller, const api::Key& key);
  bool carry_out(const runtime::Action& action, std::optional<Error>& refusal);
  void pass();

  providers::Multus multus_;
  providers::PodProvider pods_{providers::PodSettings{"knfe.io/knfe:dev"}};
  providers::KubeVirtProvider virtual_machines_{providers::KubeVirtSettings{}};
  std::vector<Feed> feeds_;
  std::vector<Controller> controllers_;
  std::map<std::string, std::set<std::string>> unseen_;  // of a key's own writes: the resources in which they were
  int seconds_ = 0;
};

}  // namespace knfe::fakes
