// Renewal: looks twice a minute whether the certificates that a Config names say something else now - a rotated authority of the
// API server, a renewed certificate of ours - or there is another proxy, and hands that to the client. Nothing has to start anew
// for that. (A token file is read again by TokenSource.)
#pragma once

#include <string>

#include "kube/config.h"
#include "net/https_client.h"

namespace knfe::kube {

class Renewal {
 public:
  // `config` is what `options` gave; `client` must outlive this.
  Renewal(net::Loop& loop, net::RenewableClient& client, ConfigOptions options, const Config& config);

 private:
  void look();

  net::Loop& loop_;
  net::RenewableClient& client_;
  const ConfigOptions options_;
  net::Endpoint used_;
  std::string complaint_;  // said last, so that it is not said twice a minute
  net::Handle timer_;
};

}  // namespace knfe::kube
