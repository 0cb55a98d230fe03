#include "test/fakes/masked_test.h"

#include <algorithm>

#include "api/allocation.h"
#include "api/connection_point.h"
#include "test/fakes/json_test.h"

namespace knfe::fakes {

using api::key_of;

namespace {

// lastResized tells a way, not an end, and is for people.
constexpr const char* kVarying[] = {"resourceVersion",    "generation",    "observedGeneration", "creationTimestamp",
                                    "lastTransitionTime", "managedFields", "lastResized"};

// List-maps keep no order; what is inside a workload or a pod does.
void mask(Json& value, bool ordered) {
  if (auto* object = value.if_object()) {
    for (const char* varying : kVarying) object->erase(varying);
    for (auto& member : *object) mask(member.value(), ordered || member.key() == "workload");
  } else if (auto* array = value.if_array()) {
    std::map<std::string, Json> sorted;
    for (auto& item : *array) {
      mask(item, ordered);
      sorted.emplace(canonical(item), item);
    }
    if (ordered || sorted.size() != array->size() || !array->front().is_object()) return;
    array->clear();
    for (auto& [text, item] : sorted) array->push_back(std::move(item));
  }
}

}  // namespace

bool varies(std::string_view name) { return std::find(std::begin(kVarying), std::end(kVarying), name) != std::end(kVarying); }

std::set<std::string> masked(const Store& store) {
  // Addresses, and what is made of them, by whose they are.
  std::vector<std::pair<std::string, std::string>> words;
  for (const auto* claim : store.list(api::Allocation::resource)) {
    const Json& spec = at(*claim, "spec");
    const std::string whose =
        "<" + std::string(as_string(at(spec, "owner"))) + "/" + std::string(as_string(at(spec, "subnet"))) + ">";
    words.emplace_back(as_string(at(spec, "ip")), whose);
    words.emplace_back(key_of(*claim).name, "ip" + whose);
  }
  for (const auto* point : store.list(api::ConnectionPoint::resource)) {
    if (const auto mac = as_string(at(*point, "status", "mac")); !mac.empty())
      words.emplace_back(mac, "<mac of " + key_of(*point).name + ">");
  }
  std::sort(words.begin(), words.end(), [](const auto& a, const auto& b) { return a.first.size() > b.first.size(); });
  std::set<std::string> lines;
  for (const auto* live : store.all()) {
    if (const auto kind = as_string(at(*live, "kind")); kind == "Event" || kind == "Lease") continue;
    std::string text = canonical(*live);
    for (const auto& [word, other] : words) {
      for (std::size_t found = 0; (found = text.find(word, found)) != std::string::npos; found += other.size())
        text.replace(found, word.size(), other);
    }
    // Lives of a name.
    for (std::size_t found = 0; (found = text.find('#', found)) != std::string::npos; ++found) {
      text.erase(found, text.find_first_not_of("0123456789", found + 1) - found);
    }
    Json object = json(text);
    mask(object, at(object, "kind") == "Pod");
    text = canonical(object);
    lines.insert(text);
  }
  return lines;
}

std::string difference(const std::set<std::string>& a, const std::set<std::string>& b) {
  const auto only = [](const auto& these, const auto& others) {
    std::string out;
    for (const auto& line : these) {
      if (others.contains(line)) continue;
      const Json object = json(line);
      out += "\n  " + std::string(as_string(at(object, "kind"))) + " " + key_of(object).name + ": " +
             canonical(at(object, "metadata")) + " " + canonical(at(object, "status")) + " " +
             canonical(at(object, "spec")).substr(0, 600);
    }
    return out;
  };
  const std::string first = only(a, b), second = only(b, a);
  return first + (first == second ? "" : "\nis not") + second;
}

}  // namespace knfe::fakes
