#include "net/links.h"

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <vector>

namespace knfe::net {

namespace {

std::unexpected<Error> trouble(int number, const std::string& what) {
  const auto code = number == ENODEV || number == ENOENT ? Code::kNotFound
                    : number == EEXIST                   ? Code::kAlreadyExists
                                                         : Code::kUnavailable;
  return fail(code, what + ": " + std::strerror(number));
}

}  // namespace

std::optional<Mac> parse_mac(const std::string& text) {
  Mac out;
  unsigned bytes[6];
  int used = 0;
  if (text.size() != 17 ||
      std::sscanf(text.c_str(), "%2x:%2x:%2x:%2x:%2x:%2x%n", &bytes[0], &bytes[1], &bytes[2], &bytes[3], &bytes[4], &bytes[5],
                  &used) != 6 ||
      used != 17)
    return std::nullopt;
  std::transform(std::begin(bytes), std::end(bytes), out.begin(), [](unsigned byte) { return static_cast<std::uint8_t>(byte); });
  return out;
}

std::string text_of(const Mac& mac) {
  char out[18];
  std::snprintf(out, sizeof out, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
  return out;
}

Result<Namespace> Namespace::open(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return trouble(errno, "network namespace " + path);
  return Namespace(descriptor);
}

Result<Namespace> Namespace::current() { return open("/proc/thread-self/ns/net"); }

Namespace::~Namespace() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<void> Namespace::enter() const {
  if (::setns(descriptor_, CLONE_NEWNET) != 0) return trouble(errno, "the network namespace cannot be entered");
  return {};
}

// A request that grows: attributes, which may hold others.
struct Links::Message {
  std::vector<char> bytes;
  std::string what;  // for messages of errors

  template <class Body>
  Message(std::uint16_t type, std::uint16_t flags, const Body& body, std::string about) : what(std::move(about)) {
    nlmsghdr head{};
    head.nlmsg_type = type;
    head.nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
    append(&head, sizeof head);
    append(&body, sizeof body);
  }
  void append(const void* data, std::size_t size) {
    const auto* from = static_cast<const char*>(data);
    bytes.insert(bytes.end(), from, from + size);
    bytes.resize(NLMSG_ALIGN(bytes.size()));
  }
  void put(std::uint16_t type, const void* data, std::size_t size) {
    const rtattr head{static_cast<std::uint16_t>(RTA_LENGTH(size)), type};
    append(&head, sizeof head);
    append(data, size);
  }
  void put(std::uint16_t type, const std::string& text) { put(type, text.c_str(), text.size() + 1); }
  void put(std::uint16_t type, std::uint32_t value) { put(type, &value, sizeof value); }
  // What `fill` puts stands inside of an attribute of this type.
  template <class Fill>
  void nest(std::uint16_t type, Fill fill) {
    const std::size_t from = bytes.size();
    put(type, nullptr, 0);
    fill();
    const auto length = static_cast<std::uint16_t>(bytes.size() - from);
    std::memcpy(bytes.data() + from, &length, sizeof length);
  }
};

Result<Links> Links::open() {
  const int socket = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (socket < 0) return trouble(errno, "rtnetlink cannot be opened");
  return Links(socket);
}

Links::~Links() {
  if (socket_ >= 0) ::close(socket_);
}

// The first message of the answer that is no acknowledgement, empty if that is all.
Result<std::string> Links::ask(Message& message) {
  auto* head = reinterpret_cast<nlmsghdr*>(message.bytes.data());
  head->nlmsg_len = static_cast<std::uint32_t>(message.bytes.size());
  head->nlmsg_flags |= NLM_F_ACK;
  head->nlmsg_seq = ++sequence_;
  if (::send(socket_, message.bytes.data(), message.bytes.size(), 0) < 0) return trouble(errno, message.what);
  std::string out;
  std::vector<char> buffer(1 << 16);
  while (true) {
    const ssize_t size = ::recv(socket_, buffer.data(), buffer.size(), 0);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return trouble(errno, message.what);
    auto left = static_cast<int>(size);
    for (const auto* part = reinterpret_cast<const nlmsghdr*>(buffer.data()); NLMSG_OK(part, left);
         part = NLMSG_NEXT(part, left)) {
      if (part->nlmsg_seq != sequence_) continue;
      const auto* payload = reinterpret_cast<const char*>(part) + NLMSG_HDRLEN;
      const std::size_t length = part->nlmsg_len - NLMSG_HDRLEN;
      if (part->nlmsg_type != NLMSG_ERROR) {
        out.assign(payload, length);
        continue;
      }
      int number = 0;
      if (length < sizeof number) return fail(Code::kInternal, message.what + ": the kernel's answer is cut short");
      std::memcpy(&number, payload, sizeof number);
      if (number != 0) return trouble(-number, message.what);
      return out;
    }
  }
}

Result<void> Links::tell(Message& message) {
  if (auto answer = ask(message); !answer) return std::unexpected(answer.error());
  return {};
}

Result<Link> Links::find(const std::string& name) {
  Message message(RTM_GETLINK, 0, ifinfomsg{}, "interface " + name);
  message.put(IFLA_IFNAME, name);
  KNFE_TRY(const std::string answer, ask(message));
  ifinfomsg info{};
  if (answer.size() < sizeof info) return fail(Code::kInternal, message.what + ": the kernel's answer is cut short");
  std::memcpy(&info, answer.data(), sizeof info);
  Link out;
  out.index = static_cast<std::uint32_t>(info.ifi_index);
  out.up = (info.ifi_flags & IFF_UP) != 0;
  auto left = static_cast<int>(answer.size() - NLMSG_ALIGN(sizeof info));
  const char* data = answer.data() + NLMSG_ALIGN(sizeof info);
  for (const auto* part = reinterpret_cast<const rtattr*>(data); RTA_OK(part, left); part = RTA_NEXT(part, left)) {
    const auto* value = reinterpret_cast<const char*>(part) + RTA_LENGTH(0);
    const auto copy = [&](auto& into) { std::memcpy(&into, value, std::min<std::size_t>(RTA_PAYLOAD(part), sizeof into)); };
    if (part->rta_type == IFLA_MTU) copy(out.mtu);
    if (part->rta_type == IFLA_MASTER) copy(out.master);
    if (part->rta_type == IFLA_ADDRESS) copy(out.mac);
  }
  return out;
}

Result<void> Links::make_bridge(const std::string& name, const std::optional<Mac>& mac) {
  Message message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, ifinfomsg{}, "bridge " + name);
  message.put(IFLA_IFNAME, name);
  if (mac) message.put(IFLA_ADDRESS, mac->data(), mac->size());
  message.nest(IFLA_LINKINFO, [&] { message.put(IFLA_INFO_KIND, std::string("bridge")); });
  return tell(message);
}

Result<void> Links::pass_on_multicast(std::uint32_t bridge) {
  ifinfomsg info{};
  info.ifi_index = static_cast<int>(bridge);
  Message message(RTM_NEWLINK, 0, info, "bridge " + std::to_string(bridge));
  message.nest(IFLA_LINKINFO, [&] {
    message.put(IFLA_INFO_KIND, std::string("bridge"));
    message.nest(IFLA_INFO_DATA, [&] {
      const std::uint8_t off = 0;
      message.put(IFLA_BR_MCAST_SNOOPING, &off, sizeof off);
    });
  });
  return tell(message);
}

Result<void> Links::make_veth(const std::string& name, const std::string& peer, const Namespace& where) {
  Message message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, ifinfomsg{}, "veth pair " + name);
  message.put(IFLA_IFNAME, name);
  message.nest(IFLA_LINKINFO, [&] {
    message.put(IFLA_INFO_KIND, std::string("veth"));
    message.nest(IFLA_INFO_DATA, [&] {
      message.nest(VETH_INFO_PEER, [&] {
        const ifinfomsg info{};
        message.append(&info, sizeof info);
        message.put(IFLA_IFNAME, peer);
        message.put(IFLA_NET_NS_FD, static_cast<std::uint32_t>(where.descriptor()));
      });
    });
  });
  return tell(message);
}

Result<void> Links::make_macvlan(const std::string& name, std::uint32_t below, const Mac& mac, const Namespace& where) {
  Message message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, ifinfomsg{}, "macvlan " + name);
  message.put(IFLA_IFNAME, name);
  message.put(IFLA_LINK, below);
  message.put(IFLA_ADDRESS, mac.data(), mac.size());
  message.put(IFLA_NET_NS_FD, static_cast<std::uint32_t>(where.descriptor()));
  message.nest(IFLA_LINKINFO, [&] {
    message.put(IFLA_INFO_KIND, std::string("macvlan"));
    message.nest(IFLA_INFO_DATA, [&] { message.put(IFLA_MACVLAN_MODE, static_cast<std::uint32_t>(MACVLAN_MODE_BRIDGE)); });
  });
  return tell(message);
}

Result<void> Links::change(std::uint32_t index, const Change& change) {
  ifinfomsg info{};
  info.ifi_index = static_cast<int>(index);
  if (change.up) info.ifi_flags = info.ifi_change = IFF_UP;
  Message message(RTM_NEWLINK, 0, info, "interface " + std::to_string(index));
  if (change.master) message.put(IFLA_MASTER, *change.master);
  if (change.mtu) message.put(IFLA_MTU, *change.mtu);
  if (change.without_addresses) {
    message.nest(IFLA_AF_SPEC, [&] {
      message.nest(AF_INET6, [&] {
        const std::uint8_t none = IN6_ADDR_GEN_MODE_NONE;
        message.put(IFLA_INET6_ADDR_GEN_MODE, &none, sizeof none);
      });
    });
  }
  return tell(message);
}

Result<void> Links::remove(std::uint32_t index) {
  ifinfomsg info{};
  info.ifi_index = static_cast<int>(index);
  Message message(RTM_DELLINK, 0, info, "interface " + std::to_string(index));
  return tell(message);
}

Result<void> Links::forget_address(std::uint32_t port, const Mac& mac) {
  ndmsg info{};
  info.ndm_family = AF_BRIDGE;
  info.ndm_ifindex = static_cast<int>(port);
  info.ndm_flags = NTF_MASTER;
  Message message(RTM_DELNEIGH, 0, info, "the bridge's entry of " + text_of(mac));
  message.put(NDA_LLADDR, mac.data(), mac.size());
  return tell(message);
}

Result<void> make_tap(const std::string& name, unsigned user, unsigned group) {
  const int descriptor = ::open("/dev/net/tun", O_RDWR | O_CLOEXEC);
  if (descriptor < 0) return trouble(errno, "/dev/net/tun");
  ifreq request{};
  request.ifr_flags = static_cast<short>(IFF_TAP | IFF_NO_PI | IFF_VNET_HDR);
  name.copy(request.ifr_name, IFNAMSIZ - 1);
  const bool made =
      ::ioctl(descriptor, TUNSETIFF, &request) == 0 && ::ioctl(descriptor, TUNSETOWNER, static_cast<unsigned long>(user)) == 0 &&
      ::ioctl(descriptor, TUNSETGROUP, static_cast<unsigned long>(group)) == 0 && ::ioctl(descriptor, TUNSETPERSIST, 1UL) == 0;
  const int number = errno;
  ::close(descriptor);
  if (!made) return trouble(number, "tap " + name);
  return {};
}

}  // namespace knfe::net
