#include "cni/tap.h"

#include <sys/random.h>

#include "api/digest.h"

namespace knfe::cni {

using net::Links;
using net::Mac;
using net::Namespace;

namespace {

constexpr unsigned kQemu = 107;  // user and group that KubeVirt runs its virtual machines as

// Linux allows 15 characters.
std::string short_name(const char* prefix, const std::string& of) { return prefix + api::hex64(api::hash64(of)).substr(0, 12); }
std::string inner_bridge(const std::string& tap) { return short_name("kb", tap); }
std::string port_of(const std::string& tap) { return short_name("kp", tap); }

Mac random_mac() {
  Mac out{};
  KNFE_CHECK(::getrandom(out.data(), out.size(), 0) == static_cast<ssize_t>(out.size()));
  out[0] = static_cast<std::uint8_t>((out[0] & 0xfc) | 0x02);  // locally administered, of one host
  return out;
}

bool is_there(const Result<void>& made) { return made || made.error().code == Code::kAlreadyExists; }

// The pod's side of the way in: for a bridge of the node the one end of a pair whose other is its port.
Result<void> join_node(const Wiring& wiring, Links& node, const Namespace& pod, const std::string& port, const Mac& guest,
                       const std::string& id) {
  if (!wiring.master.empty()) {
    KNFE_TRY(const auto below, node.find(wiring.master));
    return node.make_macvlan(port, below.index, guest, pod);
  }
  if (auto made = node.make_bridge(wiring.bridge, std::nullopt); !is_there(made)) return made;
  KNFE_TRY(const auto bridge, node.find(wiring.bridge));
  if (auto up = node.change(bridge.index, {.up = true}); !up) return up;
  const std::string outer = short_name("kt", id);
  if (auto made = node.make_veth(outer, port, pod); !made) return made;
  KNFE_TRY(const auto end, node.find(outer));
  return node.change(end.index, {.master = bridge.index, .mtu = wiring.mtu, .up = true, .without_addresses = true});
}

// Makes the pod's side; this thread is in the pod's namespace.
Result<void> wire_pod(const Wiring& wiring, const std::string& name, const Mac& guest) {
  KNFE_TRY(Links links, Links::open());
  const std::string bridge_name = inner_bridge(name);
  // Its own address must not be the guest's, which it would take from the macvlan.
  if (auto made = links.make_bridge(bridge_name, random_mac()); !is_there(made)) return made;
  if (auto made = net::make_tap(name, kQemu, kQemu); !made) return made;
  KNFE_TRY(const auto bridge, links.find(bridge_name));
  KNFE_TRY(const auto port, links.find(port_of(name)));
  KNFE_TRY(const auto tap, links.find(name));
  const auto mtu = wiring.mtu ? *wiring.mtu : port.mtu;
  for (const auto index : {port.index, tap.index}) {
    if (auto done = links.change(index, {.master = bridge.index, .mtu = mtu, .up = true, .without_addresses = true}); !done)
      return done;
  }
  if (auto done = links.change(bridge.index, {.mtu = mtu, .up = true, .without_addresses = true}); !done) return done;
  if (wiring.master.empty()) return {};
  // A bridge takes what is for an address of its ports as its own; this one is the guest's, behind the tap.
  const auto forgotten = links.forget_address(port.index, guest);
  return forgotten || forgotten.error().code == Code::kNotFound ? Result<void>() : forgotten;
}

// Calls `work` in the namespace of the pod, and comes back.
template <class Work>
Result<void> inside(const Namespace& pod, Work work) {
  KNFE_TRY(const Namespace home, Namespace::current());
  if (auto entered = pod.enter(); !entered) return entered;
  auto done = work();
  // Whatever follows would be done to the wrong namespace.
  KNFE_CHECK(home.enter());
  return done;
}

}  // namespace

Result<Mac> add_tap(const Wiring& wiring, const std::string& pod_path, const std::string& name, const std::string& id) {
  KNFE_TRY(const Namespace pod, Namespace::open(pod_path));
  KNFE_TRY(Links node, Links::open());
  const Mac guest = wiring.mac ? *wiring.mac : random_mac();
  // What an earlier try has left behind is taken away first: half of it may be missing.
  if (auto removed = remove_tap(pod_path, name); !removed) return std::unexpected(removed.error());
  auto wired = join_node(wiring, node, pod, port_of(name), guest, id);
  if (wired) wired = inside(pod, [&] { return wire_pod(wiring, name, guest); });
  if (!wired) {
    (void)remove_tap(pod_path, name);
    return std::unexpected(wired.error());
  }
  return guest;
}

Result<void> check_tap(const std::string& pod_path, const std::string& name) {
  KNFE_TRY(const Namespace pod, Namespace::open(pod_path));
  return inside(pod, [&]() -> Result<void> {
    KNFE_TRY(Links links, Links::open());
    KNFE_TRY(const auto bridge, links.find(inner_bridge(name)));
    for (const auto& part : {name, port_of(name)}) {
      KNFE_TRY(const auto link, links.find(part));
      if (!link.up || link.master != bridge.index)
        return fail(Code::kInvalid, "interface " + part + " is down, or joined to nothing");
    }
    return {};
  });
}

// With the pod's end of a pair goes the node's.
Result<void> remove_tap(const std::string& pod_path, const std::string& name) {
  const auto pod = Namespace::open(pod_path);
  if (!pod) return pod.error().code == Code::kNotFound ? Result<void>() : std::unexpected(pod.error());
  return inside(*pod, [&]() -> Result<void> {
    KNFE_TRY(Links links, Links::open());
    for (const auto& part : {name, port_of(name), inner_bridge(name)}) {
      const auto link = links.find(part);
      if (!link && link.error().code == Code::kNotFound) continue;
      if (!link) return std::unexpected(link.error());
      if (auto removed = links.remove(link->index); !removed && removed.error().code != Code::kNotFound) return removed;
    }
    return {};
  });
}

}  // namespace knfe::cni
