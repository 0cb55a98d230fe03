#include "guest/disks.h"

#include <doctest/doctest.h>

#include <cstdlib>

#include "test/fakes/folder_test.h"

namespace knfe::guest {

namespace {

struct Fixture {
  fakes::Folder folder;

  Fixture() { std::filesystem::create_directory(identity_folder(folder.path())); }
  ~Fixture() {
    for (const char* name : {"KNFE_MEMBER", "KNFE_POD_UID", "KNFE_MEMBERSHIP", "KUBERNETES_SERVICE_HOST"}) ::unsetenv(name);
  }
  void identity(const std::string& text) { folder.write("identity/identity", text); }
  void instance(const std::string& text) { folder.write("identity/instance", text); }
  static std::string variable(const char* name) {
    const char* value = std::getenv(name);
    return value ? value : "(none)";
  }
};

}  // namespace

TEST_CASE("a user is a number, and the group another, or the same") {
  CHECK(parse_user("1000")->gid == 1000);
  CHECK(parse_user("1000:100")->gid == 100);
  for (const char* nobody : {"", "root", "1000:", ":1", "1000:x", "-1", "1 ", "99999999999"}) CHECK_FALSE(parse_user(nobody));
}

TEST_CASE_FIXTURE(Fixture, "the identity becomes the environment, for the agent and as a file that a shell reads") {
  identity(
      R"({"KNFE_MEMBER": "f-r-0", "KNFE_MEMBERSHIP": "{\"joined\":{\"command\":[\"it's\"]}}", "KUBERNETES_SERVICE_HOST": "10.96.0.1"})");
  instance("b2a1\n");
  REQUIRE(take_identity(folder.path()));
  CHECK(variable("KNFE_MEMBER") == "f-r-0");
  CHECK(variable("KNFE_POD_UID") == "b2a1");
  CHECK(variable("KUBERNETES_SERVICE_HOST") == "10.96.0.1");
  CHECK(folder.read("environment").find("KNFE_MEMBERSHIP='{\"joined\":{\"command\":[\"it'\\''s\"]}}'\n") != std::string::npos);
}

TEST_CASE_FIXTURE(Fixture, "a disk sets no variables but KNFE's and the API server's") {
  identity(
      R"({"KNFE_MEMBER": "f-r-0", "PATH": "/evil", "LD_PRELOAD": "/evil", "KNFE_X=Y": "z", "KNFE_lower": "z", "KNFE_NUMBER": 7})");
  instance("u");
  const std::string path = variable("PATH");
  REQUIRE(take_identity(folder.path()));
  CHECK(variable("PATH") == path);
  CHECK(variable("LD_PRELOAD") == "(none)");
  CHECK(folder.read("environment") == "KNFE_MEMBER='f-r-0'\nKNFE_POD_UID='u'\n");
}

TEST_CASE_FIXTURE(Fixture, "what is no identity is told with its place") {
  instance("u");
  CHECK(take_identity(folder.path()).error().where == folder.at("identity/identity"));
  identity("{");
  CHECK_FALSE(take_identity(folder.path()));
  identity("[]");
  CHECK(take_identity(folder.path()).error().text() == folder.at("identity/identity") + ": is no JSON object");
  identity(std::string(2 << 20, ' '));
  CHECK(take_identity(folder.path()).error().message.find("longer than") != std::string::npos);
}

TEST_CASE_FIXTURE(Fixture, "a disk that is not attached is missed by its serial") {
  std::filesystem::create_directories(folder.at("sys/vda"));
  folder.write("sys/vda/serial", "another\n");
  const auto mounted = mount_disks(folder.at("run"), User{}, folder.at("sys"));
  REQUIRE_FALSE(mounted);
  CHECK(mounted.error().message == "no disk has the serial knfe-identity");
}

}  // namespace knfe::guest
