#include "kube/credential_file.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "kube/config.h"

namespace knfe::kube {

namespace {

// A directory that is gone after the test.
class Folder {
 public:
  Folder() { REQUIRE(mkdtemp(path_) != nullptr); }
  ~Folder() {
    unlink(file().c_str());
    rmdir(path_);
  }
  std::string file() const { return path() + "/file"; }
  std::string path() const { return path_; }
  void write(const std::string& text) const {
    FILE* out = std::fopen(file().c_str(), "w");
    REQUIRE(out != nullptr);
    std::fwrite(text.data(), 1, text.size(), out);
    std::fclose(out);
  }

 private:
  char path_[32] = "/tmp/credential_test_XXXXXX";
};

}  // namespace

TEST_CASE("a file is read whole, and not without end") {
  const Folder folder;
  const std::string text = std::string(10'000, 'x') + std::string(1, '\0') + "end";
  folder.write(text);
  CHECK(read_credential_file(folder.file()).value() == text);
  CHECK(read_credential_file(folder.file() + "x").error().code == Code::kNotFound);
  CHECK(read_credential_file(folder.file() + "/x").error().code == Code::kNotFound);
  CHECK(read_credential_file(folder.path()).error().code == Code::kInvalid);
  CHECK(read_credential_file("/dev/zero").error().message == "more than 4 MiB");
  CHECK(read_credential_file(folder.file() + "x").error().where == folder.file() + "x");
}

TEST_CASE("base64") {
  for (const auto& [text, bytes] : {std::pair<std::string, std::string>{"", ""},
                                    {"TQ==", "M"},
                                    {"TWE=", "Ma"},
                                    {"TWFu", "Man"},
                                    {"TWFuTQ==", "ManM"},
                                    {"TW\nFu\r\nTQ\n=\n=\n", "ManM"},
                                    {"+/+/", "\xfb\xff\xbf"},
                                    {"AAAA", std::string(3, 0)}}) {
    CAPTURE(text);
    CHECK(decode_base64(text).value() == bytes);
  }
  for (const std::string text :
       {"T", "TQ", "TWE", "TQ=", "=", "T===", "====", "TQ==TQ==", "TQ==x", "TQ=x", "TWF!", "TWF ", "TWF-", "TWF\xc3", "TWE=="}) {
    CAPTURE(text);
    CHECK_FALSE(decode_base64(text));
  }
  CHECK(decode_base64("SECRET!").error().text().find("SECRET") == std::string::npos);
}

TEST_CASE("a fixed token, or none") {
  CHECK(TokenSource({}).get().value().empty());
  CHECK(TokenSource({.token = " abc\n"}).get().value() == "abc");
  for (const std::string token : {"SECRET\r\nX: y", "SEC RET", "SECRET\xc3\xa4", " \n"}) {
    const auto got = TokenSource({.token = token}).get();
    REQUIRE_FALSE(got);
    CHECK(got.error().text().find("SEC") == std::string::npos);
  }
}

TEST_CASE("a token file is read again when asked to, not each time") {
  const Folder folder;
  TokenSource source({.token_file = folder.file()});
  CHECK(source.get().error().code == Code::kNotFound);
  folder.write("one\n");
  CHECK(source.get().value() == "one");
  folder.write("two\n");
  CHECK(source.get().value() == "one");
  CHECK(source.get(true).value() == "two");
  unlink(folder.file().c_str());
  CHECK(source.get(true).error().code == Code::kNotFound);
  CHECK(source.get().value() == "two");
  folder.write("");
  CHECK(source.get(true).error().code == Code::kForbidden);
  CHECK(source.get(true).error().where == folder.file());
}

}  // namespace knfe::kube
