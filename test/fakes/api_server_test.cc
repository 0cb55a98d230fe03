#include "test/fakes/api_server_test.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "api/network.h"
#include "kube/request.h"
#include "test/fakes/json_test.h"
#include "test/fakes/time_test.h"

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

std::string line(const std::string& type, const Json& object) {
  return to_text(JsonObject{{"type", type}, {"object", object}}) + "\n";
}

Result<std::string> text_of(const Store::Answer& answer) {
  if (!answer) return std::unexpected(answer.error());
  return to_text(**answer);
}

Json bookmark(const std::string& version, bool end_of_list) {
  JsonObject metadata{{"resourceVersion", version}};
  if (end_of_list) metadata["annotations"] = JsonObject{{"k8s.io/initial-events-end", "true"}};
  return JsonObject{{"metadata", std::move(metadata)}};
}

}  // namespace

ApiServer::ApiServer(net::Loop& loop) : loop_(loop) {
  store.on_event = [this](const Store::Event& event) {
    history_.push_back(event);
    loop_.post([this] { pump(); });
  };
}

ApiServer::Address ApiServer::address_of(const net::Request& request) const {
  Address out;
  const auto question = request.target.find('?');
  if (question != std::string::npos) {
    for (const auto& pair : split(request.target.substr(question + 1), '&')) {
      const auto equals = pair.find('=');
      out.query[pair.substr(0, equals)] = equals == std::string::npos ? "" : decoded(pair.substr(equals + 1));
    }
  }
  auto parts = split(request.target.substr(1, question - 1), '/');
  const std::string group = parts[0] == "api" ? "" : parts[1];
  parts.erase(parts.begin(), parts.begin() + (group.empty() ? 2 : 3));
  if (parts.size() > 1 && parts[0] == "namespaces") {
    out.key.ns = decoded(parts[1]);
    parts.erase(parts.begin(), parts.begin() + 2);
  }
  out.resource = store.resource_of(group, parts[0]);
  if (parts.size() > 1) out.key.name = decoded(parts[1]);
  if (parts.size() > 2) out.subresource = parts[2];
  return out;
}

bool ApiServer::matches(const Address& address, const Json& object) {
  const auto key = key_of(object);
  if (!address.key.ns.empty() && address.key.ns != key.ns) return false;
  if (const auto field = address.query.find("fieldSelector");
      field != address.query.end() && field->second != "metadata.name=" + key.name)
    return false;
  const auto labels = address.query.find("labelSelector");
  if (labels == address.query.end()) return true;
  const auto wanted = split(labels->second, ',');
  return std::all_of(wanted.begin(), wanted.end(), [&](const std::string& one) {
    const auto equals = one.find('=');
    const Json& live = at(object, "metadata", "labels", one.substr(0, equals));
    return equals == std::string::npos ? live.is_string() : as_string(live) == one.substr(equals + 1);
  });
}

Result<std::string> ApiServer::read(const Address& address) const {
  if (!address.key.name.empty()) return text_of(store.get(*address.resource, address.key));
  JsonArray items;
  for (const auto* object : store.list(*address.resource)) {
    if (matches(address, *object)) items.push_back(*object);
  }
  return to_text(JsonObject{{"metadata", JsonObject{{"resourceVersion", store.version()}}}, {"items", std::move(items)}});
}

Store::Answer ApiServer::write(const Address& address, const net::Request& request) {
  const auto manager = address.query.contains("fieldManager") ? address.query.at("fieldManager")
                                                              : std::string(net::header(request.headers, "User-Agent"));
  const Json body = json(request.body);
  const auto& resource = *address.resource;
  if (request.method == "POST") return store.create(resource, body, manager);
  if (request.method == "PUT") return store.replace(resource, body);
  if (request.method == "DELETE") {
    return store.remove(resource, address.key, std::string(as_string(at(body, "preconditions", "uid"))),
                        std::string(as_string(at(body, "preconditions", "resourceVersion"))));
  }
  const bool is_apply = net::header(request.headers, "Content-Type") == "application/apply-patch+yaml";
  return is_apply ? store.apply(resource, body, address.subresource, manager, address.query.contains("force"))
                  : store.merge_patch(resource, address.key, body, address.subresource, manager);
}

net::Response ApiServer::carry_out(const net::Request& request) {
  const auto address = address_of(request);
  if (!address.resource) return {404, {}, "404 page not found"};
  if (request.method != "GET") {
    const std::string name = address.key.name.empty() ? key_of(json(request.body)).name : address.key.name;
    writes.push_back(request.method + " " + std::string(address.resource->plural) + "/" + name +
                     (address.subresource.empty() ? "" : "/" + address.subresource));
  }
  const auto result = request.method == "GET" ? read(address) : text_of(write(address, request));
  if (result) return {request.method == "POST" ? 201 : 200, {}, *result};
  const auto [status, body] = http_status(result.error());
  net::Headers headers;
  if (result.error().retry_after_s > 0) headers.emplace_back("Retry-After", std::to_string(result.error().retry_after_s));
  return {status, std::move(headers), body};
}

void ApiServer::answer(const std::shared_ptr<Call>& call) {
  loop_.post([this, call] {
    if (!call->done) return;
    auto response = carry_out(call->request);
    if (auto done = std::exchange(call->done, nullptr)) done(std::move(response));
  });
}

net::Handle ApiServer::send(net::Request request, std::function<void(Result<net::Response>)> done) {
  auto call = std::make_shared<Call>(Call{std::move(request), std::move(done)});
  switch (fate ? fate(call->request) : Fate::kAnswered) {
    case Fate::kAnswered:
      answer(call);
      break;
    case Fate::kHeld:
      held_.push_back(call);
      break;
    case Fate::kLost:
      carry_out(call->request);
      [[fallthrough]];
    case Fate::kDropped:
      loop_.post([call] {
        if (auto told = std::exchange(call->done, nullptr)) told(fail(Code::kTimeout, "no answer in time"));
      });
  }
  return net::Handle([call] { call->done = nullptr; });
}

net::Handle ApiServer::stream(net::Request request, net::StreamEvents events) {
  auto stream = std::make_shared<Stream>(Stream{address_of(request), std::move(events), {}, 0, false});
  streams_.push_back(stream);
  loop_.post([this, stream] { pump(stream); });
  return net::Handle([this, stream] {
    stream->events = {};
    streams_.remove(stream);
  });
}

void ApiServer::pump() {
  for (const auto& stream : std::list(streams_)) pump(stream);
}

void ApiServer::pump(const std::shared_ptr<Stream>& stream) {
  // Each is a copy: whoever is told may drop the stream.
  const auto say = [&](const std::string& text) {
    if (auto tell = stream->events.on_data) tell(text);
  };
  const auto& address = stream->address;
  if (!address.resource || held_watches.contains(std::string(address.resource->plural))) return;
  if (!std::exchange(stream->told_list, true)) {
    const bool list = address.query.contains("sendInitialEvents");
    if (auto head = stream->events.on_head) head(list && !streams_lists ? 422 : 200, {});
    if (list && !streams_lists) {
      if (auto end = std::exchange(stream->events, {}).on_end) end({});
      return;
    }
    if (list) {
      for (const auto* object : store.list(*address.resource)) {
        if (!matches(address, *object)) continue;
        stream->shown.insert(key_of(*object));
        say(line("ADDED", *object));
      }
      stream->told = history_.size();
      say(line("BOOKMARK", bookmark(store.version(), true)));
    } else {
      const auto& since = address.query.at("resourceVersion");
      while (stream->told < history_.size() && !kube::version_less(since, history_[stream->told].version)) ++stream->told;
    }
  }
  while (stream->told < history_.size()) {
    const Store::Event event = history_[stream->told++];
    if (event.resource != *address.resource) continue;
    const auto key = key_of(*event.object);
    const bool shown = stream->shown.contains(key), fits = matches(address, *event.object);
    if (event.type == "DELETED" || (shown && !fits)) {
      stream->shown.erase(key);
      if (shown || fits) say(line("DELETED", *event.object));
    } else if (fits) {
      stream->shown.insert(key);
      say(line(event.type, *event.object));
    }
  }
}

void ApiServer::cut_streams() {
  for (const auto& stream : std::exchange(streams_, {})) {
    if (auto end = std::exchange(stream->events, {}).on_end) end(fail(Code::kUnavailable, "connection reset"));
  }
}

void ApiServer::release() {
  held_watches.clear();
  for (const auto& call : std::exchange(held_, {})) answer(call);
  loop_.post([this] { pump(); });
}

TEST_CASE("an API server that follows its objects") {
  net::Loop loop;
  ApiServer server(loop);
  std::string seen;
  int status = 0;
  const auto watch =
      server.stream({"GET", "/apis/knfe.io/v1alpha1/networks?watch=1&sendInitialEvents=true&labelSelector=a%3Db", {}, {}},
                    {{},
                     [&](std::string_view text) {
                       const Json event = json(text.substr(0, text.size() - 1));
                       seen += std::string(as_string(at(event, "type"))) + " ";
                     },
                     {}});
  const auto call = [&](const net::Request& request) {
    auto handle = server.send(request, [&](Result<net::Response> response) { status = response ? response->status : 0; });
    settle(loop);
    return status;
  };
  const Json object = json(R"({"metadata":{"name":"x","namespace":"n","labels":{"a":"b"}},"spec":{"subnets":[]}})");
  CHECK(call(kube::create_request(api::Network::resource, object)) == 201);
  CHECK(call(kube::create_request(api::Network::resource, object)) == 409);
  CHECK(call(kube::get_request(api::Network::resource, {"n", "x"})) == 200);
  CHECK(call(kube::merge_patch_request(api::Network::resource, {"n", "x"}, json(R"({"metadata":{"labels":{"a":"c"}}})"), "",
                                       "m")) == 200);
  CHECK(seen == "BOOKMARK ADDED DELETED ");
  server.fate = [](const net::Request&) { return ApiServer::Fate::kLost; };
  CHECK(call(kube::delete_request(api::Network::resource, {"n", "x"}, {})) == 0);
  CHECK_FALSE(server.store.get(api::Network::resource, {"n", "x"}));
  CHECK(server.writes.back() == "DELETE networks/x");
}

}  // namespace knfe::fakes
