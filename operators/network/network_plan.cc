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

// A NetworkAttachmentDefinition of a network, as it is and as it should be.
struct Realisation {
  std::string name;
  bool tap;
  bool wanted;
  const api::Attachments* live;

  bool taken(const api::Network& network) const { return live && !live->meta.owned_by(network.meta.uid); }
  bool ending(const api::Network& network) const { return live && !taken(network) && live->meta.deleting; }
};

// That for pods always; that for taps once somebody asks for one, and then for as long as the network is there: what is torn down
// asks for it, too.
std::vector<Realisation> realisations_of(const api::Network& network, const View& view) {
  std::vector<Realisation> out;
  for (const bool tap : {false, true}) {
    Realisation one{attachment_name(network, tap), tap, !tap, nullptr};
    one.live = view.attachments.get({network.meta.key.ns, one.name});
    if (tap) {
      const auto points = view.connection_points.by_index(network.meta.key.text());
      const bool asked = std::any_of(points.begin(), points.end(), [](const auto* point) { return point->is_tap(); });
      one.wanted = asked || (one.live && one.live->meta.owned_by(network.meta.uid));
    }
    out.push_back(std::move(one));
  }
  return out;
}

// Held until the network is proven to be used by nobody.
void let_go(const api::Network& network, const Realisation& one, Plan& plan) {
  if (!one.live || one.taken(network)) {
    // One that has lost its label would be held for ever.
    plan.actions.push_back(
        runtime::proof_of_absence(api::Attachments::resource, {network.meta.key.ns, one.name}, network.meta.uid));
  } else if (one.live->meta.has_finalizer(kAttachmentFinalizer)) {
    plan.actions.push_back(runtime::finalizer_removal(api::Attachments::resource, one.live->meta, kAttachmentFinalizer));
  }
}

Json attachment_of(const api::Network& network, const Realisation& one, const NetworkProvider& provider) {
  JsonObject desired = api::skeleton(api::Attachments::resource, {network.meta.key.ns, one.name});
  auto& metadata = desired["metadata"].as_object();
  metadata["labels"] = JsonObject{{label::kNetwork, network.meta.key.name}, {label::kManagedBy, "knfe"}};
  metadata["ownerReferences"] = JsonArray{api::owner_reference(api::Network::resource, network.meta)};
  metadata["finalizers"] = JsonArray{Json(kAttachmentFinalizer)};
  desired["spec"] = provider.realise(network, one.tap);
  return desired;
}

}  // namespace

std::string attachment_name(const api::Network& network, bool tap) {
  return std::string(network.meta.key.name.text()) + (tap ? ".tap" : "");
}

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

  const auto realisations = realisations_of(network, view);
  const auto claims = view.allocations.by_index(meta.key.text());
  if (meta.deleting && users.empty() && claims.empty()) {
    if (!meta.has_finalizer(kNetworkFinalizer)) return plan;
    plan.actions.push_back(
        runtime::proof_of_none(api::Allocation::resource, meta.key.ns, label::kNetwork + ("=" + meta.key.name)));
    for (const auto& one : realisations) let_go(network, one, plan);
    plan.actions.push_back(runtime::finalizer_removal(api::Network::resource, meta, kNetworkFinalizer));
    if (!moment.refusal) return plan;
  }
  // Deleted by hand, it is made anew; deleted with its network, it stays for as long as that does.
  for (const auto& one : realisations) {
    if (!one.ending(network) || meta.deleting || !one.live->meta.has_finalizer(kAttachmentFinalizer)) continue;
    plan.actions.push_back(runtime::finalizer_removal(api::Attachments::resource, one.live->meta, kAttachmentFinalizer));
  }

  const auto [reason, why_not, stalled] = objection_to(network, view);
  const bool accepted = reason.empty();
  std::string taken;  // the name that is somebody else's; empty: none is
  bool ending = false, missing = false;
  for (const auto& one : realisations) {
    if (!one.wanted) continue;
    if (one.taken(network) && taken.empty()) taken = one.name;
    ending = ending || one.ending(network);
    missing = missing || !one.live;
  }
  if (!meta.deleting && accepted && taken.empty() && !ending) {
    if (!meta.has_finalizer(kNetworkFinalizer)) {
      plan.actions.push_back(runtime::finalizer_addition(api::Network::resource, meta, kNetworkFinalizer));
    }
    for (const auto& one : realisations) {
      if (!one.wanted) continue;
      runtime::apply_if_different(plan, api::Attachments::resource, attachment_of(network, one, provider),
                                  one.live ? &one.live->meta : nullptr);
    }
  }
  const bool programmed = accepted && !missing && taken.empty() && !ending && plan.actions.empty();

  api::NetworkStatus status;
  status.observed_generation = meta.generation;
  const auto& for_pods = realisations.front();
  if (for_pods.live && !for_pods.taken(network)) status.attachment = api::Ref{for_pods.name};
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
      "NetworkAttachmentDefinition " + taken + " exists and is not KNFE's: rename this Network or remove it";
  write.set("Programmed", programmed,
            programmed       ? "Programmed"
            : !taken.empty() ? "NameTaken"
            : accepted       ? "Programming"
                             : reason,
            programmed       ? "NetworkAttachmentDefinition " + meta.key.name + " is in place."
            : !taken.empty() ? taken_text
            : accepted       ? "The NetworkAttachmentDefinition is being written."
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
  } else if (!taken.empty()) {
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
