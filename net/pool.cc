#include "net/pool.h"

#include <algorithm>

namespace knfe::net {

namespace {

// Below the 90 s after which API servers and most others close: who closes first does not lose a request to the race.
constexpr Duration kMaxAge = std::chrono::seconds(60);

Pool::Place place_on(std::shared_ptr<Http2Connection> shared) {
  const bool used = shared->used();
  return {.own = {}, .reused = used, .shared = std::move(shared)};
}

}  // namespace

Pool::Pool(Loop& loop, Endpoint endpoint, std::unique_ptr<TlsContext> tls, const ClientSettings& settings)
    : loop_(loop), endpoint_(std::move(endpoint)), settings_(settings), tls_(std::move(tls)) {
  places_ = tls_ && endpoint_.http2 ? Http2Session::most_streams : 1;
}

Pool::~Pool() {
  for (const auto& kept : idle_) kept.connection->close();
  for (auto& group : groups_) {
    for (const auto& opening : group.openings) opening.http2 ? opening.http2->close() : opening.connection->close();
    for (const auto& one : group.shared) one->close();
  }
}

void Pool::seek(Seeker& seeker, bool apart, bool fresh) {
  auto& group = groups_[apart ? 1 : 0];
  if (auto one = shared(group)) return seeker.on_place(place_on(std::move(one)));
  if (auto kept = fresh ? nullptr : idle()) return seeker.on_place(Place{.own = std::move(kept), .reused = true, .shared = {}});
  group.waiting.push_back(&seeker);
  serve(group);
}

void Pool::forget(const Seeker& seeker) {
  for (auto& group : groups_) std::erase(group.waiting, &seeker);
}

std::shared_ptr<Http2Connection> Pool::shared(const Group& group) const {
  const auto fits = std::find_if(group.shared.begin(), group.shared.end(), [](const auto& one) { return one->room() > 0; });
  return fits == group.shared.end() ? nullptr : *fits;
}

void Pool::serve(Group& group) {
  const std::weak_ptr<bool> alive = alive_;
  while (!group.waiting.empty()) {
    auto one = shared(group);
    if (!one) break;
    Seeker* next = group.waiting.front();
    group.waiting.pop_front();
    next->on_place(place_on(std::move(one)));
    if (alive.expired()) return;
  }
  while (group.openings.size() * places_ < group.waiting.size()) open(group);
}

void Pool::open(Group& group) {
  auto connection = make_connection(loop_, endpoint_, tls_);
  group.openings.push_back({connection});
  connection->open(settings_.connect_timeout,
                   [this, &group, raw = connection.get()](Result<void> result) { opened(group, raw, result); });
}

Pool::Opening Pool::take(Group& group, const Connection* connection) {
  const auto place = std::find_if(group.openings.begin(), group.openings.end(),
                                  [&](const Opening& opening) { return opening.connection.get() == connection; });
  Opening taken = std::move(*place);
  group.openings.erase(place);
  return taken;
}

void Pool::opened(Group& group, Connection* connection, const Result<void>& result) {
  if (!result) {
    take(group, connection).connection->close();
    return failed(group, result.error());
  }
  if (connection->speaks_http2()) {
    const auto place = std::find_if(group.openings.begin(), group.openings.end(),
                                    [&](const Opening& opening) { return opening.connection.get() == connection; });
    // What the server says of itself first is waited for: how many streams it takes, and that it is one.
    place->limit = loop_.after(settings_.connect_timeout, [this, &group, connection] {
      const auto late = take(group, connection);
      late.http2->close();
      failed(group, {Code::kUnavailable, "the server speaks no HTTP/2, though it said so", {}, {}, 0});
    });
    const auto http2 = std::make_shared<Http2Connection>(
        loop_, place->connection, Http2Connection::Limits{settings_.silence, settings_.patience, kMaxAge},
        [this, &group](Http2Connection& which, const Result<void>& news) { changed(group, which, news); });
    place->http2 = http2;
    return http2->begin();
  }
  auto opening = take(group, connection);
  places_ = 1;
  if (group.waiting.empty()) {
    keep(std::move(opening.connection));
    return;
  }
  Seeker* next = group.waiting.front();
  group.waiting.pop_front();
  const std::weak_ptr<bool> alive = alive_;
  next->on_place(Place{.own = std::move(opening.connection), .reused = false, .shared = {}});
  if (!alive.expired()) serve(group);
}

void Pool::changed(Group& group, Http2Connection& http2, const Result<void>& news) {
  const auto opening =
      std::find_if(group.openings.begin(), group.openings.end(), [&](const Opening& one) { return one.http2.get() == &http2; });
  if (opening != group.openings.end()) {
    auto greeted = std::move(opening->http2);
    group.openings.erase(opening);
    if (!news) return failed(group, news.error());
    places_ = http2.capacity();
    if (!http2.uses(tls_)) http2.retire();
    group.shared.push_back(std::move(greeted));
  } else if (!news) {
    std::erase_if(group.shared, [&](const auto& one) { return one.get() == &http2; });
  }
  serve(group);
}

// An opening came to nothing. Those for whom the others have no room are told so.
void Pool::failed(Group& group, const Error& error) {
  const std::weak_ptr<bool> alive = alive_;
  const auto others = group.openings.size() * places_;
  for (auto more = group.waiting.size() - std::min(group.waiting.size(), others); more > 0 && !group.waiting.empty(); --more) {
    Seeker* next = group.waiting.front();
    group.waiting.pop_front();
    next->on_place(std::unexpected(error));
    if (alive.expired()) return;
  }
}

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
  if (idle_.size() >= settings_.max_idle || !connection->uses(tls_)) return connection->close();
  idle_.push_back({std::move(connection), boot_now()});
}

void Pool::renew(std::unique_ptr<TlsContext> tls, Proxy proxy) {
  for (const auto& kept : idle_) kept.connection->close();
  idle_.clear();
  tls_ = std::move(tls);
  endpoint_.proxy = std::move(proxy);
  for (const auto& group : groups_) {
    for (const auto& one : group.shared) one->retire();
  }
}

void Pool::drop_aged() {
  const auto now = boot_now();
  const auto young = std::find_if(idle_.begin(), idle_.end(), [&](const Idle& kept) { return now - kept.since < kMaxAge; });
  std::for_each(idle_.begin(), young, [](const Idle& kept) { kept.connection->close(); });
  idle_.erase(idle_.begin(), young);
}

}  // namespace knfe::net
