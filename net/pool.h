// Pool: the idle connections to one server. They are not watched: whether one still lives is asked when it is needed.
#pragma once

#include <memory>
#include <vector>

#include "net/connection.h"

namespace knfe::net {

class Pool {
 public:
  Pool(Loop& loop, Endpoint endpoint, std::unique_ptr<TlsContext> tls, std::size_t max_idle);
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  std::shared_ptr<Connection> fresh();  // not opened yet
  std::shared_ptr<Connection> idle();   // the most recently used one, open; null if there is none
  void keep(std::shared_ptr<Connection> connection);
  // For connections to come; those that are there are kept no longer.
  void renew(std::unique_ptr<TlsContext> tls);

 private:
  struct Idle {
    std::shared_ptr<Connection> connection;
    Instant since;
  };
  void drop_aged();

  Loop& loop_;
  const Endpoint endpoint_;
  std::shared_ptr<TlsContext> tls_;

  const std::size_t max_idle_;
  std::vector<Idle> idle_;  // the longest idle first
};

}  // namespace knfe::net
