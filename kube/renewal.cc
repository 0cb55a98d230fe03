#include "kube/renewal.h"

#include "base/log.h"

namespace knfe::kube {

namespace {

constexpr Duration kInterval{30'000};

}  // namespace

Renewal::Renewal(net::Loop& loop, net::RenewableClient& client, ConfigOptions options, const Config& config)
    : loop_(loop), client_(client), options_(std::move(options)), used_(config.endpoint) {
  timer_ = loop_.after(kInterval, [this] { look(); });
}

void Renewal::look() {
  timer_ = loop_.after(kInterval, [this] { look(); });
  const auto config = load_config(options_);
  Result<void> renewed;
  bool changed = false, by_another_way = false;
  if (config) {
    const auto& now = config->endpoint;
    by_another_way = now.proxy != used_.proxy;
    changed = by_another_way || now.ca_pem != used_.ca_pem || now.certificate_pem != used_.certificate_pem ||
              now.key_pem != used_.key_pem;
    // A kubeconfig may have been turned to another cluster meanwhile: its certificates are none of this connection's.
    const bool same_server = now.host == used_.host && now.port == used_.port && now.server_name == used_.server_name &&
                             now.insecure == used_.insecure && now.ca_pem.empty() == used_.ca_pem.empty();
    if (changed && !same_server) {
      renewed = fail(Code::kInvalid, "they are for another server now: it is left as it was", config->source);
    } else if (changed) {
      renewed = client_.renew(now);
    }
    if (changed && renewed) used_ = now;
  } else {
    renewed = std::unexpected(config.error());
  }
  // Files that are being written may be half there: what worked goes on.
  const std::string complaint = renewed ? std::string() : renewed.error().text();
  if (complaint != complaint_ && !complaint.empty())
    log(Level::kWarning, "certificates cannot be read again", {{"error", complaint}});
  complaint_ = complaint;
  if (changed && renewed)
    log(Level::kInfo, by_another_way ? "another proxy from now on" : "certificates renewed", {{"source", config->source}});
}

}  // namespace knfe::kube
