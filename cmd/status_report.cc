#include <algorithm>

#include "api/kinds.h"
#include "cmd/status.h"
#include "operators/function/membership.h"

namespace knfe::cmd {

namespace {

using operators::View;

// What was asked for; a kind that is empty is any.
struct Query {
  std::string kind, name;
};

// Of a kind as kubectl takes them: by kind, plural, singular or short name, in any case; empty if it is none of KNFE's.
std::string kind_of(std::string word) {
  std::transform(word.begin(), word.end(), word.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  for (const Json& definition : api::crds()) {
    const Json& names = at(definition, "spec", "names");
    const auto& shorter = as_array(at(names, "shortNames"));
    if (word == as_string(at(names, "plural")) || word == as_string(at(names, "singular")) ||
        std::find(shorter.begin(), shorter.end(), Json(word)) != shorter.end())
      return std::string(as_string(at(names, "kind")));
  }
  return {};
}

Result<Query> query_of(const std::string& text) {
  const auto slash = text.find('/');
  if (slash == std::string::npos) return Query{{}, text};
  static constexpr std::string_view kShown[] = {"NetworkService", "NetworkFunction", "MemberSet", "Member", "Network"};
  Query query{kind_of(text.substr(0, slash)), text.substr(slash + 1)};
  if (query.name.empty() || std::find(std::begin(kShown), std::end(kShown), query.kind) == std::end(kShown)) {
    return fail(Code::kInvalid, "'" + text + "' is nothing that status shows", {},
                "NAME, or KIND/NAME with a networkservice, networkfunction, memberset, member or network");
  }
  return query;
}

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
  std::string detail = network.status.summary;
  JsonArray subnets;
  for (const auto& subnet : network.spec.subnets) {
    const auto usage = std::find_if(network.status.subnets.begin(), network.status.subnets.end(),
                                    [&](const api::SubnetUsage& entry) { return entry.name == subnet.name; });
    const bool known = usage != network.status.subnets.end();
    if (network.status.summary.empty()) detail += (detail.empty() ? "" : ", ") + subnet.cidr;
    subnets.push_back(JsonObject{{"cidr", subnet.cidr}, {"used", known ? Json(usage->used) : Json()}});
  }
  Node node = node_of(network, detail);
  node.facts["subnets"] = std::move(subnets);
  return node;
}

Node member_node(const api::Member& member, const View& view) {
  const auto standing = operators::standing_of(member, view);
  std::string detail = operators::name(standing);
  if (!member.status.addresses.empty()) detail += "  " + api::text_of(member.status.addresses);
  JsonObject addresses;
  for (const auto& address : member.status.addresses) {
    JsonArray ips;
    for (const auto& ip : address.ips) ips.push_back(Json(ip));
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

// A member says of itself what it likes: no control sequence of it reaches the terminal.
std::string printable(std::string text) {
  std::replace_if(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, ' ');
  return text;
}

void print(const Node& node, const std::string& first, const std::string& rest, std::string& out) {
  out += first + node.kind + " " + node.name + "  " + (node.ready ? "Ready" : "NotReady") +
         (node.detail.empty() ? "" : "  " + printable(node.detail)) + "\n";
  // What is below says it better.
  const bool told_below = std::any_of(node.below.begin(), node.below.end(), [](const Node& child) { return !child.ready; });
  if (!node.ready && !told_below) out += rest + (node.below.empty() ? "  " : "│ ") + "! " + printable(node.why) + "\n";
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

// What of the view stands at the root: what was asked for, or else whatever hangs below nothing that is shown.
class Roots {
 public:
  Roots(const View& view, const std::string& ns, const Query& query) : view_(view), ns_(ns), query_(query) {}

  template <class T, class MakeNode>
  void add(const kube::Cache<T>& cache, MakeNode node) {
    if (!query_.kind.empty() && query_.kind != T::resource.kind) return;
    for (const T* object : cache.all()) {
      const auto& key = object->meta.key;
      if (!ns_.empty() && key.ns != ns_) continue;
      if (query_.name.empty() ? is_below(object->meta) : key.name != query_.name) continue;
      nodes.emplace_back(key.ns, node(*object));
    }
  }
  std::vector<std::pair<std::string, Node>> nodes;  // with their namespaces

 private:
  bool is_below(const api::Meta& meta) const {
    const auto* owner = meta.controller();
    if (!owner) return false;
    const api::Key key{meta.key.ns, owner->name};
    for (const auto* live : {view_.services.meta(key), view_.functions.meta(key), view_.member_sets.meta(key)}) {
      if (live && live->uid == owner->uid) return true;
    }
    return false;
  }

  const View& view_;
  const std::string& ns_;
  const Query& query_;
};

}  // namespace

Result<StatusReport> report_status(const View& view, const std::string& ns, const std::string& name) {
  KNFE_TRY(const auto query, query_of(name));
  Roots roots(view, ns, query);
  roots.add(view.services, [&](const auto& service) { return service_node(service, view); });
  roots.add(view.networks, [&](const auto& network) { return network_node(network); });
  roots.add(view.functions, [&](const auto& function) { return function_node(function, view); });
  roots.add(view.member_sets, [&](const auto& set) { return set_node(set, view); });
  roots.add(view.members, [&](const auto& member) { return member_node(member, view); });
  StatusReport report;
  report.found = !roots.nodes.empty();
  JsonArray items;
  for (const auto& [root_ns, root] : roots.nodes) {
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
