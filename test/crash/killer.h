// Killer: a net::Client that ends its own process at one of its writes, as power loss would: no destructor, no word to anybody.
//
// It stands between the operators and the API server, counts what is to change something (all but GET) and tells of each on
// standard output: "NUMBER METHOD PATH".
#pragma once

#include <string>

#include "net/http.h"

namespace knfe::crash {

enum class When {
  kNever,
  kBefore,  // the write is decided upon and not sent
  kAfter,   // the write is done, and nobody here knows
};

class Killer : public net::Client {
 public:
  // Counts in `writes`; both references must outlive this.
  Killer(net::Client& inner, When when, int write, int& writes) : inner_(inner), when_(when), fatal_(write), writes_(writes) {}

  net::Handle send(net::Request request, std::function<void(Result<net::Response>)> done) override;
  net::Handle stream(net::Request request, net::StreamEvents events) override {
    return inner_.stream(std::move(request), std::move(events));
  }

 private:
  net::Client& inner_;
  const When when_;
  const int fatal_;
  int& writes_;
};

// One line on standard output by one write(2), so that it is out before whatever comes next.
void say(const std::string& line);

}  // namespace knfe::crash
