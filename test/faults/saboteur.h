// Saboteur: a net::Client that makes of KNFE's operators ones with a bug, so that the fault rig can show that it finds it.
//
// Each bug is one that operators have had, stays hidden for as long as nothing goes wrong, and is put between the operators and
// the API server, so that nothing of it is in what is shipped.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "net/http.h"

namespace knfe::faults {

enum class Bug {
  kNone,
  kStaleRead,    // does not wait until its caches show its own writes, and reads from them what it must read live
  kMarkFirst,    // notes in the Member that the pod was made before it is made, and believes the note after a crash
  kMissedEvent,  // takes a list as news only: what went while nobody watched stays
  kLostReply,    // takes a write without an answer as done
};

class Saboteur : public net::Client {
 public:
  // `inner` must outlive this.
  Saboteur(net::Loop& loop, net::Client& inner, Bug bug) : loop_(loop), inner_(inner), bug_(bug) {}

  net::Handle send(net::Request request, std::function<void(Result<net::Response>)> done) override;
  net::Handle stream(net::Request request, net::StreamEvents events) override;

 private:
  struct Seen {
    std::map<std::string, std::string> lines;  // object -> the line that told of it last
    int streams = 0;
  };
  Result<net::Response> remembered(const net::Request& request) const;
  net::Handle mark_first(net::Request request, std::function<void(Result<net::Response>)> done);

  net::Loop& loop_;
  net::Client& inner_;
  const Bug bug_;
  std::map<std::string, Seen> seen_;  // by what is watched
};

}  // namespace knfe::faults
