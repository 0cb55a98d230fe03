#include "test/fakes/api_server_test.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "api/network.h"
#include "kube/request.h"
#include "test/fakes/json_test.h"
#include "test/fakes/time_test.h"

namespace knfe::fakes {

using api::key_of;

ApiServer::ApiServer(net::Loop& loop) : loop_(loop) {
  store.on_event = [this](const Store::Event& event) {
    history_.push_back(event);
    loop_.post([this] { pump(); });
  };
}

net::Response ApiServer::carry_out(const net::Request& request) {
  if (request.target == "/apis") {
    const std::string other = other_version.empty() ? "" : R"(,{"version":")" + other_version + R"("})";
    return {200, {}, R"({"groups":[{"name":"knfe.io","versions":[{"version":"v1alpha1"})" + other + "]}]}"};
  }
  const bool ours = request.target == "/apis/knfe.io/v1alpha1";
  if (ours || (!other_version.empty() && request.target == "/apis/knfe.io/" + other_version)) {
    std::string served;
    for (const char* plural : {"networks", "connectionpoints", "allocations", "members", "membersets"}) {
      if (!ours || !unserved.contains(plural))
        served += std::string(served.empty() ? "" : ",") + R"({"name":")" + plural + R"("})";
    }
    return {200, {}, R"({"resources":[)" + served + "]}"};
  }
  const auto call = *call_of(request.target);
  if (call.resource && unserved.contains(std::string(call.resource->plural))) return {404, {}, "404 page not found"};
  if (call.resource && request.method != "GET") {
    const std::string name = call.key.name.empty() ? key_of(json(request.body)).name : call.key.name;
    writes.push_back(request.method + " " + std::string(call.resource->plural) + "/" + name +
                     (call.subresource.empty() ? "" : "/" + call.subresource));
  }
  return fakes::carry_out(store, call, request);
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
  auto stream = std::make_shared<Stream>(Stream{*call_of(request.target), std::move(events), {}, 0, false});
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
  const auto& call = stream->call;
  if (!call.resource || held_watches.contains(std::string(call.resource->plural))) return;
  if (!std::exchange(stream->told_list, true)) {
    if (unserved.contains(std::string(call.resource->plural))) {
      if (auto head = stream->events.on_head) head(404, {});
      if (auto end = std::exchange(stream->events, {}).on_end) end({});
      return;
    }
    const bool list = call.query.contains("sendInitialEvents");
    if (auto head = stream->events.on_head) head(list && !streams_lists ? 422 : 200, {});
    if (list && !streams_lists) {
      if (auto end = std::exchange(stream->events, {}).on_end) end({});
      return;
    }
    if (list) {
      for (const auto* object : store.list(*call.resource)) {
        if (!call.selects(*object)) continue;
        stream->shown.insert(key_of(*object));
        say(event_line("ADDED", object->text()));
      }
      stream->told = history_.size();
      say(bookmark_line(store.version(), true));
    } else {
      const auto& since = call.query.at("resourceVersion");
      while (stream->told < history_.size() && api::Version(since) >= api::Version(history_[stream->told].version))
        ++stream->told;
    }
  }
  while (stream->told < history_.size()) {
    const Store::Event event = history_[stream->told++];
    if (event.resource != *call.resource) continue;
    const auto key = key_of(*event.object);
    const bool shown = stream->shown.contains(key), fits = call.selects(*event.object);
    if (event.type == "DELETED" || (shown && !fits)) {
      stream->shown.erase(key);
      if (shown || fits) say(event_line("DELETED", event.object->text()));
    } else if (fits) {
      stream->shown.insert(key);
      say(event_line(event.type, event.object->text()));
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
