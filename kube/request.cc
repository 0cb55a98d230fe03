#include "kube/request.h"

#include <algorithm>
#include <cstdlib>

namespace knfe::kube {

namespace {

std::string percent(std::string_view text) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) || c == '-' || c == '.' || c == '_' || c == '~') {
      out += c;
    } else {
      out += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
    }
  }
  return out;
}

std::string query_of(const Scope& scope) {
  std::string out;
  if (!scope.label_selector.empty()) out += "&labelSelector=" + percent(scope.label_selector);
  if (!scope.field_selector.empty()) out += "&fieldSelector=" + percent(scope.field_selector);
  return out;
}

net::Request write(std::string method, std::string target, const char* type, const Json& body) {
  return {std::move(method), std::move(target), {{"Content-Type", type}, {"Accept", "application/json"}}, to_text(body)};
}

}  // namespace

bool Scope::selects(const Json& object) const {
  if (!ns.empty() && as_string(at(object, "metadata", "namespace")) != ns) return false;
  const Json& labels = at(object, "metadata", "labels");
  for (std::string_view left = label_selector; !left.empty();) {
    const auto term = left.substr(0, left.find(','));
    left.remove_prefix(std::min(left.size(), term.size() + 1));
    const auto equals = term.find('=');
    const Json& live = at(labels, term.substr(0, equals));
    if (!live.is_string() || (equals != term.npos && as_string(live) != term.substr(equals + 1))) return false;
  }
  return true;
}

std::string path_of(const api::Resource& resource, const std::string& ns, const std::string& name,
                    const std::string& subresource) {
  std::string path = resource.group.empty() ? "/api/" + std::string(resource.version)
                                            : "/apis/" + std::string(resource.group) + "/" + std::string(resource.version);
  if (resource.namespaced && !ns.empty()) path += "/namespaces/" + percent(ns);
  path += "/" + std::string(resource.plural);
  if (!name.empty()) path += "/" + percent(name);
  if (!subresource.empty()) path += "/" + subresource;
  return path;
}

net::Request get_request(const api::Resource& resource, const api::Key& key) {
  return {"GET", path_of(resource, key.ns, key.name), {{"Accept", "application/json"}}, {}};
}

net::Request create_request(const api::Resource& resource, const Json& object) {
  const auto key = api::key_of(object);
  return write("POST", path_of(resource, key.ns) + "?fieldValidation=Strict", "application/json", object);
}

net::Request apply_request(const api::Resource& resource, const Json& object, const std::string& subresource,
                           const std::string& manager, bool force) {
  const auto key = api::key_of(object);
  return write("PATCH",
               path_of(resource, key.ns, key.name, subresource) + "?fieldManager=" + manager + (force ? "&force=true" : "") +
                   "&fieldValidation=Strict",
               "application/apply-patch+yaml", object);
}

net::Request merge_patch_request(const api::Resource& resource, const api::Key& key, const Json& patch,
                                 const std::string& subresource, const std::string& manager) {
  return write("PATCH", path_of(resource, key.ns, key.name, subresource) + "?fieldManager=" + manager,
               "application/merge-patch+json", patch);
}

net::Request update_request(const api::Resource& resource, const api::Key& key, const Json& object) {
  return write("PUT", path_of(resource, key.ns, key.name), "application/json", object);
}

net::Request delete_request(const api::Resource& resource, const api::Key& key, const Preconditions& preconditions) {
  JsonObject wanted;
  if (!preconditions.uid.empty()) wanted["uid"] = preconditions.uid.text();
  if (!preconditions.resource_version.empty()) wanted["resourceVersion"] = preconditions.resource_version.text();
  JsonObject options{{"apiVersion", "v1"}, {"kind", "DeleteOptions"}, {"propagationPolicy", "Background"}};
  if (!wanted.empty()) options["preconditions"] = std::move(wanted);
  return write("DELETE", path_of(resource, key.ns, key.name), "application/json", options);
}

net::Request list_request(const api::Resource& resource, const Scope& scope, int limit, const std::string& token) {
  std::string target = path_of(resource, scope.ns) + "?limit=" + std::to_string(limit) + query_of(scope);
  if (!token.empty()) target += "&continue=" + percent(token);
  return {"GET", std::move(target), {{"Accept", "application/json"}}, {}};
}

net::Request watch_request(const api::Resource& resource, const Scope& scope, const std::string& version, int seconds) {
  std::string target =
      path_of(resource, scope.ns) + "?watch=1&allowWatchBookmarks=true&timeoutSeconds=" + std::to_string(seconds);
  target +=
      version.empty() ? "&sendInitialEvents=true&resourceVersionMatch=NotOlderThan" : "&resourceVersion=" + percent(version);
  net::Request request{"GET", target + query_of(scope), {{"Accept", "application/json"}}, {}};
  // The server ends it, or is not there any more; a proxy between may not tell.
  request.longest = std::chrono::seconds(seconds + 30);
  return request;
}

Error status_error(const Json& status, int http_code, std::string_view retry_after) {
  Error error;
  const auto reason = as_string(at(status, "reason"));
  const auto code = static_cast<int>(as_int(at(status, "code"), http_code));
  error.message = as_string(at(status, "message"));
  if (error.message.empty()) error.message = "HTTP status " + std::to_string(code);
  const std::string after(retry_after);
  error.retry_after_s = after.empty() ? static_cast<double>(as_int(at(status, "details", "retryAfterSeconds")))
                                      : std::strtod(after.c_str(), nullptr);
  switch (code) {
    case 400:
    case 405:
    case 413:
    case 415:
    case 422:
      error.code = Code::kInvalid;
      break;
    case 401:
    case 403:
      error.code = Code::kForbidden;
      break;
    case 404:
      // What is missing has a name, unless it is the kind.
      error.code = as_string(at(status, "details", "name")).empty() ? Code::kUnserved : Code::kNotFound;
      if (error.code == Code::kUnserved && !status.is_object()) {
        error.message = "the API server does not serve this";
        error.hint = "install the definition of the kind, in this version";
      }
      break;
    case 409:
      error.code = reason == "AlreadyExists" ? Code::kAlreadyExists : Code::kConflict;
      break;
    case 410:
      error.code = Code::kGone;
      break;
    case 429:
      error.code = Code::kTooMany;
      break;
    case 502:
    case 503:
      error.code = Code::kUnavailable;
      break;
    case 504:
      error.code = Code::kTimeout;
      break;
    default:
      error.code = Code::kInternal;
  }
  if (reason == "Expired") error.code = Code::kGone;
  return error;
}

Result<Json> read_reply(const net::Response& response, const std::string& what, JsonRoom& room) {
  auto body = parse_json(response.body, room);
  if (response.status >= 200 && response.status < 300) {
    if (!body) return fail(Code::kInternal, "the API server's answer is " + body.error().text(), what);
    return body;
  }
  Error error = status_error(body ? *body : Json(), response.status, net::header(response.headers, "Retry-After"));
  error.where = what;
  return std::unexpected(std::move(error));
}

Duration retry_after(const Error& error) {
  // Written so that NaN counts as nothing.
  return error.retry_after_s > 0 ? Duration(static_cast<std::int64_t>(std::min(error.retry_after_s, 3600.0) * 1000))
                                 : Duration(0);
}

}  // namespace knfe::kube
