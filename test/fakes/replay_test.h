// Replay: an API server made of a recording (runtime/recorder.h), on the test's clock. It tells an operator what was told then,
// in the same order and at the same times, and compares what the operator asks with what was asked.
//
// The order is that of the recording: an answer waits for its request, a request for whatever was told before it. What a request
// is, is said by its method and path; what differs between runs of the same plans - times of day, leases, Events - does not
// count.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/json.h"
#include "net/http.h"
#include "test/fakes/time_test.h"

namespace knfe::fakes {

class Replay : public net::Client {
 public:
  // `recording` is the text of the file; a last line that is not whole is left out.
  Replay(net::Loop& loop, Time& time, std::string_view recording);

  net::Handle send(net::Request request, std::function<void(Result<net::Response>)> done) override;
  net::Handle stream(net::Request request, net::StreamEvents events) override;

  // What the first line says of who recorded.
  const Json& about() const { return about_; }
  // Lets all happen. Says what the operator did differently, in a line each: nothing, if its plans were the same.
  std::vector<std::string> run();

 private:
  struct Exchange {
    net::Request request;
    std::function<void(Result<net::Response>)> done;
    net::StreamEvents events;
    bool open = true;
  };

  net::Handle remember(Exchange&& asked);
  // Lets the operator go on until it has asked what `line` says. False if it does not within a minute.
  bool expect(const Json& line);
  void tell(const Json& line);
  void differs(const Json& line, const std::string& what);

  net::Loop& loop_;
  Time& time_;
  Json about_;
  std::deque<Json> lines_;
  bool broken_off_ = false;                                      // within a line
  std::deque<std::shared_ptr<Exchange>> pending_;                // asked, and not met in the recording yet
  std::map<std::int64_t, std::shared_ptr<Exchange>> by_number_;  // met
  std::vector<std::string> differences_;
};

}  // namespace knfe::fakes
