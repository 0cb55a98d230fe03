#include "test/fakes/replay_test.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "cmd/all_operators.h"
#include "runtime/recorder.h"
#include "test/fakes/api_server_test.h"
#include "test/fakes/folder_test.h"
#include "test/fakes/json_test.h"

namespace knfe::fakes {

namespace {

std::string path(std::string_view target) { return std::string(target.substr(0, target.find('?'))); }

// Requests that come when they come, and say something else each time.
bool is_talk(std::string_view target) {
  return target.find("/coordination.k8s.io/") != std::string_view::npos ||
         target.find("/events.k8s.io/") != std::string_view::npos;
}

// Times of day (2026-01-02T03:04:05Z, with or without a fraction) all read "TIME".
std::string without_times(std::string_view text) {
  std::string out;
  const auto is_time = [](std::string_view rest) {
    constexpr std::string_view kForm = "0000-00-00T00:00:00";
    return rest.size() > kForm.size() && std::equal(kForm.begin(), kForm.end(), rest.begin(), [](char form, char c) {
             return form == '0' ? c >= '0' && c <= '9' : c == form;
           });
  };
  while (!text.empty()) {
    if (is_time(text)) {
      out += "TIME";
      text.remove_prefix(std::min(text.size(), text.find('Z') + 1));
    } else {
      out += text.front();
      text.remove_prefix(1);
    }
  }
  return out;
}

std::string name_of(const Json& line) {
  return std::string(as_string(at(line, "ask"))) + " " + path(as_string(at(line, "target")));
}

Error error_of(const Json& line) {
  Error error{Code::kUnavailable, std::string(as_string(at(line, "message"))), {}, {}, 0};
  for (const auto code : {Code::kTimeout, Code::kCanceled, Code::kInternal, Code::kInvalid}) {
    if (name(code) == as_string(at(line, "failed"))) error.code = code;
  }
  return error;
}

net::Headers headers_of(const Json& line) {
  const auto after = as_string(at(line, "retryAfter"));
  return after.empty() ? net::Headers{} : net::Headers{{"Retry-After", std::string(after)}};
}

}  // namespace

Replay::Replay(net::Loop& loop, Time& time, std::string_view recording) : loop_(loop), time_(time) {
  for (std::size_t end = recording.find('\n'); end != std::string_view::npos; end = recording.find('\n')) {
    auto line = parse_json(recording.substr(0, end));
    KNFE_CHECK(line.has_value());
    lines_.push_back(std::move(*line));
    recording.remove_prefix(end + 1);
  }
  broken_off_ = !recording.empty();
  KNFE_CHECK(!lines_.empty());
  about_ = std::move(lines_.front());
  lines_.pop_front();
}

net::Handle Replay::remember(Exchange&& asked) {
  auto exchange = pending_.emplace_back(std::make_shared<Exchange>(std::move(asked)));
  return net::Handle([exchange] {
    exchange->open = false;
    exchange->done = nullptr;
    exchange->events = {};
  });
}

net::Handle Replay::send(net::Request request, std::function<void(Result<net::Response>)> done) {
  return remember({std::move(request), std::move(done), {}});
}
net::Handle Replay::stream(net::Request request, net::StreamEvents events) {
  return remember({std::move(request), {}, std::move(events)});
}

void Replay::differs(const Json& line, const std::string& what) {
  differences_.push_back("after " + std::to_string(as_int(at(line, "t"))) + " ms: " + what);
}

bool Replay::expect(const Json& line) {
  const std::string wanted = name_of(line), body = without_times(as_string(at(line, "body")));
  const bool talk = is_talk(as_string(at(line, "target")));
  for (int second = 0; second < 60; ++second) {
    auto found = pending_.end();
    for (auto one = pending_.begin(); one != pending_.end(); ++one) {
      const auto& request = (*one)->request;
      if (request.method + " " + path(request.target) != wanted) continue;
      const bool same = talk || without_times(request.body) == body;
      if (found == pending_.end() || same) found = one;
      if (same) break;
    }
    if (found != pending_.end()) {
      const std::string now = without_times((*found)->request.body);
      if (!talk && now != body) differs(line, wanted + " said then\n  " + body + "\nand says now\n  " + now);
      by_number_[as_int(at(line, "n"))] = *found;
      pending_.erase(found);
      return true;
    }
    time_.pass(loop_, std::chrono::milliseconds(second ? 1000 : 20));
  }
  return false;
}

void Replay::tell(const Json& line) {
  const auto found = by_number_.find(as_int(at(line, "n")));
  if (found == by_number_.end() || !found->second->open) return;
  const auto exchange = found->second;
  const auto finish = [&](Result<net::Response> response) {
    exchange->open = false;
    if (auto done = std::exchange(exchange->done, nullptr)) done(std::move(response));
  };
  const auto end = [&](Result<void> result) {
    exchange->open = false;
    if (auto ended = std::exchange(exchange->events, {}).on_end) ended(std::move(result));
  };
  if (const auto* status = line.as_object().if_contains("answer")) {
    finish(net::Response{static_cast<int>(as_int(*status)), headers_of(line), std::string(as_string(at(line, "body")))});
  } else if (const auto* head = line.as_object().if_contains("head")) {
    if (auto then = exchange->events.on_head) then(static_cast<int>(as_int(*head)), headers_of(line));
  } else if (const auto* data = line.as_object().if_contains("data")) {
    if (auto then = exchange->events.on_data) then(as_string(*data));
  } else if (line.as_object().contains("failed")) {
    exchange->done ? finish(std::unexpected(error_of(line))) : end(std::unexpected(error_of(line)));
  } else {
    end({});
  }
}

std::vector<std::string> Replay::run() {
  const auto start = boot_now();
  for (; !lines_.empty(); lines_.pop_front()) {
    const Json& line = lines_.front();
    // Where the operator was later than then, what follows catches up.
    const auto wait = Duration(as_int(at(line, "t"))) - (boot_now() - start);
    if (wait.count() > 0) time_.pass(loop_, wait);
    const bool asks = line.as_object().contains("ask");
    // What was told in one turn of the loop is told in one turn: plans are made after it.
    if (!asks) {
      tell(line);
      continue;
    }
    settle(loop_);
    if (!expect(line) && !is_talk(as_string(at(line, "target")))) {
      differs(line, "did not ask " + name_of(line));
      break;  // what comes after it follows from it
    }
  }
  // What the last line leads to came after the recording; where that broke off, what was asked beside it may have, too.
  if (broken_off_) return differences_;
  for (const auto& left : pending_) {
    if (left->open && left->request.method != "GET" && !is_talk(left->request.target)) {
      differences_.push_back("at the end: asks " + left->request.method + " " + left->request.target +
                             ", as nobody did then\n  " + left->request.body);
    }
  }
  return differences_;
}

namespace {

struct Life {
  Life(net::Loop& loop, net::Client& server, const Json& about) : all(std::string(as_string(at(about, "agentImage")))) {
    kube::Config config;
    config.name = as_string(at(about, "name"));
    runtime::OperatorSettings settings{
        std::string(as_string(at(about, "ns"))), {}, std::string(as_string(at(about, "identity"))), {}};
    const std::string lease(as_string(at(about, "lease")));
    if (const auto slash = lease.find('/'); slash != std::string::npos)
      settings.lease = {lease.substr(0, slash), lease.substr(slash + 1)};
    operators.emplace(loop, server, config, settings);
    all.join(*operators);
    operators->start();
  }
  cmd::AllOperators all;
  std::optional<runtime::Operator> operators;
};

const Json kAbout =
    JsonObject{{"name", "knfe"}, {"ns", ""}, {"lease", "knfe-system/knfe"}, {"identity", "me"}, {"agentImage", "image"}};

// A network and a connection point come; one answer is lost, one request is refused for a while; the point goes.
std::string record() {
  const Folder folder;
  const std::string file = folder.path() + "/recording";
  {
    Time time;
    net::Loop loop;
    ApiServer server(loop);
    auto recorder = runtime::Recorder::open(file, kAbout.as_object(), server);
    REQUIRE(recorder);
    Life life(loop, **recorder, kAbout);
    time.pass(loop, std::chrono::seconds(2));
    int posts = 0;
    server.fate = [&](const net::Request& request) {
      const bool lost = request.target.find("/allocations") != std::string::npos && request.method == "POST" && ++posts == 1;
      return lost ? ApiServer::Fate::kLost : ApiServer::Fate::kAnswered;
    };
    CHECK(server.store.create(
        api::Network::resource,
        json(R"({"metadata":{"name":"net","namespace":"n"},"spec":{"subnets":[{"name":"a","cidr":"10.0.0.0/24"}]}})")));
    CHECK(server.store.create(
        api::ConnectionPoint::resource,
        json(R"({"metadata":{"name":"point","namespace":"n"},"spec":{"networkRef":{"name":"net"},"interface":"net"}})")));
    time.pass(loop, std::chrono::seconds(5));
    server.cut_streams();
    time.pass(loop, std::chrono::seconds(5));
    CHECK(server.store.remove(api::ConnectionPoint::resource, {"n", "point"}));
    time.pass(loop, std::chrono::seconds(5));
    CHECK(posts >= 1);
    CHECK(server.writes.size() > 5);
  }
  std::stringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

std::vector<std::string> replay(std::string_view recording) {
  Time time;
  net::Loop loop;
  Replay server(loop, time, recording);
  const Life life(loop, server, server.about());
  return server.run();
}

std::string text(const std::vector<std::string>& lines) {
  std::string out;
  for (const auto& line : lines) out += line + "\n";
  return out;
}

}  // namespace

TEST_CASE("what was recorded replays with the same plans, as often as one likes") {
  const std::string recording = record();
  for (int i = 0; i < 3; ++i) CHECK(text(replay(recording)) == "");
}

TEST_CASE("plans that are not those of the recording are told of") {
  std::string recording = record();
  // As if what was planned then had been something else.
  const auto was = recording.find("knfe.io/address-claimed");
  REQUIRE(was != std::string::npos);
  recording.replace(was, 23, "knfe.io/address-changed");
  CHECK(text(replay(recording)) != "");
  // As if one write less had been made: the last is left out.
  recording = record();
  const auto last = recording.rfind("\"ask\":\"PATCH\",\"target\":\"/apis/knfe.io");
  REQUIRE(last != std::string::npos);
  const auto begin = recording.rfind('\n', last) + 1;
  recording.erase(begin, recording.find('\n', last) + 1 - begin);
  CHECK(text(replay(recording)).find("as nobody did then") != std::string::npos);
}

TEST_CASE("a recording that broke off within a line replays up to there") {
  const std::string recording = record();
  CHECK(text(replay(std::string_view(recording).substr(0, recording.size() / 2))) == "");
}

// An incident becomes a test by putting its recording there.
TEST_CASE("recordings of incidents replay with the same plans") {
  if (!std::filesystem::is_directory(KNFE_RECORDINGS)) return;
  for (const auto& entry : std::filesystem::directory_iterator(KNFE_RECORDINGS)) {
    if (entry.path().extension() != ".jsonl") continue;
    std::stringstream recording;
    recording << std::ifstream(entry.path()).rdbuf();
    CAPTURE(entry.path().string());
    CHECK(text(replay(recording.str())) == "");
  }
}

}  // namespace knfe::fakes
