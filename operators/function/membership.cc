#include "operators/function/membership.h"

#include <algorithm>

#include "api/digest.h"

namespace knfe::operators {

bool has_agent(const api::MemberTemplate& member_template) { return member_template.membership.agent != "None"; }

bool is_reporter(const api::Member& member, const Workload& workload) {
  return workload.instance && member.status.agent && member.status.agent->pod_uid == *workload.instance;
}

const char* name(Standing standing) {
  switch (standing) {
    case Standing::kJoining:
      return "Joining";
    case Standing::kServing:
      return "Serving";
    case Standing::kLeaving:
      return "Leaving";
  }
  KNFE_CHECK(false && "known standing");
}

Standing standing_of(const api::Member& member, const std::optional<Workload>& workload) {
  if (asked_to_leave(member, workload)) return Standing::kLeaving;
  if (!workload || !workload->ready) return Standing::kJoining;
  if (!has_agent(member.spec)) return Standing::kServing;
  if (!is_reporter(member, *workload)) return Standing::kJoining;
  if (const auto* serving = api::find(member.status.conditions, "Serving"); serving && serving->reason == "Leaving") {
    return Standing::kLeaving;
  }
  return api::is_true(member.status.conditions, "Serving") ? Standing::kServing : Standing::kJoining;
}

Standing standing_of(const api::Member& member, const View& view) { return standing_of(member, workload_of(member, view)); }

bool asked_to_leave(const api::Member& member, const std::optional<Workload>& workload) {
  return !member.spec.is_to_serve() || member.meta.deleting || (workload && workload->ending);
}

std::optional<Instant> not_serving_since(const api::Member& member, const std::optional<Workload>& workload) {
  if (!workload || !workload->instance || workload->ending || workload->ended) return std::nullopt;
  if (workload->phase != "Running" || workload->paused || standing_of(member, workload) == Standing::kServing)
    return std::nullopt;
  const bool said = is_reporter(member, *workload) && api::is_true(member.status.conditions, "Serving");
  // Whether its containers run at this moment or start anew, it has not served since its agent says so, or since it is there.
  if (has_agent(member.spec) && !said) return std::max(workload->seen.first, member.said_since);
  return workload->seen.as_it_is;
}

// An agent that never reported never joined: nobody was told to send the member anything.
bool has_left(const api::Member& member, const std::optional<Workload>& workload) {
  if (!workload || !has_agent(member.spec) || !is_reporter(member, *workload)) return true;
  return api::is_true(member.status.conditions, "Left");
}

void prove_left(const api::Member& member, const std::optional<Workload>& workload, runtime::Plan& plan) {
  const auto kind = kind_of(member.spec);
  if (!workload) return prove_no_workload(kind, member.meta.key, member.meta.uid, plan);
  if (!has_agent(member.spec) || is_reporter(member, *workload)) return;
  // Its report is of another than what the cache has: of an earlier one, or of one that the cache has not heard of.
  if (kind == WorkloadKind::kPod) {
    plan.actions.push_back(runtime::confirmation(api::Pod::resource, *workload->meta));
  } else if (workload->instance) {
    auto proof = runtime::confirmation(api::VirtualMachineInstance::resource, *workload->meta);
    proof.uid = *workload->instance;
    plan.actions.push_back(std::move(proof));
  } else {
    plan.actions.push_back(runtime::proof_of_absence(api::VirtualMachineInstance::resource, member.meta.key, ""));
  }
}

const api::MemberSet* set_of(const api::Member& member, const View& view) {
  const auto* owner = member.meta.controller();
  const auto* set = owner ? view.member_sets.get({member.meta.key.ns, owner->name}) : nullptr;
  return set && set->meta.uid == owner->uid ? set : nullptr;
}

std::vector<const api::Member*> members_of(const api::NetworkFunction& function, const View& view) {
  std::vector<const api::Member*> out;
  const auto& key = function.meta.key;
  for (const auto* member : view.members.by_index(key.ns + "/" + key.name)) {
    if (!member->meta.controller()) continue;
    // One whose set is gone will go, too; until then it is there.
    const auto* set = set_of(*member, view);
    if (!set || set->meta.owned_by(function.meta.uid)) out.push_back(member);
  }
  std::sort(out.begin(), out.end(), [](const auto* a, const auto* b) {
    return std::tie(a->spec.role, a->spec.ordinal) < std::tie(b->spec.role, b->spec.ordinal);
  });
  return out;
}

namespace {

std::optional<Json> addresses_to_carry(const api::Member& member, const View& view) {
  JsonObject addresses;
  for (const auto& attachment : member.spec.connection_points) {
    const auto* point = view.connection_points.get({member.meta.key.ns, connection_point_name(member, attachment)});
    if (!point || !point->meta.owned_by(member.meta.uid) || point->status.addresses.empty()) return std::nullopt;
    addresses[attachment.name] = ips_of(*point);
  }
  return addresses;
}

}  // namespace

JsonArray ips_of(const api::ConnectionPoint& point) {
  JsonArray out;
  for (const auto& address : point.status.addresses) out.push_back(Json(address.ip));
  return out;
}

Json member_list(const api::NetworkFunction& function, const View& view) {
  JsonArray list;
  for (const auto* member : members_of(function, view)) {
    const auto* set = set_of(*member, view);
    const auto workload = workload_of(*member, view);
    auto addresses = workload ? carried_by(*workload) : addresses_to_carry(*member, view);
    if (!addresses) continue;
    JsonObject entry{{"name", member->meta.key.name},
                     {"role", member->spec.role},
                     {"ordinal", member->spec.ordinal},
                     {"state", name(standing_of(*member, workload))},
                     {"addresses", std::move(*addresses)}};
    if (asked_to_leave(*member, workload)) entry["leave"] = true;
    if (set && member->spec.ordinal < set->spec.seeds) entry["seed"] = true;
    list.push_back(std::move(entry));
  }
  return JsonObject{{"function", function.meta.key.name}, {"members", std::move(list)}};
}

std::string connection_point_name(const api::Member& member, const api::Attachment& attachment) {
  return member.meta.key.name + "-" + attachment.name;
}

std::string claim_name(const api::Key& member, const api::Volume& volume) { return member.name + "-" + volume.name; }

const std::string& interface_of(const api::Attachment& attachment) {
  return attachment.interface.empty() ? attachment.name : attachment.interface;
}

std::string service_account_of(const api::MemberTemplate& member_template, const std::string& function) {
  if (const auto& pod = member_template.workload.pod) {
    for (const char* field : {"serviceAccountName", "serviceAccount"}) {
      if (const auto own = as_string(at(pod->spec, field)); !own.empty()) return std::string(own);
    }
  }
  return function;
}

bool networked(const api::Member& member) {
  const auto* condition = api::find(member.status.conditions, "Networked");
  return condition && condition->status == "True" && condition->observed_generation == member.meta.generation;
}

bool is_outdated(const Workload& workload, const std::string& template_hash) {
  const auto found = workload.meta->annotations->find(kTemplateHash);
  return found == workload.meta->annotations->end() || found->second != template_hash;
}

std::string template_hash(const api::MemberTemplate& member_template) {
  JsonObject all{{"workload", api::encode(member_template.workload)}, {"membership", api::encode(member_template.membership)}};
  JsonArray points;
  for (const auto& attachment : member_template.connection_points) points.push_back(api::encode(attachment));
  all["connectionPoints"] = std::move(points);
  // Of a claim, what runs is not made of: its name is enough. What is not there leaves the hash as earlier versions made it.
  for (const auto& volume : member_template.volumes) all["volume " + volume.name] = true;
  if (member_template.spread) all["spread"] = api::encode(*member_template.spread);
  return api::hex64(api::hash64(canonical(all)));
}

}  // namespace knfe::operators
