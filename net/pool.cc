#include "net/pool.h"

#include <algorithm>

namespace knfe::net {

namespace {

// Below the 90 s after which API servers and most others close: who closes first does not lose a request to the race.
constexpr Duration kMaxAge = std::chrono::seconds(60);

}  // namespace

Pool::Pool(Loop& loop, Endpoint endpoint, std::unique_ptr<TlsContext> tls, std::size_t max_idle)
    : loop_(loop), endpoint_(std::move(endpoint)), tls_(std::move(tls)), max_idle_(max_idle) {}

Pool::~Pool() {
  for (const auto& kept : idle_) kept.connection->close();
}

std::shared_ptr<Connection> Pool::fresh() { return make_connection(loop_, endpoint_, tls_); }

std::shared_ptr<Connection> Pool::idle() {
  drop_aged();
  while (!idle_.empty()) {
    auto connection = std::move(idle_.back().connection);
    idle_.pop_back();
    if (connection->quiet()) return connection;
    connection->close();
  }
  return nullptr;
}

void Pool::keep(std::shared_ptr<Connection> connection) {
  drop_aged();
  if (idle_.size() >= max_idle_ || !connection->uses(tls_)) return connection->close();
  idle_.push_back({std::move(connection), boot_now()});
}

void Pool::renew(std::unique_ptr<TlsContext> tls) {
  for (const auto& kept : idle_) kept.connection->close();
  idle_.clear();
  tls_ = std::move(tls);
}

void Pool::drop_aged() {
  const auto now = boot_now();
  const auto young = std::find_if(idle_.begin(), idle_.end(), [&](const Idle& kept) { return now - kept.since < kMaxAge; });
  std::for_each(idle_.begin(), young, [](const Idle& kept) { kept.connection->close(); });
  idle_.erase(idle_.begin(), young);
}

}  // namespace knfe::net
