// ApiServer: a net::Client with a whole API server behind it - a Store, its HTTP, its watches. A test decides what becomes of
// each request.
#pragma once

#include <list>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "net/http.h"
#include "test/fakes/api_call_test.h"

namespace knfe::fakes {

class ApiServer : public net::Client {
 public:
  enum class Fate {
    kAnswered,
    kLost,     // carried out, but the answer never comes
    kDropped,  // never arrives
    kHeld,     // waits for release()
  };

  explicit ApiServer(net::Loop& loop);

  net::Handle send(net::Request request, std::function<void(Result<net::Response>)> done) override;
  net::Handle stream(net::Request request, net::StreamEvents events) override;

  // Breaks all watches.
  void cut_streams();
  // Lets go what is held, and what watches have to tell of `held_watches`.
  void release();

  Store store;
  std::function<Fate(const net::Request&)> fate;  // none: all are answered
  std::set<std::string> held_watches;             // plurals whose watches tell nothing for the time being
  std::set<std::string> unserved;                 // plurals that it does not know for the time being
  std::string other_version;                      // of the group of those, if it knows them as such
  std::vector<std::string> writes;                // "POST pods/x", in the order in which they were carried out
  bool streams_lists = true;

 private:
  struct Stream {
    ApiCall call;
    net::StreamEvents events;
    std::set<api::Key> shown;
    std::size_t told = 0;  // of history_
    bool told_list = false;
  };
  struct Call {
    net::Request request;
    std::function<void(Result<net::Response>)> done;
  };

  net::Response carry_out(const net::Request& request);
  void answer(const std::shared_ptr<Call>& call);
  void pump();
  void pump(const std::shared_ptr<Stream>& stream);

  net::Loop& loop_;
  std::vector<Store::Event> history_;
  std::list<std::shared_ptr<Stream>> streams_;
  std::list<std::shared_ptr<Call>> held_;
};

}  // namespace knfe::fakes
