#include <algorithm>

#include "cmd/status.h"
#include "operators/function/membership.h"

namespace knfe::cmd {

namespace {

using operators::View;

// A line of the tree and what hangs below it; the same tree is printed as text and as JSON.
struct Node {
  std::string kind, name, detail, why;
  bool ready = true;
  JsonObject facts;
  std::vector<Node> below;
};

template <class T>
Node node_of(const T& object, std::string detail) {
  Node node{std::string(T::resource.kind), object.meta.key.name, std::move(detail), {}, true, {}, {}};
  const auto* ready = api::find(object.status.conditions, "Ready");
  const bool current = object.status.observed_generation == object.meta.generation;
  node.ready = ready && ready->status == "True" && current;
  if (object.meta.deleting) node.detail += (node.detail.empty() ? "" : "  ") + std::string("(being deleted)");
  if (!node.ready) {
    node.why = ready && current ? ready->reason + ": " + ready->message
               : ready          ? "Changed: KNFE has not looked at its newest spec yet. Is `knfe controller` running?"
                                : "New: KNFE has not looked at it yet. Is `knfe controller` running?";
  }
  return node;
}

Node network_node(const api::Network& network) {
  std::string detail;
  JsonArray subnets;
  for (const auto& subnet : network.spec.subnets) {
    const auto usage = std::find_if(network.status.subnets.begin(), network.status.subnets.end(),
                                    [&](const api::SubnetUsage& entry) { return entry.name == subnet.name; });
    const bool known = usage != network.status.subnets.end();
    detail += (detail.empty() ? "" : ", ") + subnet.cidr;
    if (known)
      detail += " (" + std::to_string(usage->used) + " of " + (usage->capacity.size() > 9 ? "many" : usage->capacity) + ")";
    subnets.push_back(JsonObject{{"cidr", subnet.cidr}, {"used", known ? Json(usage->used) : Json()}});
  }
  Node node = node_of(network, detail);
  node.facts["subnets"] = std::move(subnets);
  return node;
}

Node member_node(const api::Member& member, const View& view) {
  const auto standing = operators::standing_of(member, operators::pod_of(member, view));
  std::string detail = operators::name(standing);
  JsonObject addresses;
  for (const auto& address : member.status.addresses) {
    detail += "  " + address.connection_point;
    JsonArray ips;
    for (const auto& ip : address.ips) {
      detail += " " + ip;
      ips.push_back(Json(ip));
    }
    addresses[address.connection_point] = std::move(ips);
  }
  Node node = node_of(member, detail);
  node.facts["state"] = operators::name(standing);
  node.facts["addresses"] = std::move(addresses);
  return node;
}

Node set_node(const api::MemberSet& set, const View& view) {
  Node node = node_of(set, std::to_string(set.status.ready) + " of " + std::to_string(set.spec.replicas.value_or(0)) + " serve");
  auto members = view.members.owned_by(set.meta.uid);
  std::sort(members.begin(), members.end(), [](const auto* a, const auto* b) { return a->spec.ordinal < b->spec.ordinal; });
  for (const auto* member : members) node.below.push_back(member_node(*member, view));
  return node;
}

Node function_node(const api::NetworkFunction& function, const View& view) {
  Node node = node_of(function, function.status.summary);
  for (const auto* set : view.member_sets.owned_by(function.meta.uid)) node.below.push_back(set_node(*set, view));
  return node;
}

Node service_node(const api::NetworkService& service, const View& view) {
  Node node = node_of(service, "");
  for (const auto* network : view.networks.owned_by(service.meta.uid)) node.below.push_back(network_node(*network));
  for (const auto* function : view.functions.owned_by(service.meta.uid)) node.below.push_back(function_node(*function, view));
  return node;
}

void print(const Node& node, const std::string& first, const std::string& rest, std::string& out) {
  out += first + node.kind + " " + node.name + "  " + (node.ready ? "Ready" : "NotReady") +
         (node.detail.empty() ? "" : "  " + node.detail) + "\n";
  // What is below says it better.
  const bool told_below = std::any_of(node.below.begin(), node.below.end(), [](const Node& child) { return !child.ready; });
  if (!node.ready && !told_below) out += rest + (node.below.empty() ? "  " : "│ ") + "! " + node.why + "\n";
  for (std::size_t i = 0; i < node.below.size(); ++i) {
    const bool last = i + 1 == node.below.size();
    print(node.below[i], rest + (last ? "└─ " : "├─ "), rest + (last ? "   " : "│  "), out);
  }
}

Json to_json(const Node& node) {
  JsonObject out{{"kind", node.kind}, {"name", node.name}, {"ready", node.ready}};
  if (!node.ready) out["why"] = node.why;
  for (const auto& [key, value] : node.facts) out[key] = value;
  if (!node.below.empty()) {
    JsonArray below;
    for (const auto& child : node.below) below.push_back(to_json(child));
    out["below"] = std::move(below);
  }
  return out;
}

bool all_ready(const Node& node) { return node.ready && std::all_of(node.below.begin(), node.below.end(), all_ready); }

}  // namespace

StatusReport report_status(const View& view, const std::string& ns, const std::string& name) {
  std::vector<std::pair<std::string, Node>> roots;
  // By name, or else whatever is not part of a service that is shown.
  const auto wanted = [&](const api::Meta& meta) {
    const auto* owner = meta.controller();
    const auto* service = owner ? view.services.get({meta.key.ns, owner->name}) : nullptr;
    const bool part = service && service->meta.uid == owner->uid;
    return (ns.empty() || meta.key.ns == ns) && (name.empty() ? !part : meta.key.name == name);
  };
  for (const auto* service : view.services.all()) {
    if (wanted(service->meta)) roots.emplace_back(service->meta.key.ns, service_node(*service, view));
  }
  for (const auto* network : view.networks.all()) {
    if (wanted(network->meta)) roots.emplace_back(network->meta.key.ns, network_node(*network));
  }
  for (const auto* function : view.functions.all()) {
    if (wanted(function->meta)) roots.emplace_back(function->meta.key.ns, function_node(*function, view));
  }
  StatusReport report;
  report.found = !roots.empty();
  JsonArray items;
  for (const auto& [root_ns, root] : roots) {
    Node shown = root;
    shown.name = root_ns + "/" + root.name;
    print(shown, "", "", report.text);
    const Json tree = to_json(root);
    JsonObject item = as_object(tree);
    item["namespace"] = root_ns;
    items.push_back(std::move(item));
    report.ready = report.ready && all_ready(root);
  }
  report.json = JsonObject{{"ready", report.ready}, {"items", std::move(items)}};
  return report;
}

}  // namespace knfe::cmd
