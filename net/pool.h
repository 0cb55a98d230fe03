// Pool: the connections to one server, and who waits for one.
//
// What the server chooses decides (ALPN): an HTTP/1.1 connection is had alone, and kept idle afterwards - not watched: whether it
// still lives is asked when it is needed. An HTTP/2 connection is shared; beyond its limit of streams another is opened. While it
// is not known what the server speaks, one connection is opened and all wait for it.
#pragma once

#include <array>
#include <deque>
#include <memory>
#include <vector>

#include "net/http2_connection.h"

namespace knfe::net {

class Pool {
 public:
  // One of both.
  struct Place {
    std::shared_ptr<Connection> own = {};
    bool reused = false;  // it has carried requests before
    std::shared_ptr<Http2Connection> shared = {};
  };
  class Seeker {
   public:
    virtual ~Seeker() = default;
    virtual void on_place(Result<Place> place) = 0;
  };

  Pool(Loop& loop, Endpoint endpoint, std::unique_ptr<TlsContext> tls, const ClientSettings& settings);
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  // Calls on_place() once, perhaps inline, unless forget() comes before. `apart`: as a Request says; `fresh`: no kept connection.
  void seek(Seeker& seeker, bool apart, bool fresh);
  void forget(const Seeker& seeker);
  void keep(std::shared_ptr<Connection> connection);
  // For connections to come; those that are there are kept no longer than what is under way on them.
  void renew(std::unique_ptr<TlsContext> tls, Proxy proxy);

 private:
  struct Idle {
    std::shared_ptr<Connection> connection;
    Instant since;
  };
  struct Opening {
    std::shared_ptr<Connection> connection;
    std::shared_ptr<Http2Connection> http2 = {};  // open, and not greeted yet
    Handle limit = {};
  };
  // Those who want to be apart have connections of their own.
  struct Group {
    std::deque<Seeker*> waiting;
    std::vector<Opening> openings;
    std::vector<std::shared_ptr<Http2Connection>> shared;
  };

  std::shared_ptr<Connection> idle();
  std::shared_ptr<Http2Connection> shared(const Group& group) const;
  void serve(Group& group);
  void open(Group& group);
  void opened(Group& group, Connection* connection, const Result<void>& result);
  void changed(Group& group, Http2Connection& http2, const Result<void>& result);
  void failed(Group& group, const Error& error);
  static Opening take(Group& group, const Connection* connection);
  void drop_aged();

  Loop& loop_;
  Endpoint endpoint_;
  const ClientSettings settings_;
  std::shared_ptr<TlsContext> tls_;
  std::vector<Idle> idle_;  // the longest idle first
  std::array<Group, 2> groups_;
  // How many can be on a connection that is being opened, as far as is known.
  std::size_t places_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace knfe::net
