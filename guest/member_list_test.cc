#include "guest/member_list.h"

#include <doctest/doctest.h>

#include "test/fakes/folder_test.h"
#include "test/fakes/json_test.h"

namespace knfe::guest {

namespace {

const char* kList = R"({"function":"ims-sip","members":[
  {"name":"bono-0","role":"bono","ordinal":0,"state":"Serving","addresses":{"access":["10.10.0.5"],"core":["10.20.0.5","fd20::5"]}},
  {"name":"sprout-0","role":"sprout","ordinal":0,"state":"Leaving","leave":true,"addresses":{"core":["10.20.0.7"]}},
  {"name":"sprout-1","role":"sprout","ordinal":1,"state":"Joining","addresses":{}}]})";

MemberList list(const std::string& self = "bono-0", std::string_view text = kList) {
  auto out = read_member_list(text, self);
  REQUIRE(out);
  return std::move(*out);
}

}  // namespace

TEST_CASE("members.tsv has one line for each address") {
  CHECK(list().tsv ==
        "bono-0\tbono\tServing\taccess\t10.10.0.5\n"
        "bono-0\tbono\tServing\tcore\t10.20.0.5\n"
        "bono-0\tbono\tServing\tcore\tfd20::5\n"
        "sprout-0\tsprout\tLeaving\tcore\t10.20.0.7\n");
}

TEST_CASE("members.tsv tells seeds by one more field") {
  const auto seeds = list("a-0", R"({"function": "f", "members": [
      {"name": "a-0", "role": "a", "state": "Serving", "seed": true, "addresses": {"core": ["10.20.0.5"]}},
      {"name": "a-1", "role": "a", "state": "Serving", "addresses": {"core": ["10.20.0.6"]}}]})");
  CHECK(seeds.tsv == "a-0\ta\tServing\tcore\t10.20.0.5\tseed\na-1\ta\tServing\tcore\t10.20.0.6\n");
}

TEST_CASE("hosts has each address under the member's name, and that on the network") {
  CHECK(list().hosts ==
        "10.10.0.5 bono-0.access bono-0\n"
        "10.20.0.5 bono-0.core bono-0\n"
        "fd20::5 bono-0.core bono-0\n"
        "10.20.0.7 sprout-0.core sprout-0\n");
}

TEST_CASE("members.json says besides who reads it") {
  Json wanted = fakes::json(kList);
  wanted.as_object()["self"] = "sprout-1";
  CHECK(canonical(list("sprout-1").json) == canonical(wanted));
}

TEST_CASE("what the list says of oneself") {
  CHECK(list("bono-0").own_state == "Serving");
  CHECK_FALSE(list("bono-0").leave);
  CHECK(list("sprout-0").own_state == "Leaving");
  CHECK(list("sprout-0").leave);
  CHECK(list("stranger").own_state.empty());
  CHECK_FALSE(list("stranger").leave);
  CHECK(list().brief == "bono-0=Serving,sprout-0=Leaving,sprout-1=Joining");
}

TEST_CASE("a list of nobody is a list") {
  const auto nobody = list("a", R"({"function":"f","members":[]})");
  CHECK(nobody.tsv.empty());
  CHECK(nobody.hosts.empty());
  CHECK(canonical(nobody.json) == R"({"function":"f","members":[],"self":"a"})");
}

TEST_CASE("what is no list is refused") {
  for (const char* text : {"", "{", "[]", "{}", "null", R"({"members":{}})", R"({"members":null})", R"({"members":[]}})"}) {
    CAPTURE(text);
    const auto read = read_member_list(text, "a");
    REQUIRE_FALSE(read);
    CHECK(read.error().code == Code::kInvalid);
  }
}

TEST_CASE("an entry that says nothing harms nobody") {
  const auto odd =
      list("a", R"({"members":[7,{},{"name":7,"addresses":[]},{"name":"a","state":"Serving","addresses":{"p":"x","q":[7]}}]})");
  CHECK(odd.own_state == "Serving");
}

TEST_CASE("the files are written, and nothing else is left") {
  const fakes::Folder folder;
  REQUIRE(write_member_list(list(), folder.path()));
  CHECK(folder.read("members.tsv") == list().tsv);
  CHECK(folder.read("hosts") == list().hosts);
  CHECK(folder.read("members.json") == to_text(list().json) + "\n");
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 3);
}

TEST_CASE("whoever reads a file while it is replaced reads the old one whole") {
  const fakes::Folder folder;
  REQUIRE(write_member_list(list(), folder.path()));
  std::ifstream reader(folder.at("members.tsv"), std::ios::binary);
  std::string line;
  std::getline(reader, line);
  REQUIRE(write_member_list(list("a", R"({"members":[]})"), folder.path()));
  CHECK(folder.read("members.tsv").empty());
  CHECK(line + "\n" + std::string(std::istreambuf_iterator<char>(reader), {}) == list().tsv);
}

TEST_CASE("a file that cannot be written is told of, and the old one stays") {
  const fakes::Folder folder;
  REQUIRE(write_member_list(list(), folder.path()));
  SUBCASE("it cannot be made") { std::filesystem::create_directory(folder.at("members.tsv.new")); }
  SUBCASE("the disk is full") { std::filesystem::create_symlink("/dev/full", folder.at("members.tsv.new")); }
  const auto written =
      write_member_list(list("bono-0", R"({"members":[{"name":"a","addresses":{"p":["10.0.0.1"]}}]})"), folder.path());
  REQUIRE_FALSE(written);
  CHECK(written.error().where == folder.at("members.tsv"));
  CHECK(folder.read("members.tsv") == list().tsv);
  CHECK_FALSE(write_member_list(list(), folder.at("nowhere")));
}

}  // namespace knfe::guest
