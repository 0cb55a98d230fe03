#include "guest/account.h"

#include <doctest/doctest.h>

#include "test/fakes/client_test.h"
#include "test/fakes/folder_test.h"
#include "test/fakes/json_test.h"
#include "test/fakes/time_test.h"

namespace knfe::guest {

namespace {

struct Fixture {
  fakes::Time time;
  fakes::Folder folder;
  net::Loop loop;
  fakes::FakeClient server;
  kube::Config config;
  std::unique_ptr<kube::ApiClient> api;
  std::unique_ptr<Account> account;

  Fixture() {
    folder.write("account-token", "");
    std::filesystem::create_directory(folder.at("account"));
    folder.write("account/token", "of the disk");
    auto file = Account::prepare(folder.path(), folder.at("account"));
    REQUIRE(file);
    config.token_file = *file;
    api = std::make_unique<kube::ApiClient>(server, config, &loop);
    account = std::make_unique<Account>(loop, *api, "n", "f-r-0", folder.path(), folder.at("account"));
    fakes::settle(loop);
  }
  std::string token() const { return folder.read("token"); }
  void answer(int status, const std::string& body) {
    server.only().answer(status, body);
    fakes::settle(loop);
  }
  bool asks() const { return !server.waiting().empty(); }
  void give(const std::string& token) {
    answer(201,
           R"({"kind": "TokenRequest", "status": {"token": ")" + token + R"(", "expirationTimestamp": "2027-01-01T00:00:00Z"}})");
  }
  void refuse() {
    answer(401, R"({"kind": "Status", "status": "Failure", "code": 401, "reason": "Unauthorized", "message": "Unauthorized"})");
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "it begins with the token of its disk, and asks for one of its own that lives for a week") {
  CHECK(token() == "of the disk");
  const auto request = server.only().request;
  CHECK(request.method == "POST");
  CHECK(request.target.starts_with("/api/v1/namespaces/n/serviceaccounts/f-r-0/token"));
  const Json asked = fakes::json(request.body);
  CHECK(as_int(at(asked, "spec", "expirationSeconds")) == 7 * 24 * 3600);
  give("first");
  CHECK(token() == "first");
}

TEST_CASE_FIXTURE(Fixture, "it is renewed once an hour") {
  give("first");
  time.pass(loop, std::chrono::minutes(59));
  CHECK_FALSE(asks());
  time.pass(loop, std::chrono::minutes(2));
  REQUIRE(asks());
  give("second");
  CHECK(token() == "second");
}

TEST_CASE_FIXTURE(Fixture,
                  "an agent that starts anew goes on with the token that it was given: that of the disk may be dead by now") {
  give("first");
  account.reset();
  REQUIRE(Account::prepare(folder.path(), folder.at("account")));
  CHECK(token() == "first");
  account = std::make_unique<Account>(loop, *api, "n", "f-r-0", folder.path(), folder.at("account"));
  fakes::settle(loop);
  refuse();
  if (asks()) refuse();
  CHECK(token() == "of the disk");
  time.pass(loop, std::chrono::seconds(11));
  refuse();
  if (asks()) refuse();
  CHECK(token() == "first");
}

TEST_CASE_FIXTURE(Fixture, "an API server that is away or answers nonsense is asked again, with what there is") {
  answer(503, "");
  CHECK(token() == "of the disk");
  time.pass(loop, std::chrono::seconds(11));
  answer(201, R"({"kind": "TokenRequest", "status": {}})");
  CHECK(token() == "of the disk");
  time.pass(loop, std::chrono::seconds(11));
  give("first");
  CHECK(token() == "first");
}

TEST_CASE_FIXTURE(Fixture, "when its own token has ended in a long sleep, that of the disk and its own take turns") {
  give("first");
  folder.write("account/token", "of a later disk");
  time.pass(loop, std::chrono::hours(25));
  refuse();
  if (asks()) refuse();  // a client asks once more where the file has changed
  CHECK(token() == "of a later disk");
  time.pass(loop, std::chrono::seconds(11));
  refuse();
  if (asks()) refuse();
  CHECK(token() == "first");
  time.pass(loop, std::chrono::seconds(11));
  give("second");
  CHECK(token() == "second");
}

}  // namespace knfe::guest
