// Exchange: one request and its answer, from the wait for a connection to the last byte.
//
//   waiting --begin--> opening --> sending --> receiving --> over
//                         ^                        |
//                         +--- once, if a reused connection dies before any byte of the answer, and GET
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "net/pool.h"
#include "net/response_reader.h"

namespace knfe::net {

class Exchange final : public std::enable_shared_from_this<Exchange>, public ResponseSink {
 public:
  struct Plan {
    Result<std::string> text;  // of the whole request; an error is told as the exchange's end
    std::string where;         // URL for messages
    bool repeatable = false;
    Duration timeout{};
    bool timeout_ends_at_head = false;
    Duration connect_timeout{};
    ResponseReader::Options reading;
  };

  // `leave` is called once, before the last event, when the exchange needs its place no longer; not after abandon().
  Exchange(Loop& loop, Pool& pool, Plan plan, StreamEvents events, std::function<void(Exchange&)> leave);
  ~Exchange() override;

  void begin();    // from the loop, never from within the caller's send()
  void cancel();   // no event comes any more
  void abandon();  // likewise, and nobody is told

  bool on_head(int status, Headers headers) override;
  bool on_body(std::string_view piece) override;

 private:
  void open(bool fresh);
  void work();
  bool send();
  void receive();
  bool digest(const Attempt& attempt, std::string_view bytes);
  void broken(Error error);
  void end(Result<void> result);
  void release_connection(bool reusable);

  Loop& loop_;
  Pool& pool_;
  Plan plan_;
  const StreamEvents events_;
  std::function<void(Exchange&)> leave_;
  Handle timer_;
  std::shared_ptr<Connection> connection_;
  std::unique_ptr<ResponseReader> reader_;
  std::size_t sent_ = 0;
  bool reused_ = false;
  bool over_ = false;
};

}  // namespace knfe::net
