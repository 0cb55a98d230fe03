#include "kube/server_url.h"

#include <doctest/doctest.h>

namespace knfe::kube {

TEST_CASE("servers as kubeconfig files write them") {
  const auto parts = [](std::string_view text) {
    const auto url = parse_server_url(text);
    REQUIRE(url);
    return std::string(url->tls ? "tls " : "plain ") + url->host + " " + url->port + " " + url->prefix;
  };
  CHECK(parts("https://host") == "tls host 443 ");
  CHECK(parts("https://host/") == "tls host 443 ");
  CHECK(parts("HTTP://host") == "plain host 80 ");
  CHECK(parts("https://10.0.0.1:6443") == "tls 10.0.0.1 6443 ");
  CHECK(parts("https://[fd00::1]:6443/k8s/clusters/c-1//") == "tls fd00::1 6443 /k8s/clusters/c-1");
  CHECK(parts("https://[::1]") == "tls ::1 443 ");
  CHECK(parts("https://host/a:1") == "tls host 443 /a:1");
}

TEST_CASE("servers that are none, told without repeating them") {
  for (const std::string text : {"",
                                 "SECRET",
                                 "SECRET:6443",
                                 "ftp://SECRET",
                                 "https://",
                                 "https:///SECRET",
                                 "https://:443",
                                 "https://SECRET:",
                                 "https://SECRET:0",
                                 "https://SECRET:65536",
                                 "https://SECRET:6443x",
                                 "https://SECRET:1:2",
                                 "https://me:SECRET@host",
                                 "https://SECRET@host",
                                 "https://host?SECRET",
                                 "https://host#SECRET",
                                 "https://[::1",
                                 "https://::1]",
                                 "https://[SECRET]",
                                 "https://[]",
                                 "https://[::1]SECRET",
                                 "https://SEC RET",
                                 "https://SECRET\r\n",
                                 "https://fd00::SECRET"}) {
    CAPTURE(text);
    const auto url = parse_server_url(text);
    REQUIRE_FALSE(url);
    CHECK(url.error().code == Code::kInvalid);
    CHECK(url.error().text().find("SEC") == std::string::npos);
  }
}

}  // namespace knfe::kube
