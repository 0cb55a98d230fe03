#include <algorithm>

#include "base/text.h"
#include "operators/function/membership.h"
#include "operators/network/plan.h"
#include "operators/network/pools.h"
#include "runtime/child.h"

namespace knfe::operators {

using runtime::ConditionWriter;
using runtime::Moment;
using runtime::Plan;

namespace {

constexpr int kMostTries = 4096;  // of taken addresses in one plan; beyond, the pool counts as full only if it is that small

// Owners with the same seed try the same addresses: it must depend on nothing but the owner and the subnet.
std::uint64_t seed_of(const api::ConnectionPoint& point, const std::string& subnet) {
  return api::hash64(point.meta.uid + "/" + subnet);
}

struct Slot {
  const api::Subnet* subnet;
  std::string fixed_ip;
  const api::Allocation* held = nullptr;
  std::string candidate;  // to claim, if nothing is held
};

// What this address is to `point`: free, or held by whom.
const api::Allocation* holder(const api::Network& network, const std::string& ip, const View& view) {
  return view.allocations.get({network.meta.key.ns, allocation_name(network, ip)});
}

Objection choose(Slot& slot, const api::ConnectionPoint& point, const api::Network& network, const View& view) {
  const auto pools = Pools::of(*slot.subnet);
  if (!pools) return {"InvalidSubnet", pools.error().text(), true};
  if (!slot.fixed_ip.empty()) {
    const auto address = parse_address(slot.fixed_ip);
    if (!address || !pools->gives(*address)) {
      return {"AddressOutside",
              "address " + slot.fixed_ip + " cannot be given from subnet " + slot.subnet->name + " (" + slot.subnet->cidr +
                  ") of Network " + network.meta.key.name +
                  ": ask for one inside it that is neither its gateway nor its first nor (IPv4) its last",
              true};
    }
    const std::string ip = to_text(*address);
    if (const auto* other = holder(network, ip, view)) {
      return {"AddressInUse",
              "address " + ip + " is held by ConnectionPoint " + other->spec.owner +
                  ": ask for another address, or delete that connection point",
              true};
    }
    slot.candidate = ip;
    return {};
  }
  const Permutation order(pools->size(), seed_of(point, slot.subnet->name));
  const uint128 tries = std::min<uint128>(pools->size(), kMostTries);
  for (uint128 step = 0; step < tries; ++step) {
    const std::string ip = to_text(pools->at(order(step)));
    if (holder(network, ip, view)) continue;
    slot.candidate = ip;
    return {};
  }
  // A crowded large pool: walk through all of it, which is no longer than what the cache holds.
  const uint128 all = std::min<uint128>(pools->size(), static_cast<uint128>(view.allocations.size()) + 1);
  for (uint128 step = tries; step < all; ++step) {
    const std::string ip = to_text(pools->at(order(step)));
    if (holder(network, ip, view)) continue;
    slot.candidate = ip;
    return {};
  }
  return {"PoolExhausted",
          std::string(pools->prefix().base.v6 ? "IPv6" : "IPv4") + " subnet " + slot.subnet->name + " (" + slot.subnet->cidr +
              ") of Network " + network.meta.key.name + " has no free address: delete connection points, or use a larger network",
          true};
}

runtime::Action claim(const Slot& slot, const api::ConnectionPoint& point, const api::Network& network) {
  runtime::Action action;
  action.verb = runtime::Action::Verb::kCreate;
  action.resource = api::Allocation::resource;
  action.key = {point.meta.key.ns, allocation_name(network, slot.candidate)};
  JsonObject object = api::skeleton(action.resource, action.key);
  auto& metadata = object["metadata"].as_object();
  metadata["labels"] = JsonObject{{label::kNetwork, network.meta.key.name}, {label::kManagedBy, "knfe"}};
  metadata["finalizers"] = JsonArray{Json(kAllocationFinalizer)};
  // The garbage collector deletes it after its owner. It waits for the owner, so the owner must not wait for it.
  Json owner = api::owner_reference(api::ConnectionPoint::resource, point.meta);
  owner.as_object()["blockOwnerDeletion"] = false;
  metadata["ownerReferences"] = JsonArray{std::move(owner)};
  object["spec"] = api::encode(
      api::AllocationSpec{network.meta.key.name, slot.subnet->name, slot.candidate, point.meta.key.name, point.meta.uid});
  action.body = std::move(object);
  return action;
}

// A MAC that follows from the address: 0a:58 and IPv4 (as OVN-Kubernetes does), which is as unique as the address; or 0e and 40
// bits of a hash of IPv6, which for a thousand on one network meet once in two million.
std::string mac_of(const api::ConnectionPoint& point, const std::string& first_ip) {
  if (!point.spec.mac.empty()) return point.spec.mac;
  const auto address = parse_address(first_ip);
  if (!address) return {};
  const std::string digits = address->v6 ? "0e" + api::hex64(api::hash64(first_ip)).substr(6)
                                         : "0a58" + api::hex64(static_cast<std::uint64_t>(address->value)).substr(8);
  std::string out = digits.substr(0, 2);
  for (std::size_t i = 2; i < 12; i += 2) out += ":" + digits.substr(i, 2);
  return out;
}

// The slots that the point asks for, or why they cannot be.
Objection slots_of(const api::ConnectionPoint& point, const api::Network& network, std::vector<Slot>& slots) {
  if (point.spec.addresses.empty()) {
    for (const auto& subnet : network.spec.subnets) slots.push_back({&subnet, {}, nullptr, {}});
  }
  for (const auto& wanted : point.spec.addresses) {
    const auto found = std::find_if(network.spec.subnets.begin(), network.spec.subnets.end(),
                                    [&](const api::Subnet& subnet) { return subnet.name == wanted.subnet; });
    if (found == network.spec.subnets.end()) {
      std::string names;
      for (const auto& subnet : network.spec.subnets) names += (names.empty() ? "" : ", ") + subnet.name;
      return {"UnknownSubnet", "Network " + network.meta.key.name + " has no subnet " + wanted.subnet + ": it has " + names,
              true};
    }
    slots.push_back({&*found, wanted.ip, nullptr, {}});
  }
  return {};
}

// The member's name, which its workload has, too; a point that has lost its owner still says whose it was.
api::Key workload_key(const api::ConnectionPoint& point) {
  const auto* owner = point.meta.controller();
  return {point.meta.key.ns, owner ? owner->name : point.spec.workload ? Word(point.spec.workload->name) : Word()};
}

// Whether what carries the addresses, or may, is there.
bool is_carried(const api::ConnectionPoint& point, const View& view) {
  const auto* owner = point.meta.controller();
  const auto workload = workload_at(kind_of(point), workload_key(point), view);
  const bool may_be_its = workload && (!owner || workload->meta->owned_by(owner->uid) || !workload->meta->controller());
  return may_be_its && may_carry(*workload, point);
}

void prove_not_carried(const api::ConnectionPoint& point, Plan& plan) {
  const auto* owner = point.meta.controller();
  const api::Key workload = workload_key(point);
  if (!workload.name.empty()) prove_no_workload(kind_of(point), workload, owner ? owner->uid : api::Uid(), plan);
}

// The addresses are released once the connection point is gone, which a workload that carries them delays.
Plan plan_departure(const api::ConnectionPoint& point, const View& view, const Moment& moment) {
  Plan plan;
  const auto& meta = point.meta;
  if (!meta.has_finalizer(kConnectionPointFinalizer)) return plan;
  const auto* owner = meta.controller();
  const api::Key workload = workload_key(point);
  const auto* member = owner ? view.members.get(workload) : nullptr;
  const bool of_nobody = !member || member->meta.uid != owner->uid;
  const bool carried = is_carried(point, view);
  if (of_nobody && !carried) {
    prove_not_carried(point, plan);
    plan.actions.push_back(runtime::finalizer_removal(api::ConnectionPoint::resource, meta, kConnectionPointFinalizer));
    if (!moment.refusal) return plan;
  } else if (!carried) {
    return plan;  // the member lets go
  }
  if (of_nobody && !moment.refusal) plan.look_again = Duration(5'000);  // the pod's end wakes its member, and there is none
  const std::string blocked = std::string(resource_of(kind_of(point)).kind) + " " + workload.name +
                              " carries its addresses: the connection point goes when that has ended";
  api::ConnectionPointStatus status = point.status;
  ConditionWriter write(point.status.conditions, meta, moment);
  write.set("DeletionBlocked", true, "InUse", blocked);
  write.set_ready(false, false, "DeletionBlocked", blocked);
  status.observed_generation = meta.generation;
  status.conditions = std::move(write.conditions);
  runtime::write_status(plan, point, status, std::move(write.notes));
  return plan;
}

}  // namespace

std::string allocation_name(const api::Network& network, const std::string& ip) {
  const std::string& name = network.spec.address_space;
  const std::string space =
      name.empty() ? "u" + api::hex64(api::hash64(network.meta.uid.text())) : "s" + api::hex64(api::hash64(name));
  const auto address = parse_address(ip);
  KNFE_CHECK(address);
  return "ip." + space + "." + to_hex(*address);
}

Plan plan_allocation(const api::Allocation& allocation, const View& view) {
  return runtime::plan_release(allocation, view.connection_points, kAllocationFinalizer);
}

Plan plan_connection_point(const api::ConnectionPoint& point, const View& view, const Moment& moment) {
  Plan plan;
  const auto& meta = point.meta;
  if (meta.deleting) return plan_departure(point, view, moment);
  const std::string& network_name = point.spec.network.name;
  const auto* network = view.networks.get({meta.key.ns, network_name});

  Objection objection;
  if (!network) {
    objection = {"NetworkNotFound", "Network " + network_name + " does not exist in namespace " + meta.key.ns +
                                        ": create it, and this goes on by itself"};
  } else if (const auto why = objection_to(*network, view)) {
    objection = {"NetworkNotAccepted", "Network " + network_name + " is not accepted: " + why.message};
  }

  std::vector<Slot> slots;
  if (network) {
    auto wrong = slots_of(point, *network, slots);
    if (!objection) objection = std::move(wrong);
  }
  const bool accepted = !objection;
  const auto held = view.allocations.owned_by(meta.uid);
  for (auto& slot : slots) {
    for (const auto* allocation : held) {
      if (allocation->spec.subnet != slot.subnet->name) continue;
      // One of an earlier network of this name locks nothing in this one.
      if (!parse_address(allocation->spec.ip) || allocation->meta.key.name != allocation_name(*network, allocation->spec.ip))
        continue;
      // Two for one slot can only be a lost reply's: the older stays.
      if (!slot.held ||
          std::tie(allocation->meta.created, allocation->meta.uid) < std::tie(slot.held->meta.created, slot.held->meta.uid)) {
        slot.held = allocation;
      }
    }
  }
  // All addresses or none: what is missing is chosen first.
  if (!objection && network->meta.deleting &&
      std::any_of(slots.begin(), slots.end(), [](const Slot& slot) { return !slot.held; })) {
    objection = {"NetworkDeleting",
                 "Network " + network_name +
                     " is being deleted and gives no more addresses: take away what uses it, and apply both again"};
  }
  for (auto& slot : slots) {
    if (!objection && !slot.held) objection = choose(slot, point, *network, view);
  }
  // What is held stays told of whatever else is objected to: a workload may carry it.
  const bool holds_all =
      !slots.empty() && std::all_of(slots.begin(), slots.end(), [](const Slot& slot) { return slot.held != nullptr; });
  const bool complete = !objection && holds_all;

  const bool carried = is_carried(point, view);
  for (const auto* allocation : held) {
    const bool kept = std::any_of(slots.begin(), slots.end(), [&](const Slot& slot) { return slot.held == allocation; });
    // All or none; but what a workload carries stays, and without its network nothing can be decided.
    if (!accepted || carried || (kept && !objection)) continue;
    // That the cache shows no workload proves nothing: it may lag behind the one that tells of the objection.
    prove_not_carried(point, plan);
    auto release = runtime::delete_of(api::Allocation::resource, allocation->meta);
    if (allocation->meta.has_finalizer(kAllocationFinalizer)) {
      plan.actions.push_back(runtime::finalizer_removal(api::Allocation::resource, allocation->meta, kAllocationFinalizer));
    } else {
      release.resource_version = allocation->meta.resource_version;
    }
    plan.actions.push_back(std::move(release));
  }
  if (!objection) {
    for (const auto& slot : slots) {
      if (!slot.held) plan.actions.push_back(claim(slot, point, *network));
    }
  }

  api::ConnectionPointStatus status;
  status.observed_generation = meta.generation;
  if (holds_all) {
    for (const auto& slot : slots) {
      const auto prefix = parse_prefix(slot.subnet->cidr);
      status.summary += (status.summary.empty() ? "" : " ") + slot.held->spec.ip;
      status.addresses.push_back({slot.subnet->name, slot.held->spec.ip, slot.subnet->gateway, prefix ? prefix->length : 0});
    }
    status.summary = cut(status.summary, api::kLongestSummary);
    status.mac = mac_of(point, status.addresses.front().ip);
  }
  if (complete && !plan.actions.empty()) return plan;  // the status follows once surplus claims are gone
  if (!complete && !objection) return plan;            // the status follows the claims
  ConditionWriter write(point.status.conditions, meta, moment);
  write.set("Accepted", accepted, accepted ? "Accepted" : objection.reason,
            accepted ? "The network takes it." : objection.message);
  write.set("Addressed", complete, complete ? "Addressed" : objection.reason,
            complete ? "All addresses are given." : objection.message);
  write.set_ready(complete, objection.stalled, complete ? "Ready" : objection.reason,
                  complete ? "A workload can be attached." : objection.message);
  status.conditions = std::move(write.conditions);
  runtime::write_status(plan, point, status, std::move(write.notes));
  return plan;
}

}  // namespace knfe::operators
