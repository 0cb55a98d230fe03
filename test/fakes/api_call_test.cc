#include "test/fakes/api_call_test.h"

#include <algorithm>
#include <unordered_map>

#include "test/fakes/json_test.h"

namespace knfe::fakes {

using api::key_of;

namespace {

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> out;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(separator, begin), text.size());
    out.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return out;
}

std::string decoded(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escape = text[i] == '%';
    out += escape ? static_cast<char>(std::stoi(text.substr(i + 1, 2), nullptr, 16)) : text[i];
    if (escape) i += 2;
  }
  return out;
}

Result<std::string> text_of(const Store::Answer& answer) {
  if (!answer) return std::unexpected(answer.error());
  return (*answer)->text();
}

Result<std::string> read(const Store& store, const ApiCall& call) {
  if (!call.key.name.empty()) return text_of(store.get(*call.resource, call.key));
  std::string items;
  for (const auto* object : store.list(*call.resource)) {
    if (call.selects(*object)) items += (items.empty() ? "" : ",") + object->text();
  }
  return R"({"metadata":{"resourceVersion":")" + store.version() + R"("},"items":[)" + items + "]}";
}

Store::Answer write(Store& store, const ApiCall& call, const net::Request& request) {
  const auto manager = call.query.contains("fieldManager") ? call.query.at("fieldManager")
                                                           : std::string(net::header(request.headers, "User-Agent"));
  JsonRoom room;
  const auto parsed_body = parse_json(request.body.empty() ? "{}" : request.body, room);
  KNFE_CHECK(parsed_body);
  const Json& body = *parsed_body;
  const auto& resource = *call.resource;
  if (request.method == "POST") return store.create(resource, body, manager);
  if (request.method == "PUT") return store.replace(resource, body, manager);
  if (request.method == "DELETE") {
    return store.remove(resource, call.key, std::string(as_string(at(body, "preconditions", "uid"))),
                        std::string(as_string(at(body, "preconditions", "resourceVersion"))));
  }
  const bool is_apply = net::header(request.headers, "Content-Type") == "application/apply-patch+yaml";
  return is_apply ? store.apply(resource, body, call.subresource, manager, call.query.contains("force"))
                  : store.merge_patch(resource, call.key, body, call.subresource, manager);
}

}  // namespace

bool ApiCall::selects(const Json& object) const {
  const auto name = as_string(at(object, "metadata", "name"));
  if (!key.ns.empty() && key.ns != as_string(at(object, "metadata", "namespace"))) return false;
  if (const auto field = query.find("fieldSelector");
      field != query.end() && field->second != "metadata.name=" + std::string(name))
    return false;
  const auto labels = query.find("labelSelector");
  if (labels == query.end()) return true;
  const auto wanted = split(labels->second, ',');
  return std::all_of(wanted.begin(), wanted.end(), [&](const std::string& one) {
    const auto equals = one.find('=');
    const Json& live = at(object, "metadata", "labels", one.substr(0, equals));
    return equals == std::string::npos ? live.is_string() : as_string(live) == one.substr(equals + 1);
  });
}

namespace {

ApiCall parsed(const std::string& target) {
  ApiCall out;
  const auto question = target.find('?');
  if (question != std::string::npos) {
    for (const auto& pair : split(target.substr(question + 1), '&')) {
      const auto equals = pair.find('=');
      out.query[pair.substr(0, equals)] = equals == std::string::npos ? "" : decoded(pair.substr(equals + 1));
    }
  }
  auto parts = split(target.substr(1, question - 1), '/');
  const std::string group = parts[0] == "api" ? "" : parts[1];
  parts.erase(parts.begin(), parts.begin() + (group.empty() ? 2 : 3));
  if (parts.size() > 1 && parts[0] == "namespaces") {
    out.key.ns = decoded(parts[1]);
    parts.erase(parts.begin(), parts.begin() + 2);
  }
  out.resource = Store::resource_of(group, parts[0]);
  if (parts.size() > 1) out.key.name = decoded(parts[1]);
  if (parts.size() > 2) out.subresource = parts[2];
  return out;
}

}  // namespace

std::shared_ptr<const ApiCall> call_of(const std::string& target) {
  // The same ones come again and again.
  static std::unordered_map<std::string, std::shared_ptr<const ApiCall>> known;
  if (known.size() > 20'000) known.clear();
  auto& call = known[target];
  if (!call) call = std::make_shared<const ApiCall>(parsed(target));
  return call;
}

net::Response carry_out(Store& store, const ApiCall& call, const net::Request& request) {
  if (!call.resource) return {404, {}, "404 page not found"};
  const bool makes = request.method == "POST" || (request.method != "GET" && !store.look(*call.resource, call.key));
  const auto result = request.method == "GET" ? read(store, call) : text_of(write(store, call, request));
  if (result) return {makes ? 201 : 200, {}, *result};
  const auto [status, body] = http_status(result.error());
  net::Headers headers;
  if (result.error().retry_after_s > 0) headers.emplace_back("Retry-After", std::to_string(result.error().retry_after_s));
  return {status, std::move(headers), body};
}

std::string event_line(const std::string& type, const std::string& object) {
  constexpr std::string_view kBegin = R"({"type":")", kMiddle = R"(","object":)", kEnd = "}\n";
  std::string out;
  out.reserve(kBegin.size() + type.size() + kMiddle.size() + object.size() + kEnd.size());
  return out.append(kBegin).append(type).append(kMiddle).append(object).append(kEnd);
}

std::string bookmark_line(const std::string& version, bool end_of_list) {
  JsonObject metadata{{"resourceVersion", version}};
  if (end_of_list) metadata["annotations"] = JsonObject{{"k8s.io/initial-events-end", "true"}};
  return event_line("BOOKMARK", to_text(JsonObject{{"metadata", std::move(metadata)}}));
}

}  // namespace knfe::fakes
