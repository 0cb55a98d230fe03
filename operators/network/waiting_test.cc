#include "operators/network/waiting.h"

#include <doctest/doctest.h>

namespace knfe::operators {

namespace {

api::ConnectionPoint point(const std::string& network, bool has_address = false) {
  api::ConnectionPoint out;
  out.meta.key = {"n", "p"};
  out.spec.network.name = network;
  if (has_address) out.status.addresses.emplace_back();
  return out;
}

}  // namespace

TEST_CASE("a connection point waits until it has an address, or is gone, or is on another network") {
  Waiting waiting;
  const auto first = point("a");
  waiting.change(nullptr, &first);
  CHECK(waiting.on("n/a").size() == 1);
  CHECK(waiting.on("n/b").empty());
  SUBCASE("address") {
    const auto next = point("a", true);
    waiting.change(&first, &next);
  }
  SUBCASE("gone") { waiting.change(&first, nullptr); }
  SUBCASE("one of the same name on another network") {
    const auto next = point("b");
    waiting.change(&first, &next);
    CHECK(waiting.on("n/b").size() == 1);
  }
  CHECK(waiting.on("n/a").empty());
}

}  // namespace knfe::operators
