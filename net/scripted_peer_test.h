// ScriptedPeer: a server on the loopback that does to each connection exactly what its script says, in the test's loop.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "net/certificates_test.h"
#include "net/https_client.h"
#include "net/loop.h"

namespace knfe::net {

// A loop that gives up, and fails the test, after a minute.
class TestLoop : public Loop {
 public:
  TestLoop();

 private:
  Handle guard_;
};

struct Step {
  enum class Kind { kTakeRequest, kSend, kPause, kTell, kClose, kReset, kCut, kAwaitEnd, kStartTls };
  Kind kind;
  std::string text = {};
  std::function<void()> tell = {};
};

inline Step take_request() { return {Step::Kind::kTakeRequest}; }
inline Step say(std::string text) { return {Step::Kind::kSend, std::move(text)}; }
inline Step pause() { return {Step::Kind::kPause}; }  // until proceed()
inline Step tell(std::function<void()> what) { return {Step::Kind::kTell, {}, std::move(what)}; }
inline Step close_properly() { return {Step::Kind::kClose}; }
inline Step reset() { return {Step::Kind::kReset}; }         // TCP RST
inline Step cut() { return {Step::Kind::kCut}; }             // TCP end without TLS good-bye
inline Step start_tls() { return {Step::Kind::kStartTls}; }  // of a peer whose Tls is `later`
inline Step await_end() { return {Step::Kind::kAwaitEnd}; }  // until the client closed

// "HTTP/1.1 200 OK" with a body of known length.
std::string ok(const std::string& body, const std::string& headers = {});

class ScriptedPeer {
 public:
  struct Tls {
    Identity identity;
    std::string client_ca_pem = {};  // not empty: a certificate by it is demanded
    int max_version = 0;             // 0: the newest
    bool later = false;              // plain until start_tls()
  };
  struct Seen {
    std::vector<std::string> requests;  // whole texts, in order of arrival
    int connections = 0;
    int resumed = 0;             // of them, with a TLS session of an earlier one
    int refused_handshakes = 0;  // TLS did not come about
    std::string server_name;     // SNI of the last
    std::string offered;         // ALPN of the last: "h2,http/1.1"; it takes HTTP/1.1
  };

  // Connections beyond the scripts are closed at once.
  ScriptedPeer(Loop& loop, std::vector<std::vector<Step>> scripts, const std::optional<Tls>& tls = {});
  ~ScriptedPeer();

  const Seen& seen() const;
  void proceed();  // lets the connection go on that pauses, or the next one that will
  std::string port() const;
  Endpoint plain() const;  // where to find it; certificates and trust are the test's business
  Endpoint secure(const std::string& ca_pem, const std::string& host = "127.0.0.1") const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

// Sends a GET by a client of its own, and runs the loop until that has ended.
Result<Response> ask(Loop& loop, const Endpoint& endpoint, const ClientSettings& settings = {});

}  // namespace knfe::net
