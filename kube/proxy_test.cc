#include "kube/proxy.h"

#include <doctest/doctest.h>

namespace knfe::kube {

TEST_CASE("proxies as people write them") {
  const auto parts = [](std::string_view text) {
    const auto proxy = parse_proxy_url(text);
    REQUIRE(proxy);
    return proxy->credentials + "@" + proxy->host + " " + proxy->port;
  };
  CHECK(parts("http://proxy.example:3128") == "@proxy.example 3128");
  CHECK(parts("HTTP://proxy.example/") == "@proxy.example 80");
  CHECK(parts("http://[fd00::1]:3128/x?y") == "@fd00::1 3128");
  CHECK(parts("http://me@p") == "me:@p 80");
  CHECK(parts("http://me:a%3ab%2F%40:c@p:1") == "me:a:b/@:c@p 1");
}

TEST_CASE("proxies that are none of ours, told without repeating them") {
  for (const std::string text :
       {"", "SECRET", "proxy:3128", "ftp://SECRET", "https://me:SECRET@p", "socks5://me:SECRET@p", "socks5h://SECRET", "http://",
        "http://me:SECRET@", "http://me:SECRET@p:0", "http://me:SECRET@p:x", "http://me:SEC/RET@p", "http://me:12/SECRET@p",
        "http://me:SECRET%2@p", "http://me:SECRET%zz@p", "http://p SECRET", "http://p\r\nSECRET: x"}) {
    CAPTURE(text);
    const auto proxy = parse_proxy_url(text);
    REQUIRE_FALSE(proxy);
    CHECK(proxy.error().code == Code::kInvalid);
    CHECK(proxy.error().text().find("SEC") == std::string::npos);
  }
}

TEST_CASE("what NO_PROXY takes past the proxy") {
  const auto direct = [](std::string_view no_proxy, const std::string& host, const std::string& port = "6443") {
    const auto proxy = proxy_for("p:3128", no_proxy, host, port);
    REQUIRE(proxy);
    return proxy->host.empty();
  };
  CHECK_FALSE(direct("", "api.example.org"));

  CHECK(direct("example.org", "example.org"));
  CHECK(direct("example.org", "api.example.org"));
  CHECK(direct("EXAMPLE.org", "API.example.ORG"));
  CHECK_FALSE(direct("example.org", "notexample.org"));
  CHECK_FALSE(direct("example.org", "example.org.evil"));
  for (const char* below : {".example.org", "*.example.org"}) {
    CHECK(direct(below, "api.example.org"));
    CHECK_FALSE(direct(below, "example.org"));
  }

  CHECK(direct("10.0.0.1", "10.0.0.1"));
  CHECK_FALSE(direct("10.0.0.1", "10.0.0.10"));
  CHECK(direct("fd00::1", "fd00:0::1"));
  CHECK(direct("::ffff:10.0.0.1", "10.0.0.1"));
  CHECK_FALSE(direct(".0.0.1", "10.0.0.1"));

  CHECK(direct("10.0.0.0/8", "10.255.0.1"));
  CHECK_FALSE(direct("10.0.0.0/8", "11.0.0.1"));
  CHECK(direct("10.0.0.128/25", "10.0.0.129"));
  CHECK_FALSE(direct("10.0.0.128/25", "10.0.0.127"));
  CHECK(direct("fd00::/7", "fd12::1"));
  CHECK(direct("0.0.0.0/0", "10.0.0.1"));
  CHECK_FALSE(direct("::/0", "10.0.0.1"));
  CHECK_FALSE(direct("0.0.0.0/0", "api.example.org"));
  for (const char* wrong : {"10.0.0.0/33", "10.0.0.0/", "10.0.0.0/8x", "fd00::/129", "/8", "10.0.0.0/-1"}) {
    CAPTURE(wrong);
    CHECK_FALSE(direct(wrong, "10.0.0.1"));
  }

  CHECK(direct("example.org:6443", "api.example.org"));
  CHECK_FALSE(direct("example.org:443", "api.example.org"));
  CHECK(direct("10.0.0.1:6443", "10.0.0.1"));
  CHECK_FALSE(direct("10.0.0.1:443", "10.0.0.1"));
  CHECK(direct("[fd00::1]:6443", "fd00::1"));
  CHECK_FALSE(direct("[fd00::1]:443", "fd00::1"));

  CHECK(direct("*", "10.0.0.1"));
  CHECK(direct("*", "api.example.org"));
  CHECK(direct(" other , ,\texample.org ", "example.org"));
  CHECK_FALSE(direct(",:,:1,[],*.,.", "example.org"));
}

TEST_CASE("this machine is never asked for through a proxy of the environment") {
  for (const char* host : {"localhost", "LOCALHOST", "127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1"}) {
    CAPTURE(host);
    const auto proxy = proxy_for("https://not.understood", "", host, "6443");
    REQUIRE(proxy);
    CHECK(proxy->host.empty());
  }
  CHECK_FALSE(proxy_for("https://not.understood", "", "128.0.0.1", "6443"));
  CHECK_FALSE(proxy_for("https://not.understood", "", "localhost.example", "6443"));
}

}  // namespace knfe::kube
