#include "operators/function/membership.h"

#include <algorithm>

#include "api/digest.h"

namespace knfe::operators {

bool has_agent(const api::MemberTemplate& member_template) { return member_template.membership.agent != "None"; }

bool is_reporter(const api::Member& member, const api::Pod& pod) {
  return member.status.agent && member.status.agent->pod_uid == pod.meta.uid;
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

Standing standing_of(const api::Member& member, const api::Pod* pod) {
  if (asked_to_leave(member, pod)) return Standing::kLeaving;
  if (!pod || !pod->ready) return Standing::kJoining;
  if (!has_agent(member.spec)) return Standing::kServing;
  if (!is_reporter(member, *pod)) return Standing::kJoining;
  if (const auto* serving = api::find(member.status.conditions, "Serving"); serving && serving->reason == "Leaving") {
    return Standing::kLeaving;
  }
  return api::is_true(member.status.conditions, "Serving") ? Standing::kServing : Standing::kJoining;
}

bool asked_to_leave(const api::Member& member, const api::Pod* pod) {
  return member.spec.desired == "Left" || member.meta.deleting || (pod && pod->meta.deleting);
}

// An agent that never reported never joined: nobody was told to send the member anything.
bool has_left(const api::Member& member, const api::Pod* pod) {
  if (!pod || !has_agent(member.spec) || !is_reporter(member, *pod)) return true;
  return api::is_true(member.status.conditions, "Left");
}

const api::Pod* pod_of(const api::Member& member, const View& view) {
  const auto* pod = view.pods.get(member.meta.key);
  return pod && pod->meta.owned_by(member.meta.uid) ? pod : nullptr;
}

namespace {

std::optional<Json> carried_by(const api::Pod& pod) {
  const auto found = pod.meta.annotations->find(kAddresses);
  if (found == pod.meta.annotations->end()) return std::nullopt;
  auto json = parse_json(found->second);
  if (!json || !json->is_object()) return std::nullopt;
  return std::move(*json);
}

}  // namespace

const api::Pod* orphan_of(const api::Member& member, const View& view) {
  const auto* pod = view.pods.get(member.meta.key);
  return pod && !pod->meta.controller() ? pod : nullptr;
}

bool may_carry(const api::Pod& pod, const api::ConnectionPoint& point) {
  const auto carried = carried_by(pod);
  if (!carried) return true;
  for (const auto& entry : as_object(*carried)) {
    for (const auto& ip : as_array(entry.value())) {
      if (std::any_of(point.status.addresses.begin(), point.status.addresses.end(),
                      [&](const auto& given) { return as_string(ip) == given.ip; }))
        return true;
    }
  }
  return false;
}

runtime::Action proof_of_no_pod(const api::Key& member, const std::string& uid) {
  auto proof = runtime::proof_of_absence(api::Pod::resource, member, uid);
  proof.orphans = true;
  return proof;
}

std::vector<const api::Member*> members_of(const api::NetworkFunction& function, const View& view) {
  std::vector<const api::Member*> out;
  const auto& key = function.meta.key;
  for (const auto* member : view.members.by_index(key.ns + "/" + key.name)) {
    const auto* owner = member->meta.controller();
    if (!owner) continue;
    // One whose set is gone will go, too; until then it is there.
    const auto* set = view.member_sets.get({key.ns, owner->name});
    if (!set || set->meta.uid != owner->uid || set->meta.owned_by(function.meta.uid)) out.push_back(member);
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
    const auto* pod = pod_of(*member, view);
    auto addresses = pod ? carried_by(*pod) : addresses_to_carry(*member, view);
    if (!addresses) continue;
    JsonObject entry{{"name", member->meta.key.name},
                     {"role", member->spec.role},
                     {"ordinal", member->spec.ordinal},
                     {"state", name(standing_of(*member, pod))},
                     {"addresses", std::move(*addresses)}};
    if (asked_to_leave(*member, pod)) entry["leave"] = true;
    list.push_back(std::move(entry));
  }
  return JsonObject{{"function", function.meta.key.name}, {"members", std::move(list)}};
}

std::string connection_point_name(const api::Member& member, const api::Attachment& attachment) {
  return member.meta.key.name + "-" + attachment.name;
}

const std::string& interface_of(const api::Attachment& attachment) {
  return attachment.interface.empty() ? attachment.name : attachment.interface;
}

std::string service_account_of(const api::MemberTemplate& member_template, const std::string& function) {
  for (const char* field : {"serviceAccountName", "serviceAccount"}) {
    if (const auto own = as_string(at(member_template.workload.pod.spec, field)); !own.empty()) return std::string(own);
  }
  return function;
}

std::string template_hash(const api::MemberTemplate& member_template) {
  JsonObject all{{"workload", api::encode(member_template.workload)}, {"membership", api::encode(member_template.membership)}};
  JsonArray points;
  for (const auto& attachment : member_template.connection_points) points.push_back(api::encode(attachment));
  all["connectionPoints"] = std::move(points);
  return api::hex64(api::hash64(canonical(all)));
}

}  // namespace knfe::operators
