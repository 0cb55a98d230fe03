#include "cni/plugin.h"

#include <algorithm>

#include "cni/tap.h"

namespace knfe::cni {

namespace {

constexpr const char* kVersions[] = {"0.3.1", "0.4.0", "1.0.0", "1.1.0"};
constexpr const char* kNewest = "1.1.0";

// Error codes of the specification.
constexpr int kIncompatible = 1, kBadEnvironment = 4, kBadConfig = 7, kFailed = 100;

Answer refuse(std::string_view version, int code, const std::string& message, const std::string& details = {}) {
  JsonObject out{{"cniVersion", version}, {"code", code}, {"msg", message}};
  if (!details.empty()) out["details"] = details;
  return {std::move(out), 1};
}

Answer refuse(std::string_view version, const Error& error) { return refuse(version, kFailed, error.text()); }

bool is_interface(std::string_view name) {
  return !name.empty() && name.size() <= 15 && name != "." && name != ".." &&
         std::all_of(name.begin(), name.end(), [](unsigned char c) { return c > ' ' && c < 127 && c != '/' && c != ':'; });
}

Result<Wiring> wiring_of(const Json& config) {
  Wiring out;
  out.bridge = as_string(at(config, "bridge"));
  out.master = as_string(at(config, "master"));
  if (out.bridge.empty() == out.master.empty())
    return fail(Code::kInvalid, "say either bridge or master", "network configuration");
  if (const auto& one = out.bridge.empty() ? out.master : out.bridge; !is_interface(one)) {
    return fail(Code::kInvalid, "is no name of an interface: " + one, "network configuration");
  }
  if (const Json& mtu = at(config, "mtu"); !mtu.is_null()) {
    const auto value = as_int(mtu);
    if (value < 576 || value > 65535) return fail(Code::kInvalid, "must be 576 to 65535", "network configuration: mtu");
    out.mtu = static_cast<std::uint32_t>(value);
  }
  if (const std::string mac(as_string(at(config, "runtimeConfig", "mac"))); !mac.empty()) {
    out.mac = net::parse_mac(mac);
    if (!out.mac) return fail(Code::kInvalid, "is no MAC address: " + mac, "network configuration: runtimeConfig.mac");
  }
  return out;
}

}  // namespace

Answer answer(const Request& request) {
  if (request.command == "VERSION") {
    JsonArray versions;
    for (const char* one : kVersions) versions.push_back(Json(one));
    return {JsonObject{{"cniVersion", kNewest}, {"supportedVersions", std::move(versions)}}};
  }
  const auto config = parse_json(request.config);
  if (!config || !config->is_object()) {
    return refuse(kNewest, kBadConfig, "the network configuration is no JSON object", config ? "" : config.error().text());
  }
  const std::string version(as_string(at(*config, "cniVersion")));
  if (std::find(std::begin(kVersions), std::end(kVersions), version) == std::end(kVersions)) {
    return refuse(kNewest, kIncompatible, "cniVersion " + version + " is not known: " + kVersions[0] + " to " + kNewest + " are");
  }
  if (request.command == "STATUS" || request.command == "GC") return {};
  const auto wiring = wiring_of(*config);
  if (!wiring) return refuse(version, kBadConfig, wiring.error().text());
  const std::string id = request.container + "/" + request.interface;
  if (!is_interface(request.interface)) return refuse(version, kBadEnvironment, "CNI_IFNAME is no name of an interface");
  if (request.command == "DEL") {
    const auto removed = remove_tap(request.netns, request.interface, id);
    return removed ? Answer{} : refuse(version, removed.error());
  }
  if (request.netns.empty()) return refuse(version, kBadEnvironment, "CNI_NETNS is not set");
  if (request.command == "CHECK") {
    const auto checked = check_tap(request.netns, request.interface);
    return checked ? Answer{} : refuse(version, checked.error());
  }
  if (request.command != "ADD") return refuse(version, kBadEnvironment, "CNI_COMMAND " + request.command + " is not known");
  const auto mac = add_tap(*wiring, request.netns, request.interface, id);
  if (!mac) return refuse(version, mac.error());
  const JsonObject interface{{"name", request.interface}, {"mac", net::text_of(*mac)}, {"sandbox", request.netns}};
  return {JsonObject{{"cniVersion", version}, {"interfaces", JsonArray{Json(interface)}}, {"ips", JsonArray()}}};
}

}  // namespace knfe::cni
