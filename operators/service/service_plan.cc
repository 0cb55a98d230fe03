#include <algorithm>

#include "operators/child.h"
#include "operators/service/plan.h"

namespace knfe::operators {

using runtime::ConditionWriter;
using runtime::Moment;
using runtime::Plan;

namespace {

std::string part_name(const api::NetworkService& service, const std::string& part) { return service.meta.key.name + "-" + part; }

bool has_network(const api::NetworkService& service, const std::string& name) {
  return std::any_of(service.spec.networks.begin(), service.spec.networks.end(),
                     [&](const api::ServiceNetwork& network) { return network.name == name; });
}

api::PartStatus part_status(const std::string& name, const api::KeptConditions* conditions) {
  const auto* ready = conditions ? api::find(*conditions, "Ready") : nullptr;
  if (!ready) return {name, "Unknown", "It is being made."};
  return {name, ready->status, ready->status == "True" ? std::string() : std::string(ready->message)};
}

template <class Cache, class Parts>
void prune(const api::NetworkService& service, const Cache& cache, const Parts& parts, const api::Resource& resource,
           Children& children) {
  for (const auto* child : cache.owned_by(service.meta.uid)) {
    const bool wanted = std::any_of(parts.begin(), parts.end(),
                                    [&](const auto& part) { return part_name(service, part.name) == child->meta.key.name; });
    if (!wanted) children.remove(resource, child->meta);
  }
}

}  // namespace

Plan plan_service(const api::NetworkService& service, const View& view, const Moment& moment) {
  Plan plan;
  if (service.meta.deleting) return runtime::plan_end(service, moment);
  Children children(plan, service.meta.uid);
  api::NetworkServiceStatus status;
  status.observed_generation = service.meta.generation;
  const auto& ns = service.meta.key.ns;
  const JsonObject labels{{label::kService, service.meta.key.name}};
  std::string waiting;
  bool stalled = false;
  const auto follow = [&](const char* kind, const std::string& name, const auto* live, std::vector<api::PartStatus>& into) {
    const bool ours = live && live->meta.owned_by(service.meta.uid);
    into.push_back(part_status(name, ours ? &live->status.conditions : nullptr));
    // What it says may be of an earlier spec.
    if (ours && live->status.observed_generation != live->meta.generation)
      into.back() = {name, "Unknown", "It is being changed."};
    if (into.back().ready == "True") return;
    if (waiting.empty()) waiting = std::string(kind) + " " + part_name(service, name) + ": " + into.back().message;
    stalled = stalled || (ours && api::is_true(live->status.conditions, "Stalled"));
  };

  for (const auto& network : service.spec.networks) {
    const std::string name = part_name(service, network.name);
    const auto* live = view.networks.get({ns, name});
    auto desired = child_of(service, api::Network::resource, name, labels);
    desired["spec"] = api::encode(static_cast<const api::NetworkSpec&>(network));
    children.apply(api::Network::resource, std::move(desired), live ? &live->meta : nullptr);
    follow("Network", network.name, live, status.networks);
  }
  for (const auto& function : service.spec.functions) {
    const std::string name = part_name(service, function.name);
    const auto* live = view.functions.get({ns, name});
    api::NetworkFunctionSpec spec = function;
    for (auto& role : spec.roles) {
      for (auto& attachment : role.connection_points) {
        if (has_network(service, attachment.network.name)) attachment.network.name = part_name(service, attachment.network.name);
      }
    }
    auto desired = child_of(service, api::NetworkFunction::resource, name, labels);
    desired["spec"] = api::encode(spec);
    children.apply(api::NetworkFunction::resource, std::move(desired), live ? &live->meta : nullptr);
    follow("NetworkFunction", function.name, live, status.functions);
  }
  prune(service, view.functions, service.spec.functions, api::NetworkFunction::resource, children);
  prune(service, view.networks, service.spec.networks, api::Network::resource, children);

  ConditionWriter write(service.status.conditions, service.meta, moment);
  if (!children.taken().empty()) {
    children.tell_taken(write);
  } else if (waiting.empty() && plan.actions.empty()) {
    write.set_ready(true, false, "Serving", "All networks and functions are ready.");
  } else if (waiting.empty()) {
    write.set_ready(false, false, "Updating", "Networks and functions are being changed.");
  } else {
    write.set_ready(false, stalled, "PartsNotReady", waiting);
  }
  status.conditions = std::move(write.conditions);
  runtime::write_status(plan, service, status, std::move(write.notes));
  return plan;
}

}  // namespace knfe::operators
