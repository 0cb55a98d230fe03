// Folder: a directory that is gone after the test, with all that is in it.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "base/result.h"

namespace knfe::fakes {

class Folder {
 public:
  Folder() { KNFE_CHECK(::mkdtemp(path_.data())); }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  const std::string& path() const { return path_; }
  std::string at(const std::string& name) const { return path_ + "/" + name; }
  bool has(const std::string& name) const { return std::filesystem::exists(at(name)); }
  // Empty if there is none.
  std::string read(const std::string& name) const {
    std::ifstream in(at(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void write(const std::string& name, const std::string& text) const { std::ofstream(at(name), std::ios::binary) << text; }
  void remove(const std::string& name) const { std::filesystem::remove(at(name)); }

 private:
  std::string path_ = "/tmp/knfe-test-XXXXXX";
};

}  // namespace knfe::fakes
