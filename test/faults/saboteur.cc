#include "test/faults/saboteur.h"

#include <algorithm>
#include <set>

#include "base/json.h"

namespace knfe::faults {

namespace {

using Done = std::function<void(Result<net::Response>)>;

constexpr const char* kMark = "example.com/pod-made";

// The answer without the version of what was written.
void forget_version(net::Response& response) {
  auto body = parse_json(response.body);
  if (!body || !body->is_object()) return;
  if (auto* metadata = body->as_object().if_contains("metadata"); metadata && metadata->is_object()) {
    metadata->as_object().erase("resourceVersion");
  }
  response.body = to_text(*body);
}

std::string path_of(const net::Request& request) { return request.target.substr(0, request.target.find('?')); }

// What a watch is of, whatever version it begins at.
std::string subject_of(const std::string& target) {
  const auto selector = target.find("labelSelector=");
  return target.substr(0, target.find('?')) + (selector == std::string::npos ? "" : target.substr(selector));
}

// Of an object; not a list.
bool is_of_one(const std::string& path) {
  const auto begin = path.find("/namespaces/");
  return begin != std::string::npos && std::count(path.begin() + static_cast<std::ptrdiff_t>(begin), path.end(), '/') == 4;
}

}  // namespace

net::Handle Saboteur::send(net::Request request, Done done) {
  if (bug_ == Bug::kStaleRead && request.method == "GET" && is_of_one(path_of(request))) {
    return loop_.after(Duration(0), [done = std::move(done), answer = remembered(request)] { done(answer); });
  }
  if (request.method == "GET" || request.target.find("/leases") != std::string::npos) {
    return inner_.send(std::move(request), std::move(done));
  }
  if (bug_ == Bug::kStaleRead) {
    done = [done = std::move(done)](Result<net::Response> response) {
      if (response) forget_version(*response);
      done(std::move(response));
    };
  }
  if (bug_ == Bug::kLostReply) {
    done = [done = std::move(done), body = request.body](Result<net::Response> response) {
      if (!response) {
        response = net::Response{200, {}, body};
        forget_version(*response);
      }
      done(std::move(response));
    };
  }
  if (bug_ == Bug::kMarkFirst && request.method == "POST" && path_of(request).ends_with("/pods")) {
    return mark_first(std::move(request), std::move(done));
  }
  return inner_.send(std::move(request), std::move(done));
}

// What the watches have told of an object, as the answer to who asks the API server for it.
Result<net::Response> Saboteur::remembered(const net::Request& request) const {
  const std::string path = path_of(request);
  const auto collection = path.substr(0, path.rfind('/'));
  const auto begin = path.find("/namespaces/") + 12;
  const std::string key = path.substr(begin, path.find('/', begin) - begin) + path.substr(path.rfind('/'));
  for (const auto& [subject, seen] : seen_) {
    const auto line = seen.lines.find(key);
    if (!subject.starts_with(collection) || line == seen.lines.end()) continue;
    if (const auto event = parse_json(line->second)) return net::Response{200, {}, to_text(at(*event, "object"))};
  }
  // With its name: a 404 without one says that there is no such kind.
  const JsonObject details{{"name", key.substr(key.find('/') + 1)}};
  return net::Response{
      404, {}, to_text(JsonObject{{"kind", "Status"}, {"code", 404}, {"reason", "NotFound"}, {"details", details}})};
}

net::Handle Saboteur::mark_first(net::Request request, Done done) {
  struct Chain {
    net::Request create;
    Done done;
    net::Handle call, before;
  };
  auto chain = std::make_shared<Chain>();
  const auto pod = parse_json(request.body);
  const std::string name(pod ? as_string(at(*pod, "metadata", "name")) : "");
  const std::string pods = path_of(request);
  net::Request look = request;
  look.method = "GET";
  look.target = "/apis/knfe.io/v1alpha1" + pods.substr(pods.find("/namespaces"), pods.size() - pods.find("/namespaces") - 5) +
                "/members/" + name;
  look.body.clear();
  chain->create = std::move(request);
  chain->done = std::move(done);
  chain->call = inner_.send(look, [this, chain, look](Result<net::Response> member) {
    const auto found = member && member->status == 200 ? parse_json(member->body) : Result<Json>(Json());
    if (found && !at(*found, "metadata", "annotations", kMark).is_null()) {
      return std::exchange(chain->done, nullptr)(net::Response{201, {}, chain->create.body});  // made long since
    }
    net::Request note = look;
    note.method = "PATCH";
    for (auto& [header, value] : note.headers) {
      if (header == "Content-Type") value = "application/merge-patch+json";
    }
    note.body = to_text(JsonObject{{"metadata", JsonObject{{"annotations", JsonObject{{kMark, "yes"}}}}}});
    chain->before = std::move(chain->call);  // this runs in its callback
    chain->call = inner_.send(std::move(note), [this, chain](Result<net::Response> noted) {
      if (!noted || noted->status != 200) return std::exchange(chain->done, nullptr)(std::move(noted));
      chain->before = std::move(chain->call);
      chain->call = inner_.send(std::move(chain->create), [chain](Result<net::Response> made) {
        if (auto call = std::exchange(chain->done, nullptr)) call(std::move(made));
      });
    });
  });
  return net::Handle([chain] {
    chain->done = nullptr;
    chain->before.reset();
    chain->call.reset();
  });
}

net::Handle Saboteur::stream(net::Request request, net::StreamEvents events) {
  if (bug_ != Bug::kMissedEvent && bug_ != Bug::kStaleRead) return inner_.stream(std::move(request), std::move(events));
  auto& seen = seen_[subject_of(request.target)];
  const bool again =
      bug_ == Bug::kMissedEvent && ++seen.streams > 1 && request.target.find("sendInitialEvents") != std::string::npos;
  auto listed = std::make_shared<std::set<std::string>>();
  auto buffer = std::make_shared<std::string>();
  events.on_data = [&seen, again, listed, buffer, tell = std::move(events.on_data)](std::string_view piece) {
    *buffer += piece;
    std::string out;
    for (std::size_t end; (end = buffer->find('\n')) != std::string::npos; buffer->erase(0, end + 1)) {
      const std::string line = buffer->substr(0, end + 1);
      if (const auto event = parse_json(line)) {
        const Json& metadata = at(*event, "object", "metadata");
        const std::string name =
            std::string(as_string(at(metadata, "namespace"))) + "/" + std::string(as_string(at(metadata, "name")));
        const auto type = as_string(at(*event, "type"));
        if (type == "DELETED") {
          seen.lines.erase(name);
        } else if (type == "ADDED" || type == "MODIFIED") {
          seen.lines[name] = line;
          listed->insert(name);
        } else if (again && !at(metadata, "annotations", "k8s.io/initial-events-end").is_null()) {
          for (const auto& [missing, last] : seen.lines) {
            if (!listed->contains(missing)) out += last;
          }
        }
      }
      out += line;
    }
    if (!out.empty()) tell(out);
  };
  return inner_.stream(std::move(request), std::move(events));
}

}  // namespace knfe::faults
