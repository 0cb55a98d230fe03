#include "kube/kubeconfig.h"

#include "base/yaml.h"
#include "kube/credential_file.h"

namespace knfe::kube {

std::string Entry::where(std::string_view key) const {
  std::string place = file_ + ":" + pointer_;
  if (!key.empty()) place.append("/").append(key);
  return place;
}

Result<std::string> Entry::text(std::string_view key) const {
  const Json& member = at(*fields_, key);
  if (!member.is_null() && !member.is_string()) return fail(Code::kInvalid, "must be a text", where(key));
  return std::string(as_string(member));
}

Result<bool> Entry::truth(std::string_view key) const {
  const Json& member = at(*fields_, key);
  if (!member.is_null() && !member.is_bool()) return fail(Code::kInvalid, "must be true or false", where(key));
  return as_bool(member);
}

Result<Entry> Entry::inner(std::string_view key) const {
  const Json& member = at(*fields_, key);
  if (!member.is_object()) return fail(Code::kInvalid, member.is_null() ? "is missing" : "must be an object", where(key));
  return Entry(member, file_, pointer_ + "/" + std::string(key));
}

Result<std::vector<Entry>> Entry::inners(std::string_view key) const {
  const Json& list = at(*fields_, key);
  if (!list.is_null() && !list.is_array()) return fail(Code::kInvalid, "must be a list", where(key));
  std::vector<Entry> out;
  for (const auto& one : as_array(list)) {
    out.emplace_back(one, file_, pointer_ + "/" + std::string(key) + "/" + std::to_string(out.size()));
    if (!one.is_object()) return fail(Code::kInvalid, "must be an object", out.back().where());
  }
  return out;
}

Result<std::vector<std::string>> Entry::texts(std::string_view key) const {
  const Json& list = at(*fields_, key);
  if (!list.is_null() && !list.is_array()) return fail(Code::kInvalid, "must be a list", where(key));
  std::vector<std::string> out;
  for (const auto& one : as_array(list)) {
    if (!one.is_string()) return fail(Code::kInvalid, "must be a text", where(key) + "/" + std::to_string(out.size()));
    out.emplace_back(as_string(one));
  }
  return out;
}

Result<std::string> Entry::path(std::string_view key) const {
  auto path = text(key);
  if (!path || path->empty() || path->starts_with('/')) return path;
  return file_.substr(0, file_.rfind('/') + 1) + *path;
}

Result<std::string> Entry::content(const std::string& key, const ReadFile& read) const {
  const std::string data_key = key + "-data";
  KNFE_TRY(const std::string data, text(data_key));
  if (!data.empty()) {
    auto bytes = decode_base64(data);
    if (!bytes || bytes->empty()) return fail(Code::kInvalid, "must be base64, and not empty", where(data_key));
    return bytes;
  }
  auto name = path(key);
  if (!name || name->empty()) return name;
  auto bytes = read(*name);
  if (!bytes) return fail(bytes.error().code, *name + ": " + bytes.error().message, where(key));
  if (bytes->empty()) return fail(Code::kInvalid, *name + ": the file is empty", where(key));
  return bytes;
}

Result<void> Kubeconfig::add(std::string_view text, const std::string& file) {
  KNFE_TRY(Json root, parse_yaml(text, file));
  if (!root.is_object() && !root.is_null()) return fail(Code::kInvalid, "not a kubeconfig: its top is no object", file);
  files_.push_back({file, std::move(root)});
  return {};
}

std::string Kubeconfig::names() const {
  std::string names;
  for (const auto& file : files_) names += (names.empty() ? "" : ":") + file.name;
  return names;
}

Result<std::string> Kubeconfig::current_context() const {
  for (const auto& file : files_) {
    KNFE_TRY(std::string name, Entry(file.root, file.name, "").text("current-context"));
    if (!name.empty()) return name;
  }
  return std::string();
}

Result<Entry> Kubeconfig::find(const std::string& list, const std::string& kind, const std::string& name) const {
  for (const auto& file : files_) {
    const Json& items = at(file.root, list);
    if (!items.is_null() && !items.is_array()) return fail(Code::kInvalid, "must be a list", file.name + ":/" + list);
    std::size_t index = 0;
    for (const Json& item : as_array(items)) {
      const Entry named(item, file.name, "/" + list + "/" + std::to_string(index++));
      if (!item.is_object()) return fail(Code::kInvalid, "must be an object", named.where());
      KNFE_TRY(const std::string its_name, named.text("name"));
      if (its_name == name) return named.inner(kind);
    }
  }
  return fail(Code::kNotFound, "no " + kind + " is named '" + name + "'", names());
}

}  // namespace knfe::kube
