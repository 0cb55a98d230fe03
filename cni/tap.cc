#include "cni/tap.h"

#include <fcntl.h>
#include <sys/random.h>
#include <unistd.h>

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
std::string outer_end(const std::string& id) { return short_name("kt", id); }
std::string port_of(const std::string& tap) { return short_name("kp", tap); }

Mac random_mac() {
  Mac out{};
  KNFE_CHECK(::getrandom(out.data(), out.size(), 0) == static_cast<ssize_t>(out.size()));
  out[0] = static_cast<std::uint8_t>((out[0] & 0xfc) | 0x02);  // locally administered, of one host
  return out;
}

bool is_there(const Result<void>& made) { return made || made.error().code == Code::kAlreadyExists; }

// What is in between must not take part in what guests say to each other: no address by a guest's router advertisement, no answer
// to its ARP requests for an address of the node or of the pod. Of this thread's namespace; a kernel without IPv6 has no such
// file.
void silence(const std::string& name) {
  for (const auto& [setting, value] :
       {std::pair("ipv6/conf/" + name + "/disable_ipv6", "1"), std::pair("ipv4/conf/" + name + "/arp_ignore", "8")}) {
    const int file = ::open(("/proc/sys/net/" + setting).c_str(), O_WRONLY | O_CLOEXEC);
    if (file < 0) continue;
    [[maybe_unused]] const auto written = ::write(file, value, 1);
    ::close(file);
  }
}

// The pod's side of the way in: for a bridge of the node the one end of a pair whose other is its port.
Result<void> join_node(const Wiring& wiring, Links& node, const Namespace& pod, const std::string& port, const Mac& guest,
                       const std::string& id) {
  if (!wiring.master.empty()) {
    KNFE_TRY(const auto below, node.find(wiring.master));
    return node.make_macvlan(port, below.index, guest, pod);
  }
  const auto made_bridge = node.make_bridge(wiring.bridge, std::nullopt);
  if (!is_there(made_bridge)) return made_bridge;
  KNFE_TRY(const auto bridge, node.find(wiring.bridge));
  silence(wiring.bridge);
  if (auto done = node.pass_on_multicast(bridge.index); !done) return done;
  if (auto up = node.change(bridge.index, {.up = true}); !up) return up;
  const std::string outer = outer_end(id);
  if (auto made = node.make_veth(outer, port, pod); !made) return made;
  KNFE_TRY(const auto end, node.find(outer));
  return node.change(end.index, {.master = bridge.index, .mtu = wiring.mtu, .up = true, .without_addresses = true});
}

// What has the name already is nobody's to take away.
Result<void> must_be_free(const std::string& name) {
  KNFE_TRY(Links links, Links::open());
  const auto found = links.find(name);
  if (found) return fail(Code::kAlreadyExists, "the pod has an interface " + name + " already");
  return found.error().code == Code::kNotFound ? Result<void>() : std::unexpected(found.error());
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
  for (const auto& one : {bridge_name, port_of(name), name}) silence(one);
  if (auto done = links.pass_on_multicast(bridge.index); !done) return done;
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

// What is not there is removed.
Result<void> remove(Links& links, const std::string& name) {
  const auto link = links.find(name);
  if (!link) return link.error().code == Code::kNotFound ? Result<void>() : std::unexpected(link.error());
  const auto removed = links.remove(link->index);
  return removed || removed.error().code == Code::kNotFound ? Result<void>() : removed;
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
  if (auto removed = remove_tap(pod_path, name, id); !removed) return std::unexpected(removed.error());
  auto wired = inside(pod, [&] { return must_be_free(name); });
  if (!wired) return std::unexpected(wired.error());
  wired = join_node(wiring, node, pod, port_of(name), guest, id);
  if (wired) wired = inside(pod, [&] { return wire_pod(wiring, name, guest); });
  if (!wired) {
    (void)remove_tap(pod_path, name, id);
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

Result<void> remove_tap(const std::string& pod_path, const std::string& name, const std::string& id) {
  KNFE_TRY(Links node, Links::open());
  if (auto removed = remove(node, outer_end(id)); !removed) return removed;
  if (pod_path.empty()) return {};
  const auto pod = Namespace::open(pod_path);
  if (!pod) return pod.error().code == Code::kNotFound ? Result<void>() : std::unexpected(pod.error());
  return inside(*pod, [&]() -> Result<void> {
    KNFE_TRY(Links links, Links::open());
    // The bridge is made before the tap, and goes after it: without it, what has the tap's name is somebody else's.
    if (const auto bridge = links.find(inner_bridge(name)); !bridge) {
      if (bridge.error().code != Code::kNotFound) return std::unexpected(bridge.error());
      return remove(links, port_of(name));
    }
    for (const auto& part : {name, port_of(name), inner_bridge(name)}) {
      if (auto removed = remove(links, part); !removed) return removed;
    }
    return {};
  });
}

}  // namespace knfe::cni
