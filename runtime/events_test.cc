#include "runtime/events.h"

#include <doctest/doctest.h>

#include "test/fakes/client_test.h"
#include "test/fakes/json_test.h"
#include "test/fakes/time_test.h"

namespace knfe::runtime {

TEST_CASE("Events of what has a namespace are in it, and of what has none in default") {
  fakes::Time time;
  net::Loop loop;
  fakes::FakeClient server;
  kube::ApiClient api(server, kube::Config{});
  EventTeller teller(loop, api);
  struct {
    api::Key about;
    const char* where;
  } const cases[] = {{{"n", "a"}, "n"}, {{"", "a"}, "default"}};
  for (const auto& one : cases) {
    CAPTURE(one.where);
    api::Meta meta;
    meta.key = one.about;
    teller.tell("c", {"knfe.io", "v1", "Thing", "things"}, meta, {{false, "Why", "what"}}, "id");
    const auto& request = server.only().request;
    CHECK(request.target.find(std::string("/namespaces/") + one.where + "/events") != std::string::npos);
    const Json body = fakes::json(request.body);
    CHECK(as_string(at(body, "regarding", "namespace")) == std::string(one.about.ns));
    server.only().answer(201);
    fakes::settle(loop);
  }
}

}  // namespace knfe::runtime
