#include <algorithm>
#include <set>

#include "base/text.h"
#include "operators/child.h"
#include "operators/function/membership.h"
#include "operators/function/plan.h"
#include "operators/function/rights.h"
#include "operators/network/plan.h"

namespace knfe::operators {

using runtime::ConditionWriter;
using runtime::Moment;
using runtime::Plan;

namespace {

constexpr Duration kRest{5'000};  // between the end of a workload and its replacement

using Own = std::optional<Workload>;

// A connection point goes once no workload carries its addresses: a fresh read proves that, not the cache.
void let_go(const api::ConnectionPoint& point, const api::Member& member, const Own& own, Plan& plan) {
  if (!point.meta.deleting || !point.meta.has_finalizer(kConnectionPointFinalizer)) return;
  if (own) {
    // Where this one is, none of before is any more; it was made without these addresses.
    plan.actions.push_back(runtime::confirmation(*own->resource, *own->meta));
  } else {
    prove_no_workload(kind_of(member.spec), member.meta.key, member.meta.uid, plan);
  }
  plan.actions.push_back(runtime::finalizer_removal(api::ConnectionPoint::resource, point.meta, kConnectionPointFinalizer));
}

// "PodEnded", "VirtualMachineEnded".
std::string reason(const Workload& workload, const char* what) { return std::string(workload.resource->kind) + what; }

std::string ownerless(const Workload& orphan) {
  return orphan.name() + " belongs to nobody any more, and may carry the member's addresses: delete it, and this goes on";
}

// What of its volumes a member has not got, as far as the API server is concerned.
struct Volumes {
  std::string missing;   // the first thing; empty: nothing
  bool stalled = false;  // until somebody acts
};

// The claim is the member's own if it is to be deleted with it: Kubernetes does that once the member is gone. Else it has no
// owner, and outlives the member. What it is made of is said once: people, and what grows volumes, change it later.
JsonObject claim_of(const api::Member& member, const api::Volume& volume, const std::string& name) {
  auto desired = child_of(member, api::PersistentVolumeClaim::resource, name,
                          {{label::kFunction, member.spec.function},
                           {label::kRole, member.spec.role},
                           {label::kMember, member.meta.key.name.text()}});
  if (!volume.deleted_with_member()) desired["metadata"].as_object().erase("ownerReferences");
  desired["spec"] = volume.claim;
  return desired;
}

bool is_claim_of(const api::Member& member, const api::Meta& claim) {
  return claim.label(label::kFunction) == member.spec.function && claim.label(label::kRole) == member.spec.role &&
         claim.label(label::kMember) == member.meta.key.name;
}

// Makes the claims of the member's volumes (`make`), and sees to it that those which are there go with it, or do not.
Volumes plan_volumes(const api::Member& member, const View& view, bool make, Plan& plan) {
  Volumes out;
  const auto lacks = [&](std::string what, bool until_somebody_acts) {
    if (out.missing.empty()) out.missing = std::move(what);
    out.stalled = out.stalled || until_somebody_acts;
  };
  for (const auto& volume : member.spec.volumes) {
    const std::string name = claim_name(member.meta.key, volume);
    const auto* live = view.volume_claims.meta({member.meta.key.ns, name});
    const std::string claim = "PersistentVolumeClaim " + name;
    if (!live) {
      if (!make) continue;
      auto& action = plan.actions.emplace_back();
      action.verb = runtime::Action::Verb::kCreate;
      action.resource = api::PersistentVolumeClaim::resource;
      action.key = {member.meta.key.ns, name};
      action.body = claim_of(member, volume, name);
    } else if (!is_claim_of(member, *live)) {
      lacks(claim + " belongs to another member, " + std::string(live->label(label::kMember)) + " of NetworkFunction " +
                std::string(live->label(label::kFunction)) + ": rename one of the two, or delete it",
            true);
    } else if (live->deleting) {
      lacks(claim + " is being deleted: this goes on when it is gone", false);
    } else if (const auto* owner = live->controller(); owner && owner->uid != member.meta.uid) {
      lacks(claim + " belongs to an earlier member, and is about to be deleted: this goes on when it is gone, or has no owner",
            false);
    } else if (volume.deleted_with_member() != live->owned_by(member.meta.uid)) {
      Json owners;
      if (volume.deleted_with_member()) owners = JsonArray{api::owner_reference(api::Member::resource, member.meta)};
      plan.actions.push_back(
          runtime::metadata_patch(api::PersistentVolumeClaim::resource, *live, "ownerReferences", std::move(owners)));
    }
  }
  return out;
}

// What is to be said once a pod that was deleted should have ended, and `look_again` until then.
std::string overdue(const std::optional<Workload>& workload, const Moment& moment, Plan& plan) {
  const auto by = workload ? to_be_ended_by(*workload) : std::nullopt;
  if (!by) return {};
  if (moment.now < *by) {
    plan.look_within(*by - moment.now);
    return {};
  }
  const std::string node(workload->node);
  return workload->name() + " was to end on node " + node + ", which has not confirmed that: it may still run there, under the " +
         "member's addresses. This goes on when the node answers again, or is deleted, or tainted "
         "node.kubernetes.io/out-of-service "
         "(make sure first that it is off)";
}

Plan plan_departure(const api::Member& member, const View& view, const Own& own, const Moment& moment) {
  Plan plan;
  const auto orphan = orphan_of(member, view);
  plan_volumes(member, view, false, plan);
  if (own) {
    if (!own->meta->deleting) plan.actions.push_back(runtime::delete_of(*own->resource, *own->meta));
  } else if (!orphan) {
    // Those that are deleted first, as foreground deletion does: the member waits for them.
    for (const auto* point : view.connection_points.owned_by(member.meta.uid)) let_go(*point, member, std::nullopt, plan);
    if (member.meta.has_finalizer(kMemberFinalizer)) {
      prove_no_workload(kind_of(member.spec), member.meta.key, member.meta.uid, plan);
      plan.actions.push_back(runtime::finalizer_removal(api::Member::resource, member.meta, kMemberFinalizer));
    }
    if (!moment.refusal) return plan;
  }
  // Until the workload is proven gone it may carry the member's addresses.
  api::MemberStatus status = member.status;
  ConditionWriter write(member.status.conditions, member.meta, moment);
  const std::string kind(resource_of(kind_of(member.spec)).kind);
  if (const auto unproven = overdue(own, moment, plan); !unproven.empty()) {
    write.set_ready(false, true, kind + "NotProvenEnded", unproven);
  } else if (orphan) {
    write.set_ready(false, !orphan->meta->deleting, reason(*orphan, "WithoutOwner"), ownerless(*orphan));
  } else {
    write.set_ready(false, false, kind + "Terminating",
                    kind + " " + member.meta.key.name + " is ending; the member and its addresses go when it is gone.");
  }
  status.state = name(Standing::kLeaving);
  status.agent.reset();
  status.observed_generation = member.meta.generation;
  status.conditions = std::move(write.conditions);
  runtime::write_status(plan, member, status, std::move(write.notes));
  return plan;
}

// What a member has of its networks, and what it lacks.
struct Networking {
  std::vector<Attached> attached;
  std::vector<api::MemberAddress> addresses;
  std::string missing;   // the first thing that is; empty: nothing
  bool stalled = false;  // until somebody acts

  void lacks(std::string what, bool until_somebody_acts) {
    if (missing.empty()) missing = std::move(what);
    stalled = stalled || until_somebody_acts;
  }
};

// Why nothing can be attached to a network yet; empty: it can.
std::string unusable(const std::string& name, const api::Network* network, bool tap, const View& view) {
  if (!network) return "Network " + name + " does not exist: create it, and this goes on by itself";
  const auto* realised = view.attachments.get({network->meta.key.ns, attachment_name(*network, tap)});
  if (realised && realised->meta.owned_by(network->meta.uid)) return {};
  const auto* ready = api::find(network->status.conditions, "Ready");
  return "Network " + name + (ready && ready->status != "True" ? ": " + ready->message : " is being realised.");
}

// Makes the member's connection points and replaces those that cannot stay; as long as its workload is there, that carries what
// it was made with.
Networking plan_connection_points(const api::Member& member, const View& view, const Own& own, Plan& plan, Children& children) {
  Networking out;
  const auto& ns = member.meta.key.ns;
  const auto replace = [&](const api::ConnectionPoint& point) {
    if (orphan_of(member, view) || (own && (own->meta->deleting || may_carry(*own, point)))) return;
    children.remove(api::ConnectionPoint::resource, point.meta);
    let_go(point, member, own, plan);
  };
  std::set<std::string> wanted;
  for (const auto& attachment : member.spec.connection_points) {
    const std::string name = connection_point_name(member, attachment);
    wanted.insert(name);
    const auto* live = view.connection_points.get({ns, name});
    const bool ours = live && live->meta.owned_by(member.meta.uid);
    auto desired = child_of(member, api::ConnectionPoint::resource, name,
                            {{label::kFunction, member.spec.function}, {label::kMember, member.meta.key.name}});
    api::ConnectionPointSpec spec;
    spec.network = attachment.network;
    spec.workload = api::Ref{member.meta.key.name};
    spec.interface = interface_of(attachment);
    if (kind_of(member.spec) == WorkloadKind::kVirtualMachine) spec.attach_as = "Tap";
    desired["metadata"].as_object()["finalizers"] = JsonArray{Json(kConnectionPointFinalizer)};
    desired["spec"] = api::encode(spec);
    // A connection point cannot change, and one that is deleted does not come back: another takes its place.
    const bool outdated = ours && (live->meta.deleting || live->spec.network != spec.network ||
                                   live->spec.interface != spec.interface || live->is_tap() != (spec.attach_as == "Tap"));
    if (outdated) {
      replace(*live);
    } else {
      children.apply(api::ConnectionPoint::resource, std::move(desired), live ? &live->meta : nullptr);
    }
    const bool stays = ours && !(outdated && !own) && !live->status.addresses.empty();
    const auto* network = view.networks.get({ns, attachment.network.name});
    if (const auto why = unusable(attachment.network.name, network, spec.attach_as == "Tap", view); !why.empty()) {
      out.lacks("ConnectionPoint " + name + ": " + why, network && api::is_true(network->status.conditions, "Stalled"));
    } else if (!stays) {
      const auto* ready = ours && !outdated ? api::find(live->status.conditions, "Ready") : nullptr;
      const bool told = ready && ready->status != "True";
      out.lacks("ConnectionPoint " + name + (told ? ": " + ready->message : " is being made."),
                told && api::is_true(live->status.conditions, "Stalled"));
    } else {
      out.attached.push_back({network, live});
    }
    if (!stays) continue;
    api::MemberAddress address{attachment.name, {}};
    for (const auto& given : live->status.addresses) address.ips.push_back(given.ip);
    out.addresses.push_back(std::move(address));
  }
  for (const auto* point : view.connection_points.owned_by(member.meta.uid)) {
    if (!wanted.contains(point->meta.key.name)) replace(*point);
  }
  if (!children.taken().empty()) out.missing = children.taken();
  return out;
}

std::string addresses_of(const api::Member& member, const std::vector<Attached>& attachments) {
  JsonObject out;
  for (std::size_t i = 0; i < attachments.size(); ++i) {
    out[member.spec.connection_points[i].name] = ips_of(*attachments[i].connection_point);
  }
  return to_text(Json(std::move(out)));
}

runtime::Action create_workload(const api::Member& member, std::vector<Attached> attachments, const NetworkProvider& networks,
                                const WorkloadProvider& workloads) {
  WorkloadInput input{&member, std::move(attachments), {}};
  if (kind_of(member.spec) == WorkloadKind::kPod) input.network_annotations = networks.attach(input.attachments);
  Json workload = workloads.build(input);
  auto& metadata = workload.as_object()["metadata"].as_object();
  metadata["ownerReferences"] = JsonArray{api::owner_reference(api::Member::resource, member.meta)};
  metadata["annotations"].as_object()[kAddresses] = addresses_of(member, input.attachments);
  if (kind_of(member.spec) == WorkloadKind::kPod) metadata["finalizers"] = JsonArray{Json(kPodFinalizer)};
  runtime::Action action;
  action.verb = runtime::Action::Verb::kCreate;
  action.resource = resource_of(kind_of(member.spec));
  action.key = member.meta.key;
  action.body = std::move(workload);
  return action;
}

// Its connection points were made anew under it: it carries addresses that are not the member's any more.
bool carries_others(const Workload& workload, const std::vector<Attached>& attachments, const api::Member& member) {
  const auto& annotations = *workload.meta->annotations;
  const auto made_of = annotations.find(kTemplateHash), carried = annotations.find(kAddresses);
  return made_of != annotations.end() && made_of->second == template_hash(member.spec) && carried != annotations.end() &&
         carried->second != addresses_of(member, attachments);
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

// Why a member with a workload does not serve.
std::pair<std::string, std::string> why_not_serving(const api::Member& member, const Workload& workload) {
  const std::string name = workload.name();
  if (workload.ending && !workload.meta->deleting)
    return {reason(workload, "Restarting"), name + " is being stopped, and starts anew then."};
  if (workload.ending) return {reason(workload, "Terminating"), name + " is ending; another takes its place then."};
  if (workload.ended) {
    return {reason(workload, "Ended"), name + " has ended (" + workload.phase + "); another takes its place after five seconds."};
  }
  if (!workload.trouble.empty()) return {reason(workload, "NotRunning"), name + ": " + workload.trouble};
  if (!workload.ready) {
    return {reason(workload, "NotReady"), workload.phase == "Running"
                                              ? name + " is not ready yet."
                                              : name + " is being started; if that lasts, `kubectl describe " +
                                                    lower(workload.resource->kind) + " " + workload.meta->key.name +
                                                    "` tells what it waits for."};
  }
  const auto* serving = api::find(member.status.conditions, "Serving");
  if (serving && is_reporter(member, workload)) return {"NotServing", serving->message};
  if (kind_of(member.spec) == WorkloadKind::kVirtualMachine) {
    return {"AgentSilent", "The guest agent in " + name +
                               " has not reported yet: its image has to start `knfe guest run`; for an image without it say "
                               "membership.agent: None"};
  }
  return {"AgentSilent", "The guest agent in pod " + workload.meta->key.name + " has not reported yet."};
}

}  // namespace

Plan plan_member(const api::Member& member, const View& view, const NetworkProvider& networks, const WorkloadProvider& workloads,
                 const Moment& moment) {
  const auto own = workload_of(member, view);
  if (member.meta.deleting) return plan_departure(member, view, own, moment);

  Plan plan;
  Children children(plan, member.meta.uid);
  plan_rights(member, view, children);
  const auto [attached, addresses, missing, missing_stalled] = plan_connection_points(member, view, own, plan, children);
  const bool networked = missing.empty();
  const auto [no_volumes, volumes_stalled] = plan_volumes(member, view, member.spec.is_to_serve(), plan);
  if (!no_volumes.empty()) plan.look_within(Duration(1'000));  // its change wakes whose it is
  api::MemberStatus status;
  status.addresses = addresses;
  status.state = name(standing_of(member, own));
  status.summary = cut(api::text_of(addresses), api::kLongestSummary);
  const auto squatter = own ? std::nullopt : workload_at(kind_of(member.spec), member.meta.key, view);
  // A pod that left by itself (a preStop hook without deletion) comes back as a new one; in a machine the agent may start anew. A
  // report on an earlier spec does not tell that: its agent was asked to leave then, and goes back when it hears that it is
  // wanted.
  const auto* left = api::find(member.status.conditions, "Left");
  const bool left_by_itself = own && kind_of(member.spec) == WorkloadKind::kPod && member.spec.is_to_serve() &&
                              has_agent(member.spec) && standing_of(member, own) == Standing::kLeaving && left &&
                              left->observed_generation == member.meta.generation && has_left(member, own);
  // One that ends as soon as it starts must not be made over and over without pause.
  const bool ended = own && own->ended;
  const bool rested = ended && moment.now - own->ended_since >= kRest;
  if (ended && !rested) plan.look_again = kRest - (moment.now - own->ended_since);
  const std::string unproven = overdue(own, moment, plan);
  const bool stop = member.spec.desired == "Stopped";
  if (stop && own && !own->meta->deleting && has_left(member, own)) {
    prove_left(member, own, plan);
    children.remove(*own->resource, *own->meta);
  } else if (rested || left_by_itself || (networked && own && carries_others(*own, attached, member))) {
    children.remove(*own->resource, *own->meta);
  } else if (networked && no_volumes.empty() && !own && !squatter && member.spec.is_to_serve()) {
    // The cache may be of the past, and the member gone with its addresses.
    plan.actions.push_back(runtime::confirmation(api::Member::resource, member.meta));
    plan.actions.push_back(create_workload(member, attached, networks, workloads));
  }

  status.observed_generation = member.meta.generation;
  ConditionWriter write(member.status.conditions, member.meta, moment);
  write.set("Networked", networked, networked ? "Networked" : "Waiting",
            networked ? "All connection points have their addresses." : missing);
  const auto standing = standing_of(member, own);
  if (!children.taken().empty()) {
    children.tell_taken(write);
  } else if (!networked) {
    write.set_ready(false, missing_stalled, "NotNetworked", missing);
  } else if (!own && member.spec.is_to_serve() && !no_volumes.empty()) {
    write.set_ready(false, volumes_stalled, "VolumesMissing", no_volumes);
  } else if (squatter && !squatter->meta->controller()) {
    write.set_ready(false, !squatter->meta->deleting, reason(*squatter, "WithoutOwner"), ownerless(*squatter));
  } else if (squatter) {
    write.set_ready(false, false, reason(*squatter, "OfPredecessor"),
                    squatter->name() + " of an earlier member is still there: its place is taken when it is gone.");
  } else if (standing == Standing::kServing) {
    write.set_ready(true, false, "Serving", "The member serves.");
  } else if (stop && !own) {
    write.set_ready(true, false, "Stopped", "The member is stopped, and keeps its name and addresses.");
  } else if (!unproven.empty()) {
    write.set_ready(false, true, reason(*own, "NotProvenEnded"), unproven);
  } else if (!member.spec.is_to_serve()) {
    write.set_ready(false, false, "Leaving",
                    left ? left->message : "The member was asked to leave; its agent has not answered yet.");
  } else if (own) {
    const auto [why, message] = why_not_serving(member, *own);
    write.set_ready(false, own->stuck && !own->meta->deleting, why, message);
  } else if (kind_of(member.spec) == WorkloadKind::kVirtualMachine) {
    write.set_ready(false, false, "VirtualMachineMissing", "The virtual machine is being made.");
  } else {
    write.set_ready(false, false, "PodMissing", "The pod is being made.");
  }
  status.conditions = std::move(write.conditions);
  runtime::write_status(plan, member, status, std::move(write.notes));
  return plan;
}

}  // namespace knfe::operators
