#include "providers/multus/multus.h"

#include "api/digest.h"

namespace knfe::providers {

Json Multus::realise(const api::Network& network, bool tap) const {
  JsonObject config{{"cniVersion", "1.0.0"}, {"name", network.meta.key.ns + "." + network.meta.key.name}};
  if (network.spec.segments.empty()) {
    config["type"] = "bridge";
    // Linux allows 15 characters: the name follows from the UID.
    config["bridge"] = "kn" + api::hex64(api::hash64(network.meta.uid.text())).substr(0, 12);
  } else {
    config["type"] = "macvlan";
    config["master"] = network.spec.segments.front().physical_network;
    config["mode"] = "bridge";
  }
  if (network.spec.mtu) config["mtu"] = *network.spec.mtu;
  config["capabilities"] = JsonObject{{"ips", true}, {"mac", true}};
  if (tap) {
    // The guest has the addresses; who carries its frames needs none.
    config["type"] = "knfe";
    config.erase("mode");
    config["capabilities"] = JsonObject{{"mac", true}};
  } else {
    config["ipam"] = JsonObject{{"type", "static"}};
  }
  return JsonObject{{"config", to_text(config)}};
}

api::StringMap Multus::attach(const std::vector<operators::Attached>& attachments) const {
  if (attachments.empty()) return {};
  JsonArray selections;
  for (const auto& [network, point] : attachments) {
    JsonArray ips;
    for (const auto& address : point->status.addresses) {
      ips.push_back(Json(address.ip + "/" + std::to_string(address.prefix_length)));
    }
    selections.push_back(JsonObject{{"name", network->meta.key.name},
                                    {"namespace", network->meta.key.ns},
                                    {"interface", point->spec.interface},
                                    {"mac", point->status.mac},
                                    {"ips", std::move(ips)}});
  }
  return {{"k8s.v1.cni.cncf.io/networks", to_text(selections)}};
}

}  // namespace knfe::providers
