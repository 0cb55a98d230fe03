// The job of bench/job/README.md on KNFE's runtime: contestant k.
#include <arpa/inet.h>
#include <knfe/api/foreign.h>
#include <knfe/base/log.h>
#include <knfe/runtime/child.h>
#include <knfe/runtime/program.h>

#include <charconv>
#include <cstdio>
#include <cstring>

using namespace knfe;

namespace {

struct NetworkSpec {
  std::string cidr;
  std::int32_t mtu = 1500;
  bool operator==(const NetworkSpec&) const = default;
};
struct PointSpec {
  Word network, interface;
  bool operator==(const PointSpec&) const = default;
};
struct Status {
  std::int64_t observed_generation = 0;
  Word attachment;
  api::KeptConditions conditions;
  bool operator==(const Status&) const = default;
};

}  // namespace

template <>
struct knfe::api::Fields<NetworkSpec> {
  static constexpr auto list =
      std::tuple{field("cidr", &NetworkSpec::cidr, "", {.required = true}), field("mtu", &NetworkSpec::mtu, "")};
};
template <>
struct knfe::api::Fields<PointSpec> {
  static constexpr auto list = std::tuple{field("network", &PointSpec::network, "", {.required = true}),
                                          field("interface", &PointSpec::interface, "", {.required = true})};
};
template <>
struct knfe::api::Fields<Status> {
  static constexpr auto list =
      std::tuple{field("observedGeneration", &Status::observed_generation, ""), field("attachment", &Status::attachment, ""),
                 field("conditions", &Status::conditions, "")};
};

namespace {

struct Network : api::Object<NetworkSpec, Status> {
  static constexpr api::Resource resource{"bench.knfe.io", "v1alpha1", "Network", "networks"};
};
struct ConnectionPoint : api::Object<PointSpec, Status> {
  static constexpr api::Resource resource{"bench.knfe.io", "v1alpha1", "ConnectionPoint", "connectionpoints"};
};
using Attachments = kube::Cache<api::Attachments>;

bool is_prefix(const std::string& text) {
  const auto slash = text.find('/');
  if (slash == std::string::npos) return false;
  const std::string address = text.substr(0, slash), digits = text.substr(slash + 1);
  unsigned char bytes[16];
  const bool v6 = address.find(':') != std::string::npos;
  if (::inet_pton(v6 ? AF_INET6 : AF_INET, address.c_str(), bytes) != 1) return false;
  int length = -1;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
  const bool plain = error == std::errc() && end == digits.data() + digits.size() && std::to_string(length) == digits;
  return plain && length >= 0 && length <= (v6 ? 128 : 32);
}

std::string config_of(const std::string& name, const NetworkSpec& network) {
  return R"({"cniVersion":"1.0.0","name":")" + name + R"(","type":"bridge","mtu":)" + std::to_string(network.mtu) +
         R"(,"ipam":{"type":"static","subnet":")" + network.cidr + R"("}})";
}

// What stands in the way of a child, if anything does.
struct Obstacle {
  const char* reason;
  const char* message;
  bool stalled;
};

template <class T>
runtime::Plan plan_child(const T& primary, const std::string& name, const std::optional<Obstacle>& obstacle,
                         const std::function<std::string()>& config, const Attachments& attachments,
                         const runtime::Moment& moment) {
  runtime::Plan plan;
  if (primary.meta.deleting) return plan;
  const auto* live = attachments.meta({primary.meta.key.ns, name});
  if (!obstacle && !(live && live->deleting)) {
    // Its name holds the primary's UID: whoever it says owns it, it is this primary's.
    auto desired = runtime::child_of(primary, api::Attachments::resource, name, {{"app.kubernetes.io/managed-by", "bench"}});
    desired["spec"] = JsonObject{{"config", config()}};
    runtime::apply_if_different(plan, api::Attachments::resource, std::move(desired), live);
  }
  Status status{primary.meta.generation, !obstacle || live ? name : "", {}};
  runtime::ConditionWriter write(primary.status.conditions, primary.meta, moment);
  const char* reason = obstacle ? obstacle->reason : "Ready";
  const char* message = obstacle ? obstacle->message : "The attachment is in place.";
  const bool stalled = obstacle && obstacle->stalled;
  write.set("Ready", !obstacle, reason, message);
  write.set("Reconciling", obstacle && !stalled, reason, message);
  write.set("Stalled", stalled, reason, message);
  status.conditions = std::move(write.conditions);
  runtime::write_status(plan, primary, status, {});
  return plan;
}

runtime::Plan plan_network(const Network& network, const Attachments& attachments, const runtime::Moment& moment) {
  std::optional<Obstacle> obstacle;
  if (!is_prefix(network.spec.cidr)) obstacle = {"InvalidCIDR", "cidr must be an IP prefix.", true};
  return plan_child(
      network, "net-" + network.meta.uid.text(), obstacle, [&] { return config_of(network.meta.key.name, network.spec); },
      attachments, moment);
}

runtime::Plan plan_point(const ConnectionPoint& point, const kube::Cache<Network>& networks, const Attachments& attachments,
                         const runtime::Moment& moment) {
  const auto* network = networks.get({point.meta.key.ns, point.spec.network});
  std::optional<Obstacle> obstacle;
  if (!network) {
    obstacle = {"NetworkNotFound", "The network does not exist.", false};
  } else if (!is_prefix(network->spec.cidr)) {
    obstacle = {"NetworkInvalid", "The network's cidr is not an IP prefix.", false};
  }
  return plan_child(
      point, "cp-" + point.meta.uid.text(), obstacle,
      [&] { return config_of(point.spec.network + "." + point.spec.interface, network->spec); }, attachments, moment);
}

int usage() {
  std::fputs("usage: knfe-bench --kubeconfig FILE --namespace NS\n", stderr);
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  runtime::ProgramOptions options;
  options.name = "bench-k";
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::strcmp(argv[i], "--kubeconfig") == 0) options.kubeconfig = argv[i + 1];
    if (std::strcmp(argv[i], "--namespace") == 0) options.ns = argv[i + 1];
  }
  if (argc != 5 || options.kubeconfig.empty() || options.ns.empty()) return usage();
  set_log_level(Level::kError);

  kube::Cache<Network> networks;
  kube::Cache<ConnectionPoint> points{[](const ConnectionPoint& point) { return point.spec.network; }};
  Attachments attachments;
  return runtime::run_program(options, [&](runtime::Operator& program) {
    program.watch(networks);
    program.watch(points);
    program.watch(attachments, "", api::decode_child<api::Attachments>);
    auto& manager = program.manager();
    const auto of_networks = manager.control("network", networks, [&](const Network& network, const auto& moment) {
      return plan_network(network, attachments, moment);
    });
    const auto of_points = manager.control("connectionpoint", points, [&](const ConnectionPoint& point, const auto& moment) {
      return plan_point(point, networks, attachments, moment);
    });
    networks.on_change([&manager, &points, of_points](const Network* before, const Network* after) {
      if (before && after && before->spec == after->spec) return;  // its status is none of a ConnectionPoint's business
      for (const auto* point : points.by_index((after ? after : before)->meta.key.name))
        manager.enqueue(of_points, point->meta.key);
    });
    manager.wake_owner(attachments, of_networks);
    manager.wake_owner(attachments, of_points);
    manager.on_synced([] {
      std::puts("synced");
      std::fflush(stdout);
    });
  });
}
