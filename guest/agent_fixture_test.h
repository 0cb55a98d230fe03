// A guest agent in a folder of its own, before an API server that holds its Member and its list, with hooks that tell of their
// runs. Hooks are real processes; time is the test's.
#pragma once

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <optional>

#include "guest/agent.h"
#include "test/fakes/api_server_test.h"
#include "test/fakes/folder_test.h"
#include "test/fakes/json_test.h"
#include "test/fakes/time_test.h"

namespace knfe::guest {

struct AgentFixture {
  static constexpr api::Resource kMaps = api::ConfigMap::resource;
  static constexpr api::Resource kMembers = api::Member::resource;
  const api::Key kList{"n", "f-peers"}, kMember{"n", "f-r-0"};

  fakes::Time time;
  fakes::Folder folder;
  net::Loop loop;
  fakes::ApiServer server{loop};
  kube::ApiClient api{server, kube::Config{}};
  Identity identity{"n", "f", "f-r-0", "pod", {}};
  std::optional<Agent> agent;
  int gate = -1;

  AgentFixture() {
    while (::waitpid(-1, nullptr, WNOHANG) > 0) {
    }
    put_member();
    put_list("f-r-0=Joining");
  }
  ~AgentFixture() {
    agent.reset();
    if (gate >= 0) ::close(gate);
    fakes::until(loop, [] { return !hooks_run(); });
  }

  // Appends a line to the file "runs", waits at its gate if there is one, and fails if there is a file "fail-NAME".
  api::Hook hook(const std::string& name) const {
    return {
        {"/bin/sh", "-c", "cd $0; echo $1 >> runs; [ ! -p gate-$1 ] || read x < gate-$1; [ ! -e fail-$1 ]", folder.path(), name}};
  }
  void with_hooks() {
    identity.membership.joined = hook("joined");
    identity.membership.peers_changed = hook("peersChanged");
    identity.membership.leave = hook("leave");
  }
  void fails(const std::string& name) const { folder.write("fail-" + name, ""); }
  void succeeds(const std::string& name) const { folder.remove("fail-" + name); }
  void close_gate(const std::string& name) {
    const std::string path = folder.at("gate-" + name);
    KNFE_CHECK(::mkfifo(path.c_str(), 0600) == 0);
    gate = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
    KNFE_CHECK(gate >= 0);
  }
  void open_gate(const std::string& name) const {
    folder.remove("gate-" + name);
    KNFE_CHECK(::write(gate, "\n", 1) == 1);
  }
  // The hooks that have run since this was last asked, in order.
  std::string runs() const {
    std::string out = folder.read("runs");
    folder.remove("runs");
    for (char& c : out) c = c == '\n' ? ' ' : c;
    return out;
  }
  bool began(const std::string& name) {
    return fakes::until(loop, [&] { return folder.read("runs") == name + "\n"; });
  }

  // With this hook held up: it has begun, and ends when its gate opens.
  void start_held(const char* hook) {
    close_gate(hook);
    agent.emplace(loop, api, identity, folder.path());
    REQUIRE(agent->start());
    REQUIRE(began(hook));
  }
  void start() {
    agent.emplace(loop, api, identity, folder.path());
    KNFE_CHECK(agent->start());
    rest();
  }
  static bool hooks_run() {
    siginfo_t info{};
    return ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 || errno != ECHILD;
  }
  // All that needs no time to pass, but for that of hooks.
  void rest() {
    fakes::settle(loop);
    while (hooks_run()) {
      KNFE_CHECK(fakes::until(loop, [] { return !hooks_run(); }));
      fakes::settle(loop);
    }
  }
  // Time passes; hooks take none of it.
  void pass(Duration total) {
    for (const Duration step{100}; total > Duration(0); total -= step) {
      time.pass(loop, std::min(step, total));
      rest();
    }
  }

  void put_member() {
    KNFE_CHECK(server.store.create(kMembers, fakes::json(R"({"metadata": {"name": "f-r-0", "namespace": "n"}, "spec": {
      "function": "f", "role": "r", "ordinal": 0, "desired": "Serving", "workload": {"pod": {"spec": {}}}}})")));
  }
  void want(const std::string& desired) {
    KNFE_CHECK(server.store.merge_patch(kMembers, kMember, JsonObject{{"spec", JsonObject{{"desired", desired}}}}, "", "knfe"));
    rest();
  }
  // "NAME=STATE NAME=STATE!", where "!" is for whoever is asked to leave.
  static std::string list_of(const std::string& members) {
    std::string out;
    for (std::size_t begin = 0, end; begin < members.size(); begin = end + 1) {
      end = std::min(members.find(' ', begin), members.size());
      std::string entry = members.substr(begin, end - begin);
      const bool leave = entry.ends_with('!');
      if (leave) entry.pop_back();
      const auto equals = entry.find('=');
      out += (out.empty() ? "" : ",") + std::string(R"({"name":")") + entry.substr(0, equals) +
             R"(","role":"r","addresses":{"core":["10.0.0.1"]},"state":")" + entry.substr(equals + 1) + "\"" +
             (leave ? R"(,"leave":true})" : "}");
    }
    return R"({"function":"f","members":[)" + out + "]}";
  }
  void put_list_text(const std::string& text) {
    JsonObject map = api::skeleton(kMaps, kList);
    map["data"] = JsonObject{{"members.json", text}};
    KNFE_CHECK(server.store.apply(kMaps, map, "", "knfe"));
  }
  void put_list(const std::string& members) { put_list_text(list_of(members)); }
  void remove_list() { KNFE_CHECK(server.store.remove(kMaps, kList)); }

  Json member() const {
    const Json* live = server.store.look(kMembers, kMember);
    return live ? *live : Json();
  }
  // "True Serving: The member takes traffic."
  std::string told(std::string_view type) const {
    const Json live = member();
    for (const auto& one : as_array(at(live, "status", "conditions"))) {
      if (as_string(at(one, "type")) != type) continue;
      return std::string(as_string(at(one, "status"))) + " " + std::string(as_string(at(one, "reason"))) + ": " +
             std::string(as_string(at(one, "message")));
    }
    return {};
  }
  bool tells(std::string_view type, std::string_view how) const { return told(type).starts_with(how); }
  // How many reports have been written since this was last asked.
  std::size_t reports() { return std::exchange(server.writes, {}).size(); }
};

}  // namespace knfe::guest
