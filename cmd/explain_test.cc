#include "cmd/explain.h"

#include <doctest/doctest.h>

#include "test/fakes/json_test.h"

namespace knfe::cmd {

TEST_CASE("an object is named as KIND/NAME; nothing else gets into a path") {
  CHECK(path_of_question("network/ims", "n") == "/explain?kind=network&namespace=n&name=ims");
  for (const char* target : {"network", "network/", "/ims", "network/a/b", "network/a&name=b", "network/a b"}) {
    CAPTURE(target);
    REQUIRE_FALSE(path_of_question(target, "n"));
    CHECK(path_of_question(target, "n").error().code == Code::kInvalid);
  }
}

TEST_CASE("decisions are told one after the other, with what came of them") {
  const auto text = text_of_decisions(fakes::json(R"({"kind":"Network","namespace":"n","name":"a","decisions":[
      {"time":"T1","reconcile":"r1","times":1,"why":"edit","decision":"apply networks n/b","outcome":"failed: busy"},
      {"time":"T2","reconcile":"r2","times":7,"why":"change","decision":"nothing to do","outcome":"done"}]})"));
  CHECK(text ==
        "Network n/a, the latest decision last:\n\n"
        "T1  edit  reconcile r1\n  decided: apply networks n/b\n  outcome: failed: busy\n\n"
        "T2 (7 times)  change  reconcile r2\n  decided: nothing to do\n  outcome: done\n");
}

}  // namespace knfe::cmd
