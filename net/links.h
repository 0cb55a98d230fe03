// Links: the network interfaces of one network namespace, made and changed through the kernel (rtnetlink(7)).
//
// Blocks; what it asks is answered at once, by the kernel. A Links stays with the namespace that it was opened in, wherever its
// thread goes then. Errors carry the kernel's errno as text; kNotFound and kAlreadyExists are ENODEV and EEXIST.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"

namespace knfe::net {

using Mac = std::array<std::uint8_t, 6>;
std::optional<Mac> parse_mac(const std::string& text);
std::string text_of(const Mac& mac);

// A namespace by its path, such as /run/netns/x; owns its descriptor.
class Namespace {
 public:
  static Result<Namespace> open(const std::string& path);  // kNotFound: it is gone
  static Result<Namespace> current();
  Namespace(Namespace&& other) noexcept : descriptor_(other.descriptor_) { other.descriptor_ = -1; }
  Namespace& operator=(Namespace&&) = delete;
  ~Namespace();
  int descriptor() const { return descriptor_; }
  // Moves this thread there.
  Result<void> enter() const;

 private:
  explicit Namespace(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

struct Link {
  std::uint32_t index = 0;
  std::uint32_t mtu = 0;
  std::uint32_t master = 0;  // of the bridge that it is a port of; 0: of none
  bool up = false;
  Mac mac{};
};

class Links {
 public:
  // Of the namespace that this thread is in.
  static Result<Links> open();
  Links(Links&& other) noexcept : socket_(other.socket_) { other.socket_ = -1; }
  Links& operator=(Links&&) = delete;
  ~Links();

  Result<Link> find(const std::string& name);
  // Without a MAC the kernel chooses one, and changes it with the bridge's ports.
  Result<void> make_bridge(const std::string& name, const std::optional<Mac>& mac);
  // To all ports, whoever has asked for it: where nobody sends queries, snooping ends IPv6's neighbour discovery after minutes.
  Result<void> pass_on_multicast(std::uint32_t bridge);
  // A pair: `name` here, `peer` in another namespace.
  Result<void> make_veth(const std::string& name, const std::string& peer, const Namespace& where);
  // In bridge mode above `below`, which is here, put into another namespace.
  Result<void> make_macvlan(const std::string& name, std::uint32_t below, const Mac& mac, const Namespace& where);

  struct Change {
    std::optional<std::uint32_t> master = {}, mtu = {};
    bool up = false;
    bool without_addresses = false;  // no link-local IPv6 address
  };
  Result<void> change(std::uint32_t index, const Change& change);
  Result<void> remove(std::uint32_t index);
  // Of a bridge's port: the bridge no longer takes frames for this address as its own.
  Result<void> forget_address(std::uint32_t port, const Mac& mac);

 private:
  explicit Links(int socket) : socket_(socket) {}
  struct Message;
  Result<std::string> ask(Message& message);
  Result<void> tell(Message& message);

  int socket_;
  std::uint32_t sequence_ = 0;
};

// A tap device of this namespace that stays when its maker is gone, for programs of this user and group (TUNSETIFF; frames with a
// virtio header).
Result<void> make_tap(const std::string& name, unsigned user, unsigned group);

}  // namespace knfe::net
