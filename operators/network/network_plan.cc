#include <algorithm>

#include "base/text.h"
#include "operators/network/plan.h"
#include "operators/network/pools.h"
#include "runtime/child.h"

namespace knfe::operators {

using runtime::ConditionWriter;
using runtime::Moment;
using runtime::Plan;

namespace {

constexpr std::size_t kLongestCapacity = 9;  // digits that people want to read

// Of two networks that cannot both be, the one that came first stays. Creation times have seconds only: one that has been
// accepted, as its finalizer tells, is not displaced by one that came later in the same second.
bool came_before(const api::Meta& a, const api::Meta& b) {
  const bool accepted = a.has_finalizer(kNetworkFinalizer);
  if (accepted != b.has_finalizer(kNetworkFinalizer)) return accepted;
  return std::tie(a.created, a.uid) < std::tie(b.created, b.uid);
}

std::string names_of(const std::vector<std::string>& names, std::size_t total) {
  std::string out;
  for (const auto& name : names) out += (out.empty() ? "" : ", ") + name;
  return total > names.size() ? out + " and " + std::to_string(total - names.size()) + " more" : out;
}

// Who is attached to a network, or may be soon: whoever holds one of its addresses. Who waits for one does not keep it.
std::vector<const api::ConnectionPoint*> users_of(const api::Network& network, const View& view) {
  auto users = view.connection_points.by_index(network.meta.key.text());
  std::erase_if(users, [&](const api::ConnectionPoint* point) {
    const auto claims = view.allocations.owned_by(point->meta.uid);
    return std::none_of(claims.begin(), claims.end(),
                        [&](const auto* claim) { return claim->spec.network == network.meta.key.name; });
  });
  return users;
}

}  // namespace

Objection objection_to(const api::Network& network, const View& view) {
  for (const auto& subnet : network.spec.subnets) {
    if (const auto pools = Pools::of(subnet); !pools) return {"InvalidSubnet", pools.error().text(), true};
  }
  if (network.spec.address_space.empty()) return {};
  for (const auto* other : view.networks.by_index(network.meta.key.ns)) {
    if (other->spec.address_space != network.spec.address_space || !came_before(other->meta, network.meta)) continue;
    for (const auto& ours : network.spec.subnets) {
      for (const auto& theirs : other->spec.subnets) {
        const auto a = parse_prefix(ours.cidr), b = parse_prefix(theirs.cidr);
        if (a && b && a->overlaps(*b)) {
          return {"OverlapsNetwork",
                  "subnet " + ours.name + " (" + ours.cidr + ") overlaps subnet " + theirs.name + " (" + theirs.cidr +
                      ") of Network " + other->meta.key.name + " in address space " + network.spec.address_space +
                      ": choose another cidr, or another addressSpace if the two never meet",
                  true};
        }
      }
    }
  }
  return {};
}

Plan plan_network(const api::Network& network, const View& view, const NetworkProvider& provider, const Moment& moment) {
  Plan plan;
  const auto& meta = network.meta;
  const auto users = users_of(network, view);
  std::vector<std::string> first_users;
  for (const auto* user : users) {
    if (first_users.size() < 10) first_users.push_back(user->meta.key.name);
  }

  const auto* live = view.attachments.get(meta.key);
  const bool taken = live && !live->meta.owned_by(meta.uid);
  const bool ending = live && !taken && live->meta.deleting;
  const auto claims = view.allocations.by_index(meta.key.text());
  if (meta.deleting && users.empty() && claims.empty()) {
    if (!meta.has_finalizer(kNetworkFinalizer)) return plan;
    plan.actions.push_back(
        runtime::proof_of_none(api::Allocation::resource, meta.key.ns, label::kNetwork + ("=" + meta.key.name)));
    if (!live || taken) {
      // One that has lost its label would be held for ever.
      plan.actions.push_back(runtime::proof_of_absence(api::Attachments::resource, meta.key, meta.uid));
    } else if (live->meta.has_finalizer(kAttachmentFinalizer)) {
      plan.actions.push_back(runtime::finalizer_removal(api::Attachments::resource, live->meta, kAttachmentFinalizer));
    }
    plan.actions.push_back(runtime::finalizer_removal(api::Network::resource, meta, kNetworkFinalizer));
    if (!moment.refusal) return plan;
  }
  // Deleted by hand, it is made anew; deleted with its network, it stays for as long as that does.
  if (ending && !meta.deleting && live->meta.has_finalizer(kAttachmentFinalizer)) {
    plan.actions.push_back(runtime::finalizer_removal(api::Attachments::resource, live->meta, kAttachmentFinalizer));
  }

  const auto [reason, why_not, stalled] = objection_to(network, view);
  const bool accepted = reason.empty();
  if (!meta.deleting && accepted && !taken && !ending) {
    if (!meta.has_finalizer(kNetworkFinalizer)) {
      plan.actions.push_back(runtime::finalizer_addition(api::Network::resource, meta, kNetworkFinalizer));
    }
    JsonObject desired = api::skeleton(api::Attachments::resource, meta.key);
    auto& metadata = desired["metadata"].as_object();
    metadata["labels"] = JsonObject{{label::kNetwork, meta.key.name}, {label::kManagedBy, "knfe"}};
    metadata["ownerReferences"] = JsonArray{api::owner_reference(api::Network::resource, meta)};
    metadata["finalizers"] = JsonArray{Json(kAttachmentFinalizer)};
    desired["spec"] = provider.realise(network);
    runtime::apply_if_different(plan, api::Attachments::resource, std::move(desired), live ? &live->meta : nullptr);
  }
  const bool programmed = accepted && live && !taken && !ending && plan.actions.empty();

  api::NetworkStatus status;
  status.observed_generation = meta.generation;
  if (live && !taken) status.attachment = api::Ref{meta.key.name};
  status.in_use_by = first_users;
  for (const auto& subnet : network.spec.subnets) {
    const auto pools = Pools::of(subnet);
    const auto used = std::count_if(claims.begin(), claims.end(),
                                    [&](const auto* allocation) { return allocation->spec.subnet == subnet.name; });
    const std::string capacity = pools ? to_text(pools->size()) : "0";
    status.summary += (status.summary.empty() ? "" : ", ") + subnet.cidr + " (" + std::to_string(used) + " of " +
                      (capacity.size() > kLongestCapacity ? "many" : capacity) + ")";
    status.subnets.push_back({subnet.name, capacity, used});
  }
  status.summary = cut(status.summary, api::kLongestSummary);
  ConditionWriter write(network.status.conditions, meta, moment);
  write.set("Accepted", accepted, accepted ? "Accepted" : reason, accepted ? "The network can be realised." : why_not);
  const std::string taken_text =
      "NetworkAttachmentDefinition " + meta.key.name + " exists and is not KNFE's: rename this Network or remove it";
  write.set("Programmed", programmed,
            programmed ? "Programmed"
            : taken    ? "NameTaken"
            : accepted ? "Programming"
                       : reason,
            programmed ? "NetworkAttachmentDefinition " + meta.key.name + " is in place."
            : taken    ? taken_text
            : accepted ? "The NetworkAttachmentDefinition is being written."
                       : why_not);
  if (meta.deleting) {
    const std::string blocked =
        !users.empty()
            ? "in use by ConnectionPoint " + names_of(first_users, users.size()) + ": the network goes when they are gone"
        : !claims.empty()
            ? "Allocation " + claims.front()->meta.key.name + " is not released yet: the network goes when it is gone"
            : "It is being deleted.";
    write.set("DeletionBlocked", true, "InUse", blocked);
    write.set_ready(false, false, "DeletionBlocked", blocked);
  } else if (!accepted) {
    write.set_ready(false, stalled, reason, why_not);
  } else if (taken) {
    write.set_ready(false, true, "NameTaken", taken_text);
  } else {
    write.set_ready(programmed, false, programmed ? "Ready" : "Programming",
                    programmed ? "Connection points can be attached." : "The NetworkAttachmentDefinition is being written.");
  }
  status.conditions = std::move(write.conditions);
  runtime::write_status(plan, network, status, std::move(write.notes));
  return plan;
}

Plan plan_attachment(const api::Attachments& attachment, const View& view) {
  return runtime::plan_release(attachment, view.networks, kAttachmentFinalizer);
}

}  // namespace knfe::operators
