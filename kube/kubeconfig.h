// Kubeconfig: one or several kubeconfig files as one, and entries that know where they stand.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace knfe::kube {

using ReadFile = std::function<Result<std::string>(const std::string& path)>;

// An object of a file. Missing members and nulls read as empty; others of a wrong kind are errors with their place.
class Entry {
 public:
  Entry(const Json& fields, std::string file, std::string pointer)
      : fields_(&fields), file_(std::move(file)), pointer_(std::move(pointer)) {}

  bool has(std::string_view key) const { return !at(*fields_, key).is_null(); }
  std::string where(std::string_view key = {}) const;
  Result<std::string> text(std::string_view key) const;
  Result<bool> truth(std::string_view key) const;
  Result<Entry> inner(std::string_view key) const;  // an object that must be there
  Result<std::vector<std::string>> texts(std::string_view key) const;
  Result<std::vector<Entry>> inners(std::string_view key) const;  // a list of objects
  // The path in `key`; a relative one is relative to the file's folder.
  Result<std::string> path(std::string_view key) const;
  // What `key`-data holds as base64, or the file that `key` names; empty if there is neither.
  Result<std::string> content(const std::string& key, const ReadFile& read) const;

 private:
  const Json* fields_;
  std::string file_;
  std::string pointer_;
};

class Kubeconfig {
 public:
  Result<void> add(std::string_view text, const std::string& file);

  bool empty() const { return files_.empty(); }
  std::string names() const;                    // of the files, for messages
  Result<std::string> current_context() const;  // empty if no file says
  // The entry of this name in a list: find("clusters", "cluster", "kind"). The first file that has it wins.
  Result<Entry> find(const std::string& list, const std::string& kind, const std::string& name) const;

 private:
  struct File {
    std::string name;
    Json root;
  };
  std::vector<File> files_;
};

}  // namespace knfe::kube
