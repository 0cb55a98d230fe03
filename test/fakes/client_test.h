// FakeClient: a net::Client whose answers are the test's, given when the test says so.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "net/http.h"

namespace knfe::fakes {

class FakeClient : public net::Client {
 public:
  struct Exchange {
    net::Request request;
    std::function<void(Result<net::Response>)> done;
    net::StreamEvents events;
    bool is_stream = false;
    bool open = true;  // neither answered nor dropped

    // Answers, if anybody still waits.
    void answer(Result<net::Response> response) {
      open = false;
      if (auto call = std::exchange(done, nullptr)) call(std::move(response));
    }
    void answer(int status, std::string body = "{}", net::Headers headers = {}) {
      answer(net::Response{status, std::move(headers), std::move(body)});
    }
    void head(int status, const net::Headers& headers = {}) {
      if (auto call = events.on_head) call(status, headers);
    }
    void data(std::string_view piece) {
      if (auto call = events.on_data) call(piece);
    }
    void end(Result<void> result = {}) {
      open = false;
      if (auto call = std::exchange(events, {}).on_end) call(std::move(result));
    }
  };

  net::Handle send(net::Request request, std::function<void(Result<net::Response>)> done) override {
    return remember({std::move(request), std::move(done), {}, false});
  }
  net::Handle stream(net::Request request, net::StreamEvents events) override {
    return remember({std::move(request), {}, std::move(events), true});
  }

  // Those that somebody waits for, in the order in which they were asked.
  std::vector<std::shared_ptr<Exchange>> waiting() const {
    std::vector<std::shared_ptr<Exchange>> out;
    for (const auto& exchange : all) {
      if (exchange->open) out.push_back(exchange);
    }
    return out;
  }
  // The one that is waited for, if it is just one.
  Exchange& only() const {
    const auto open = waiting();
    KNFE_CHECK(open.size() == 1);
    return *open.front();
  }

  std::vector<std::shared_ptr<Exchange>> all;

 private:
  net::Handle remember(Exchange&& asked) {
    auto exchange = all.emplace_back(std::make_shared<Exchange>(std::move(asked)));
    return net::Handle([exchange] {
      exchange->open = false;
      exchange->done = nullptr;
      exchange->events = {};
    });
  }
};

}  // namespace knfe::fakes
