#include <algorithm>

#include "operators/child.h"
#include "operators/function/membership.h"
#include "operators/function/plan.h"
#include "operators/network/plan.h"

namespace knfe::operators {

using runtime::ConditionWriter;
using runtime::Moment;
using runtime::Plan;

namespace {

constexpr Duration kRest{5'000};  // between the end of a pod and its replacement

Plan plan_departure(const api::Member& member, const api::Pod* pod, const Moment& moment) {
  Plan plan;
  if (pod) {
    if (!pod->meta.deleting) plan.actions.push_back(runtime::delete_of(api::Pod::resource, pod->meta));
    // Until the pod is proven gone it may carry the member's addresses.
    api::MemberStatus status = member.status;
    ConditionWriter write(member.status.conditions, member.meta, moment);
    write.set_ready(false, false, "PodTerminating",
                    "Pod " + pod->meta.key.name + " is ending; the member and its addresses go when it is gone.");
    status.agent.reset();
    status.observed_generation = member.meta.generation;
    status.conditions = std::move(write.conditions);
    runtime::write_status(plan, member, status, std::move(write.notes));
  } else if (member.meta.has_finalizer(kMemberFinalizer)) {
    // The addresses go with the member: that no pod of it is there is proven by a fresh read, not by the cache.
    plan.actions.push_back(runtime::proof_of_absence(api::Pod::resource, member.meta.key, member.meta.uid));
    plan.actions.push_back(runtime::finalizer_removal(api::Member::resource, member.meta, kMemberFinalizer));
  }
  return plan;
}

std::string addresses_of(const std::vector<Attached>& attachments) {
  std::string out;
  for (const auto& [network, point] : attachments) {
    for (const auto& address : point->status.addresses) out += (out.empty() ? "" : ",") + address.ip;
  }
  return out;
}

runtime::Action create_pod(const api::Member& member, std::vector<Attached> attachments, const NetworkProvider& networks,
                           const WorkloadProvider& workloads) {
  WorkloadInput input{&member, std::move(attachments), {}};
  input.network_annotations = networks.attach(input.attachments);
  Json pod = workloads.build(input);
  auto& metadata = pod.as_object()["metadata"].as_object();
  metadata["ownerReferences"] = JsonArray{api::owner_reference(api::Member::resource, member.meta)};
  metadata["annotations"].as_object()[kAddresses] = addresses_of(input.attachments);
  runtime::Action action;
  action.verb = runtime::Action::Verb::kCreate;
  action.resource = api::Pod::resource;
  action.key = member.meta.key;
  action.body = std::move(pod);
  return action;
}

// Its connection points were made anew under it: it carries addresses that are not the member's any more.
bool carries_others(const api::Pod& pod, const std::vector<Attached>& attachments, const api::Member& member) {
  const auto made_of = pod.meta.annotations.find(kTemplateHash);
  const auto carried = pod.meta.annotations.find(kAddresses);
  return made_of != pod.meta.annotations.end() && made_of->second == template_hash(member.spec) &&
         carried != pod.meta.annotations.end() && carried->second != addresses_of(attachments);
}

// Why a member with a pod does not serve.
std::pair<std::string, std::string> why_not_serving(const api::Member& member, const api::Pod& pod) {
  if (pod.meta.deleting) return {"PodTerminating", "Pod " + pod.meta.key.name + " is ending; another takes its place then."};
  if (pod.ended())
    return {"PodEnded",
            "Pod " + pod.meta.key.name + " has ended (" + pod.phase + "); another takes its place after five seconds."};
  if (!pod.trouble.empty()) return {"PodNotRunning", "Pod " + pod.meta.key.name + ": " + pod.trouble};
  if (!pod.ready)
    return {"PodNotReady", "Pod " + pod.meta.key.name + " is not ready (" + (pod.phase.empty() ? "Pending" : pod.phase) + ")."};
  const auto* serving = api::find(member.status.conditions, "Serving");
  if (serving && is_reporter(member, pod)) return {"NotServing", serving->message};
  return {"AgentSilent", "The guest agent in pod " + pod.meta.key.name + " has not reported yet."};
}

}  // namespace

Plan plan_member(const api::Member& member, const View& view, const NetworkProvider& networks, const WorkloadProvider& workloads,
                 const Moment& moment) {
  const auto* pod = pod_of(member, view);
  if (member.meta.deleting) return plan_departure(member, pod, moment);

  Plan plan;
  Children children(plan, member.meta.uid);
  // A connection point goes once no pod carries its addresses: a fresh read proves that, not the cache.
  const auto let_go = [&](const api::ConnectionPoint& point) {
    if (pod) return;
    children.remove(api::ConnectionPoint::resource, point.meta);
    if (!point.meta.deleting || !point.meta.has_finalizer(kConnectionPointFinalizer)) return;
    plan.actions.push_back(runtime::proof_of_absence(api::Pod::resource, member.meta.key, member.meta.uid));
    plan.actions.push_back(runtime::finalizer_removal(api::ConnectionPoint::resource, point.meta, kConnectionPointFinalizer));
  };
  std::vector<Attached> attached;
  api::MemberStatus status;
  std::string missing;
  bool missing_stalled = false;
  for (const auto& attachment : member.spec.connection_points) {
    const std::string name = connection_point_name(member, attachment);
    const auto* live = view.connection_points.get({member.meta.key.ns, name});
    auto desired = child_of(member, api::ConnectionPoint::resource, name,
                            {{label::kFunction, member.spec.function}, {label::kMember, member.meta.key.name}});
    api::ConnectionPointSpec spec;
    spec.network = attachment.network;
    spec.workload = api::Ref{member.meta.key.name};
    spec.interface = interface_of(attachment);
    desired["metadata"].as_object()["finalizers"] = JsonArray{Json(kConnectionPointFinalizer)};
    desired["spec"] = api::encode(spec);
    // A connection point cannot change, and one that is deleted does not come back: another takes its place.
    const bool other = live && live->meta.owned_by(member.meta.uid) &&
                       (live->meta.deleting || live->spec.network != spec.network || live->spec.interface != spec.interface);
    if (other) {
      let_go(*live);
    } else {
      children.apply(api::ConnectionPoint::resource, std::move(desired), live ? &live->meta : nullptr);
    }
    const auto* network = view.networks.get({member.meta.key.ns, attachment.network.name});
    if (!network || !live || (other && !pod) || live->status.addresses.empty()) {
      const auto* ready = live && !other ? api::find(live->status.conditions, "Ready") : nullptr;
      if (missing.empty()) {
        const bool told = ready && ready->status != "True";
        missing = "ConnectionPoint " + name +
                  (told       ? ": " + ready->message
                   : !network ? ": Network " + attachment.network.name + " does not exist: create it, and this goes on by itself"
                              : " is being made.");
      }
      missing_stalled = missing_stalled || (live && api::is_true(live->status.conditions, "Stalled"));
      continue;
    }
    attached.push_back({network, live});
    api::MemberAddress address{attachment.name, {}};
    for (const auto& given : live->status.addresses) address.ips.push_back(given.ip);
    status.addresses.push_back(std::move(address));
  }
  for (const auto* point : view.connection_points.owned_by(member.meta.uid)) {
    const bool wanted =
        std::any_of(member.spec.connection_points.begin(), member.spec.connection_points.end(),
                    [&](const auto& attachment) { return connection_point_name(member, attachment) == point->meta.key.name; });
    if (!wanted) let_go(*point);
  }
  const bool networked = missing.empty() && children.taken().empty();
  const auto* squatter = pod ? nullptr : view.pods.get(member.meta.key);
  // One that left by itself (a preStop hook without deletion) comes back as a new pod. A report on an earlier spec does not tell
  // that: its agent was asked to leave then, and goes back when it hears that it is wanted.
  const auto* left = api::find(member.status.conditions, "Left");
  const bool left_by_itself = pod && member.spec.desired != "Left" && member.spec.membership.agent != "None" &&
                              standing_of(member, pod) == Standing::kLeaving && left &&
                              left->observed_generation == member.meta.generation && has_left(member, pod);
  // A pod that ends as soon as it starts must not be made over and over without pause.
  const bool ended = pod && pod->ended();
  const bool rested = ended && moment.now - pod->ended_since >= kRest;
  if (ended && !rested) plan.look_again = kRest - (moment.now - pod->ended_since);
  if (rested || left_by_itself || (networked && pod && carries_others(*pod, attached, member))) {
    children.remove(api::Pod::resource, pod->meta);
  } else if (networked && !pod && !squatter && member.spec.desired != "Left") {
    plan.actions.push_back(create_pod(member, attached, networks, workloads));
  }

  status.observed_generation = member.meta.generation;
  ConditionWriter write(member.status.conditions, member.meta, moment);
  write.set("Networked", networked, networked ? "Networked" : "Waiting",
            networked ? "All connection points have their addresses." : missing);
  const auto standing = standing_of(member, pod);
  if (!children.taken().empty()) {
    write.set_ready(false, true, "NameTaken", children.taken());
  } else if (!networked) {
    write.set_ready(false, missing_stalled, "NotNetworked", missing);
  } else if (squatter) {
    write.set_ready(
        false, false, "PodOfPredecessor",
        "Pod " + squatter->meta.key.name + " of an earlier member is still there: its place is taken when it is gone.");
  } else if (standing == Standing::kServing) {
    write.set_ready(true, false, "Serving", "The member serves.");
  } else if (member.spec.desired == "Left") {
    write.set_ready(false, false, "Leaving",
                    left ? left->message : "The member was asked to leave; its agent has not answered yet.");
  } else if (pod) {
    const auto [reason, message] = why_not_serving(member, *pod);
    write.set_ready(false, false, reason, message);
  } else {
    write.set_ready(false, false, "PodMissing", "The pod is being made.");
  }
  status.conditions = std::move(write.conditions);
  runtime::write_status(plan, member, status, std::move(write.notes));
  return plan;
}

}  // namespace knfe::operators
