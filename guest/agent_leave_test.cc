#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>

#include "guest/agent_fixture_test.h"

namespace knfe::guest {

using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

// An agent of a member that serves, as everybody's list says.
struct Serving : AgentFixture {
  Serving() {
    with_hooks();
    put_list("f-r-0=Serving f-r-1=Serving");
    start();
    runs();
    reports();
  }
  // What of the leave hook has run since this was last asked.
  std::string left() const {
    std::string out;
    const std::string all = runs();
    for (std::size_t found = 0; (found = all.find("leave ", found)) != std::string::npos; ++found) out += "leave ";
    return out;
  }
};

// Who rings and waits, as the preStop hook does.
class Visitor {
 public:
  explicit Visitor(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    KNFE_CHECK(::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  }
  ~Visitor() { ::close(fd_); }
  bool let_go() {
    char answer[8];
    let_go_ = let_go_ || ::recv(fd_, answer, sizeof answer, MSG_DONTWAIT) > 0;
    return let_go_;
  }

 private:
  int fd_;
  bool let_go_ = false;
};

}  // namespace

TEST_CASE_FIXTURE(Serving, "who is asked to leave gets no new traffic at once, and drains a second after all were told") {
  want("Left");
  CHECK(told("Serving") == "False Leaving: The member gets no new traffic.");
  CHECK(told("Left") == "False Draining: Draining.");
  CHECK(tells("Joined", "True"));
  pass(seconds(6));
  CHECK(runs() == "");
  put_list("f-r-0=Leaving! f-r-1=Serving");
  rest();
  pass(milliseconds(900));
  CHECK(left() == "");
  CHECK(tells("Left", "False Draining"));
  pass(milliseconds(200));
  CHECK(left() == "leave ");
  CHECK(told("Left") == "True Left: The member has left the cluster.");
  // That is all.
  reports();
  pass(seconds(6));
  CHECK(runs() == "");
  CHECK(reports() == 0);
}

TEST_CASE_FIXTURE(Serving, "the second counts from when the list first said so") {
  put_list("f-r-0=Leaving! f-r-1=Serving");
  rest();
  pass(milliseconds(600));
  put_list("f-r-0=Leaving!");
  rest();
  pass(milliseconds(500));
  CHECK(left() == "leave ");
}

TEST_CASE_FIXTURE(Serving, "who is on no list any more need not wait for it") {
  SUBCASE("the list is gone") { remove_list(); }
  SUBCASE("the list is of others") { put_list("f-r-1=Serving"); }
  rest();
  pass(seconds(6));
  CHECK(left() == "");
  want("Left");
  pass(milliseconds(900));
  CHECK(left() == "");
  pass(milliseconds(200));
  CHECK(left() == "leave ");
}

TEST_CASE_FIXTURE(Serving, "a list that was gone and came back is waited for again") {
  remove_list();
  rest();
  put_list("f-r-0=Serving f-r-1=Serving");
  rest();
  want("Left");
  pass(seconds(5));
  CHECK(left() == "");
}

TEST_CASE_FIXTURE(Serving, "if nobody writes the list, waiting ends after a quarter of the time for leaving") {
  want("Left");
  pass(milliseconds(14'900));
  CHECK(left() == "");
  pass(milliseconds(200));
  CHECK(left() == "leave ");
  CHECK(tells("Left", "True"));
}

TEST_CASE_FIXTURE(Serving, "a leave hook that fails is tried again each second, and the report says so") {
  fails("leave");
  want("Left");
  put_list("f-r-0=Leaving! f-r-1=Serving");
  pass(milliseconds(1100));
  CHECK(told("Left") == "False Draining: Not drained yet: hook leave ended with exit code 1; it is tried again.");
  left();
  pass(milliseconds(2900));
  CHECK(left() == "leave leave leave ");
  succeeds("leave");
  pass(seconds(1));
  CHECK(tells("Left", "True Left"));
}

TEST_CASE_FIXTURE(AgentFixture, "without leave hook a member has left once all were told") {
  start();
  want("Left");
  put_list("f-r-0=Leaving!");
  pass(milliseconds(900));
  CHECK(tells("Left", "False"));
  pass(milliseconds(200));
  CHECK(tells("Left", "True"));
}

TEST_CASE_FIXTURE(AgentFixture, "who never joined leaves as others do") {
  with_hooks();
  fails("joined");
  start();
  want("Left");
  put_list("f-r-0=Leaving!");
  pass(milliseconds(1100));
  CHECK(tells("Joined", "False Joining"));
  CHECK(tells("Left", "True"));
  runs();
  pass(seconds(6));
  CHECK(runs() == "");
}

TEST_CASE_FIXTURE(AgentFixture, "a joined hook that runs while leaving begins is the last") {
  with_hooks();
  identity.membership.peers_changed.reset();
  start_held("joined");
  put_list("f-r-0=Leaving!");
  fakes::settle(loop);
  fails("joined");
  open_gate("joined");
  rest();
  CHECK(tells("Serving", "False Leaving"));
  runs();
  pass(seconds(6));
  CHECK(runs() == "leave ");
}

TEST_CASE_FIXTURE(Serving, "each of those who may ask to leave is heard") {
  SUBCASE("its Member, which is being deleted") {
    REQUIRE(server.store.merge_patch(kMembers, kMember, fakes::json(R"({"metadata":{"finalizers":["x"]}})"), "", "knfe"));
    REQUIRE(server.store.remove(kMembers, kMember));
  }
  SUBCASE("the list, as its pod is being deleted") { put_list("f-r-0=Leaving! f-r-1=Serving"); }
  SUBCASE("whoever rings") {
    Visitor visitor(folder.at("agent.sock"));
    rest();
  }
  rest();
  CHECK(tells("Serving", "False Leaving"));
}

TEST_CASE_FIXTURE(Serving, "a list that shows a member as leaving does not ask it to") {
  put_list("f-r-0=Leaving f-r-1=Serving");
  pass(seconds(5));
  CHECK(tells("Serving", "True"));
  CHECK(left() == "");
}

TEST_CASE_FIXTURE(Serving, "who is wanted again before it drains serves again, and joins anew") {
  want("Left");
  put_list("f-r-0=Leaving! f-r-1=Serving");
  rest();
  runs();
  want("Serving");
  // The list is still to be heard of.
  CHECK(tells("Serving", "False Leaving"));
  put_list("f-r-0=Leaving f-r-1=Serving");
  rest();
  CHECK(runs().find("joined ") != std::string::npos);
  CHECK(tells("Serving", "True"));
  CHECK(tells("Left", "False Serving"));
  pass(seconds(6));
  CHECK(left() == "");
}

TEST_CASE_FIXTURE(Serving, "who is wanted again while its leave hook runs kills that") {
  close_gate("leave");
  want("Left");
  remove_list();
  rest();
  time.pass(loop, milliseconds(1100));
  REQUIRE(began("leave"));
  REQUIRE(server.store.merge_patch(kMembers, kMember, fakes::json(R"({"spec":{"desired":"Serving"}})"), "", "knfe"));
  rest();
  CHECK(tells("Serving", "True"));
  CHECK(tells("Left", "False Serving"));
}

TEST_CASE_FIXTURE(Serving, "who is wanted again after it has left joins anew, and may leave once more") {
  for (int i = 0; i < 2; ++i) {
    want("Left");
    put_list("f-r-0=Leaving! f-r-1=Serving");
    pass(milliseconds(1100));
    CHECK(left() == "leave ");
    CHECK(tells("Left", "True"));
    reports();
    want("Serving");
    put_list("f-r-0=Joining f-r-1=Serving");
    rest();
    CHECK(reports() == 1);
    CHECK(runs().find("joined ") != std::string::npos);
    CHECK(tells("Serving", "True"));
    CHECK(tells("Left", "False Serving"));
  }
}

TEST_CASE_FIXTURE(Serving, "who is wanted again and cannot join does not serve") {
  want("Left");
  rest();
  fails("joined");
  want("Serving");
  CHECK(tells("Serving", "False Joining"));
  CHECK(tells("Left", "False Serving"));
}

TEST_CASE_FIXTURE(Serving, "whoever rings waits until the member has left") {
  Visitor first(folder.at("agent.sock"));
  rest();
  CHECK(tells("Serving", "False Leaving"));
  put_list("f-r-0=Leaving! f-r-1=Serving");
  pass(milliseconds(900));
  CHECK_FALSE(first.let_go());
  fails("leave");
  pass(milliseconds(300));
  CHECK_FALSE(first.let_go());
  succeeds("leave");
  pass(seconds(1));
  CHECK(tells("Left", "True"));
  CHECK(first.let_go());
  Visitor late(folder.at("agent.sock"));
  rest();
  CHECK(late.let_go());
}

TEST_CASE_FIXTURE(Serving, "whoever has rung is not heard less as its Member is wanted") {
  Visitor visitor(folder.at("agent.sock"));
  rest();
  CHECK(tells("Serving", "False Leaving"));
  want("Left");
  want("Serving");
  CHECK(tells("Serving", "False Leaving"));
}

TEST_CASE_FIXTURE(Serving, "the bell of one who is wanted again keeps whoever rings waiting again") {
  want("Left");
  remove_list();
  pass(milliseconds(1100));
  CHECK(tells("Left", "True"));
  want("Serving");
  CHECK(tells("Serving", "True"));
  Visitor visitor(folder.at("agent.sock"));
  rest();
  CHECK(tells("Serving", "False Leaving"));
  CHECK_FALSE(visitor.let_go());
  pass(milliseconds(1100));
  CHECK(visitor.let_go());
}

TEST_CASE_FIXTURE(Serving, "leaving needs no API server once it was asked for") {
  server.fate = [](const net::Request&) { return fakes::ApiServer::Fate::kDropped; };
  server.held_watches = {"members", "configmaps"};
  Visitor visitor(folder.at("agent.sock"));
  pass(milliseconds(15'200));
  CHECK(left() == "leave ");
  CHECK(visitor.let_go());
  CHECK(tells("Left", "False"));
  server.fate = nullptr;
  server.release();
  pass(seconds(2));
  CHECK(tells("Left", "True"));
}

TEST_CASE_FIXTURE(Serving, "an agent that starts anew goes on leaving") {
  want("Left");
  put_list("f-r-0=Leaving! f-r-1=Serving");
  rest();
  runs();
  start();
  CHECK(tells("Serving", "False Leaving"));
  pass(milliseconds(1100));
  CHECK(left() == "leave ");
  CHECK(tells("Left", "True"));
}

}  // namespace knfe::guest
