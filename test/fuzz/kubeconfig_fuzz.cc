// Any text as a kubeconfig: a configuration or a located error. No file but the input is read.
#include <cstdint>

#include "kube/config.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string input(reinterpret_cast<const char*>(data), size);
  knfe::kube::ConfigOptions options;
  options.path = "/input";
  options.read = [&](const std::string& path) -> knfe::Result<std::string> {
    if (path == "/input") return input;
    if (path.ends_with(".crt")) return "certificate";
    return knfe::fail(knfe::Code::kNotFound, "no such file", path);
  };
  const auto config = knfe::kube::load_config(options);
  if (config) {
    KNFE_CHECK(!config->endpoint.host.empty() && !config->endpoint.port.empty());
    KNFE_CHECK(config->endpoint.certificate_pem.empty() == config->endpoint.key_pem.empty());
  } else {
    KNFE_CHECK(config.error().where.starts_with("/input"));
  }
  return 0;
}
