#include "test/sim/monitor.h"

#include <algorithm>

#include "test/fakes/json_test.h"
#include "test/fakes/live_test.h"

namespace knfe::sim {

using fakes::condition_of;
using fakes::uid_of;

const char* const kSignature = "example.com/owner";

void Monitor::begin(const fakes::Store& store) {
  for (const auto* object : store.all()) {
    const auto* resource = [&]() -> const api::Resource* {
      for (const char* plural : {"pods", "connectionpoints", "members", "allocations"}) {
        const auto* found = fakes::Store::resource_of(plural == std::string("pods") ? "" : api::kGroup, plural);
        if (found->kind == as_string(at(*object, "kind"))) return found;
      }
      return nullptr;
    }();
    put(resource ? std::string(resource->plural) : std::string(), *object, true);
  }
}

void Monitor::breach(std::string text) {
  if (breaches_.find(text) == std::string::npos) breaches_ += (breaches_.empty() ? "" : "; ") + std::move(text);
}

void Monitor::see(const fakes::Store::Event& event) {
  const std::string plural(event.resource.plural);
  if (event.type == "DELETED") {
    removed(plural, std::string(uid_of(*event.object)), std::string(as_string(at(*event.object, "metadata", "name"))));
  } else {
    put(plural, *event.object, event.type == "ADDED");
  }
}

void Monitor::put(const std::string& plural, const Json& object, bool fresh) {
  const std::string uid(uid_of(object));
  if (as_string(at(object, "metadata", "annotations", kSignature)) == "me") {
    if (fresh || !signed_.contains(uid)) signed_.insert(uid);
  } else if (signed_.contains(uid)) {
    breach(std::string(as_string(at(object, "kind"))) + " " + std::string(as_string(at(object, "metadata", "name"))) +
           " lost what its user had written");
  }
  if (plural == "pods") put_pod(uid, object);
  if (plural == "connectionpoints") put_point(uid, object);
  if (plural == "allocations") {
    claims_[uid] = {std::string(as_string(at(object, "spec", "ip"))), std::string(as_string(at(object, "spec", "owner")))};
  }
  if (plural == "members") {
    auto& member = members_[uid];
    member.name = as_string(at(object, "metadata", "name"));
    member.asked = as_string(at(object, "spec", "desired")) != "Serving" && !fakes::deleting(object);
    member.left = as_string(at(condition_of(object, "Left"), "status")) == "True";
  }
}

void Monitor::put_pod(const std::string& uid, const Json& object) {
  const auto [found, fresh] = pods_.try_emplace(uid);
  auto& pod = found->second;
  const auto phase = as_string(at(object, "status", "phase"));
  pod.ended = phase == "Succeeded" || phase == "Failed";
  if (fresh) {
    pod.name = as_string(at(object, "metadata", "name"));
    for (const auto& owner : as_array(at(object, "metadata", "ownerReferences"))) pod.owners.emplace(as_string(at(owner, "uid")));
    const auto text = as_string(at(object, "metadata", "annotations", "k8s.v1.cni.cncf.io/networks"), "[]");
    const Json networks = fakes::json(text);
    for (const auto& one : as_array(networks)) {
      pod.points.insert(pod.name + "-" + std::string(as_string(at(one, "interface"))));
      for (const auto& ip : as_array(at(one, "ips"))) {
        const std::string cidr(as_string(ip));
        pod.ips.insert(cidr.substr(0, cidr.find('/')));
      }
    }
    for (const auto& ip : pod.ips) {
      for (const auto& [other_uid, other] : pods_) {
        if (other_uid != uid && !other.ended && other.ips.contains(ip))
          breach("pods " + pod.name + " and " + other.name + " both carry " + ip);
      }
      const bool held = std::any_of(claims_.begin(), claims_.end(), [&](const auto& claim) { return claim.second.ip == ip; });
      if (!held) breach("pod " + pod.name + " carries " + ip + ", which nobody holds");
    }
  }
  if (fakes::deleting(object) && !std::exchange(pod.deleting, true)) {
    for (const auto& owner : pod.owners) {
      const auto member = members_.find(owner);
      if (member != members_.end() && member->second.asked && !member->second.left)
        breach("pod " + pod.name + " is deleted before its agent has said that it left");
    }
  }
}

void Monitor::put_point(const std::string& uid, const Json& object) {
  auto& point = points_[uid];
  point.name = as_string(at(object, "metadata", "name"));
  point.network = as_string(at(object, "spec", "networkRef", "name"));
  point.ips.clear();
  for (const auto& one : as_array(at(object, "status", "addresses"))) {
    const std::string ip(as_string(at(one, "ip")));
    point.ips.insert(ip);
    for (const auto& [other_uid, other] : points_) {
      if (other_uid != uid && other.network == point.network && other.ips.contains(ip))
        breach(point.name + " and " + other.name + " both have " + ip);
    }
  }
}

void Monitor::removed(const std::string& plural, const std::string& uid, const std::string& name) {
  signed_.erase(uid);
  if (plural == "pods") pods_.erase(uid);
  if (plural == "connectionpoints") points_.erase(uid);
  if (plural == "members") {
    members_.erase(uid);
    for (const auto& [pod_uid, pod] : pods_) {
      if (!pod.ended && pod.owners.contains(uid)) breach("Member " + name + " is gone while its pod is there");
    }
  }
  if (plural == "allocations") {
    const auto claim = claims_.extract(uid);
    if (claim.empty()) return;
    const auto& [ip, owner] = claim.mapped();
    for (const auto& [pod_uid, pod] : pods_) {
      if (!pod.ended && pod.points.contains(owner) && pod.ips.contains(ip))
        breach("address " + ip + " is free while pod " + pod.name + " carries it");
    }
  }
}

}  // namespace knfe::sim
