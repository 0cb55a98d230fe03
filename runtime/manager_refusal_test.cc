#include <doctest/doctest.h>

#include "runtime/manager_fixture_test.h"

namespace knfe::runtime {

using fakes::ApiServer;
using fakes::json;
using fakes::pick;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Verb = Action::Verb;

TEST_CASE_FIXTURE(ManagerFixture, "the first write that fails ends the run, which is planned anew after a wait") {
  plan = [this](const Moment&) {
    Plan out;
    out.actions = {write(Verb::kPatch, kNetworks, "a", R"({"spec":{"mtu":1400}})"),
                   write(Verb::kCreate, api::ConfigMap::resource, "one")};
    out.status = status("Done");
    return out;
  };
  server.fate = [](const net::Request& request) {
    return request.method == "PATCH" ? ApiServer::Fate::kDropped : ApiServer::Fate::kAnswered;
  };
  start();
  CHECK(written().empty());
  CHECK(plans == 1);
  time.pass(loop, milliseconds(100));
  CHECK(plans == 2);
  time.pass(loop, seconds(300));
  CHECK(plans > 10);
  CHECK(plans < 25);
}

TEST_CASE_FIXTURE(ManagerFixture, "what the server asks to wait is kept to") {
  plan = [this](const Moment&) {
    Plan out;
    out.actions = {write(Verb::kCreate, api::ConfigMap::resource, "one")};
    return out;
  };
  server.store.admit = [](const api::Resource&, const Json&) -> Result<void> {
    return std::unexpected(Error{Code::kTooMany, "slow down", {}, {}, 5});
  };
  start();
  time.pass(loop, milliseconds(4900));
  CHECK(plans == 1);
  time.pass(loop, milliseconds(200));
  CHECK(plans == 2);
}

TEST_CASE_FIXTURE(ManagerFixture, "what is refused for good is said in the status, once, and tried again at leisure") {
  std::string told;
  plan = [&](const Moment& moment) {
    Plan out;
    out.actions = {write(Verb::kCreate, api::ConfigMap::resource, "one")};
    if (moment.refusal) {
      told = moment.refusal->text();
      if (reason() != "Refused") out.status = status("Refused");
    }
    return out;
  };
  server.store.admit = [](const api::Resource& resource, const Json&) -> Result<void> {
    if (resource == api::ConfigMap::resource) return fail(Code::kForbidden, "exceeded quota");
    return {};
  };
  start();
  CHECK(told == "create /api/v1/namespaces/n/configmaps: exceeded quota");
  CHECK(reason() == "Refused");
  CHECK(written() == "POST configmaps/one, PATCH networks/a/status, ");
  time.pass(loop, seconds(600));
  const int tries = plans / 2;  // each try plans twice: once more with the refusal
  CHECK(tries > 15);
  CHECK(tries < 40);
  CHECK(written().find("status") == std::string::npos);
  // Somebody acted: it is tried at the latest half a minute later.
  server.store.admit = nullptr;
  time.pass(loop, seconds(40));
  CHECK(server.store.get(api::ConfigMap::resource, {"n", "one"}));
}

TEST_CASE_FIXTURE(ManagerFixture, "of an action that was refused nothing that comes later is done") {
  once({write(Verb::kCreate, kNetworks, "bad", R"({"spec":{"nonsense":1}})"),
        write(Verb::kCreate, api::ConfigMap::resource, "one")},
       status("Done"));
  start();
  CHECK(written() == "POST networks/bad, PATCH networks/a/status, ");
  CHECK(reason() == "Refused");
}

TEST_CASE_FIXTURE(ManagerFixture, "a name that is taken is looked at, and the next plan sees what stands there") {
  // Made by somebody else a moment ago: the watch has yet to tell of it.
  start();
  server.held_watches = {"networks"};
  REQUIRE(server.store.create(kNetworks, json(R"({"metadata":{"name":"b","namespace":"n"},"spec":{"subnets":[]}})")));
  bool seen = false;
  plan = [&](const Moment&) {
    Plan out;
    seen = networks.get({"n", "b"}) != nullptr;
    if (!seen) out.actions = {write(Verb::kCreate, kNetworks, "b", R"({"spec":{"subnets":[]}})")};
    return out;
  };
  look();
  CHECK(seen);
  CHECK(written() == "POST networks/b, ");
}

TEST_CASE_FIXTURE(ManagerFixture,
                  "a name that is taken by something that the cache does not show is told of, and not asked for ever") {
  REQUIRE(server.store.create(api::ConfigMap::resource, json(R"({"metadata":{"name":"one","namespace":"n"}})")));
  plan = [&](const Moment& moment) {
    Plan out;
    out.actions = {write(Verb::kCreate, api::ConfigMap::resource, "one", R"({"metadata":{"labels":{"ours":"1"}}})")};
    if (moment.refusal) out.status = status(std::string(name(moment.refusal->code)));
    return out;
  };
  start();
  CHECK_FALSE(reason().empty());
  time.pass(loop, seconds(60));
  CHECK(plans < 40);
}

TEST_CASE_FIXTURE(ManagerFixture,
                  "a kind that is known by label only is read before the first apply, lest another's be taken over") {
  const char* body =
      R"({"metadata":{"labels":{"ours":"1"},"ownerReferences":[{"apiVersion":"v1","kind":"K","name":"k","uid":"ours","controller":true}]},"data":{"x":"new"}})";
  Action apply = write(Verb::kApply, api::ConfigMap::resource, "one", body);
  apply.fresh = true;
  const auto stands = [&](const char* uid) {
    REQUIRE(server.store.create(
        api::ConfigMap::resource,
        json(R"({"metadata":{"name":"one","namespace":"n","ownerReferences":[{"apiVersion":"v1","kind":"K","name":"k","uid":")" +
             std::string(uid) + R"("}]},"data":{"x":"old"}})")));
  };
  const auto data = [&] {
    return std::string(as_string(pick(**server.store.get(api::ConfigMap::resource, {"n", "one"}), "data", "x")));
  };
  SUBCASE("somebody else's stays") {
    stands("theirs");
    once({apply});
    start();
    CHECK(data() == "old");
    CHECK(reason() == "Refused");
  }
  SUBCASE("ours, whose label was taken off, is put right") {
    stands("ours");
    once({apply});
    start();
    CHECK(data() == "new");
  }
  SUBCASE("where nothing stands it is made") {
    once({apply});
    start();
    CHECK(data() == "new");
  }
}

TEST_CASE_FIXTURE(ManagerFixture, "what is gone already needs no deletion, no patch and no status") {
  Action gone = write(Verb::kDelete, kNetworks, "none");
  gone.uid = "u";
  Action patch = write(Verb::kPatch, kNetworks, "none", R"({"spec":{}})");
  Action told = status("Done");
  told.key.name = "none";
  told.body.at("metadata").as_object()["name"] = "none";
  once({gone, patch, write(Verb::kCreate, api::ConfigMap::resource, "one")}, told);
  start();
  CHECK(written() == "DELETE networks/none, PATCH networks/none, POST configmaps/one, PATCH networks/none/status, ");
  CHECK(plans == 1);
}

TEST_CASE_FIXTURE(ManagerFixture, "a successor of the same name is not deleted in its predecessor's place") {
  Action wrong = write(Verb::kDelete, kNetworks, "a");
  wrong.uid = "earlier";
  once({wrong});
  start();
  time.pass(loop, seconds(1));
  CHECK(server.store.get(kNetworks, kKey));
}

TEST_CASE_FIXTURE(ManagerFixture, "what follows a proof of absence is done only if nothing of that owner is there") {
  const auto proof = proof_of_absence(api::ConfigMap::resource, {"n", "one"}, "owner");
  once({proof, write(Verb::kPatch, kNetworks, "a", R"({"spec":{"mtu":1400}})")});
  const auto stands = [&](const char* uid) {
    // Without label: only a live read can tell.
    REQUIRE(server.store.create(
        api::ConfigMap::resource,
        json(R"({"metadata":{"name":"one","namespace":"n","ownerReferences":[{"apiVersion":"v1","kind":"K","name":"k","uid":")" +
             std::string(uid) + R"("}]}})")));
  };
  bool done = false;
  SUBCASE("nothing is there") { done = true; }
  SUBCASE("somebody else's is there") {
    stands("other");
    done = true;
  }
  SUBCASE("it is there") { stands("owner"); }
  SUBCASE("nobody can say") {
    server.fate = [](const net::Request& request) {
      return request.target.find("configmaps/one") != std::string::npos ? ApiServer::Fate::kDropped : ApiServer::Fate::kAnswered;
    };
  }
  start();
  CHECK((written() == "PATCH networks/a, ") == done);
}

TEST_CASE_FIXTURE(ManagerFixture, "what rests on an object is done only if that very object is there, and is to stay") {
  const auto stands = [&](const char* more) {
    REQUIRE(server.store.create(api::ConfigMap::resource,
                                fakes::json(std::string(R"({"metadata":{"name":"one","namespace":"n")") + more + "}}")));
  };
  api::Meta meta;
  meta.key = {"n", "one"};
  bool done = false;
  SUBCASE("nothing is there") { meta.uid = "u"; }
  SUBCASE("another is there") {
    stands("");
    meta.uid = "predecessor";
  }
  SUBCASE("it is there") {
    stands("");
    meta.uid = as_string(fakes::pick(**server.store.get(api::ConfigMap::resource, meta.key), "metadata", "uid"));
    done = true;
  }
  SUBCASE("it is being deleted") {
    stands(R"(,"finalizers":["x"])");
    meta.uid = as_string(fakes::pick(**server.store.get(api::ConfigMap::resource, meta.key), "metadata", "uid"));
    REQUIRE(server.store.remove(api::ConfigMap::resource, meta.key));
  }
  SUBCASE("nobody can say") {
    meta.uid = "u";
    server.fate = [](const net::Request& request) {
      return request.target.find("configmaps/one") != std::string::npos ? fakes::ApiServer::Fate::kDropped
                                                                        : fakes::ApiServer::Fate::kAnswered;
    };
  }
  once({confirmation(api::ConfigMap::resource, meta),
        write(Action::Verb::kPatch, kNetworks, "a", R"({"metadata":{"labels":{"x":"y"}}})")});
  start();
  CHECK((written() == "PATCH networks/a, ") == done);
}

TEST_CASE_FIXTURE(ManagerFixture, "what belongs to nobody and stands in the way is not said to be ours") {
  std::string metadata = R"("name":"one","namespace":"n")";
  SUBCASE("nobody's") {}
  SUBCASE("ours, with its label taken off") {
    metadata += R"(,"ownerReferences":[{"apiVersion":"v1","kind":"K","name":"k","uid":"owner","controller":true}])";
  }
  const bool ours = metadata.find("owner\"") != std::string::npos;
  REQUIRE(server.store.create(api::ConfigMap::resource, json("{\"metadata\":{" + metadata + "}}")));
  std::string told;
  plan = [&](const Moment& moment) {
    Plan out;
    auto proof = proof_of_absence(api::ConfigMap::resource, {"n", "one"}, "owner");
    proof.orphans = true;
    out.actions = {proof};
    if (moment.refusal) told = moment.refusal->text();
    return out;
  };
  start();
  CHECK(told == (ours
                     ? "ConfigMap one is there, but the watch does not show it (restore its labels, or delete it)"
                     : "ConfigMap one exists and belongs to nobody (delete it, or make it under another name: whatever it is, it "
                       "stands in the way)"));
}

}  // namespace knfe::runtime
