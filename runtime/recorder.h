// Recorder: a net::Client that writes down what an operator asked and what it was told, so that an incident can be replayed as a
// test (test/fakes/replay_test.h).
//
// One JSON object a line. The first says who recorded; each other has `t`, milliseconds since then, and `n`, the request:
//
//   {"t":3,"n":1,"ask":"GET","target":"/api/v1/pods?watch=1..."}       with "body" where there is one
//   {"t":9,"n":1,"head":200}                                           of a stream; with "retryAfter" where the server says so
//   {"t":9,"n":1,"data":"{\"type\":\"ADDED\"..."}
//   {"t":9,"n":2,"answer":409,"body":"..."}
//   {"t":9,"n":3,"failed":"Timeout","message":"..."}           no answer came; of a stream: it broke
//   {"t":9,"n":1,"end":true}                                           a stream ended properly
//
// Left out: every header but Retry-After, so no token; and all bodies of Secrets and token requests. What else the API server
// shows to the operator is in the file, which only its owner may read: links, and files
// that others can read or have, are refused. Beyond `most` bytes nothing is written any more. What is no UTF-8 is U+FFFD.
#pragma once

#include <memory>
#include <string>

#include "base/json.h"
#include "net/http.h"

namespace knfe::runtime {

class Recorder final : public net::Client {
 public:
  static constexpr std::size_t most_bytes = 64u << 20;

  // Replaces `file`. `about` goes into the first line. `inner` must outlive every handle given out.
  static Result<std::unique_ptr<Recorder>> open(const std::string& file, JsonObject about, net::Client& inner,
                                                std::size_t most = most_bytes);
  ~Recorder() override;

  [[nodiscard]] net::Handle send(net::Request request, std::function<void(Result<net::Response>)> done) override;
  [[nodiscard]] net::Handle stream(net::Request request, net::StreamEvents events) override;

 private:
  Recorder(int descriptor, net::Client& inner, std::size_t most) : file_(descriptor), inner_(inner), left_(most) {}
  std::uint64_t ask(const net::Request& request);
  void line(std::uint64_t number, JsonObject what);
  void failed(std::uint64_t number, const Error& error);
  void write(const std::string& text);

  const int file_;
  net::Client& inner_;
  std::size_t left_;
  std::uint64_t asked_ = 0;
  const Instant started_ = boot_now();
};

}  // namespace knfe::runtime
