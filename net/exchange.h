// Exchange: one request and its answer, from the wait for a connection to the last byte.
//
//   waiting --begin--> seeking a place --> sending --> receiving --> over
//                         ^                              |
//                         +--- once, if a reused connection dies before any byte of the answer, and GET
//                         +--- three times at most, if an HTTP/2 server has surely not acted on it, whatever the method
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "net/pool.h"
#include "net/response_reader.h"

namespace knfe::net {

class Exchange final : public std::enable_shared_from_this<Exchange>, public Http2Session::Stream, public Pool::Seeker {
 public:
  struct Plan {
    Request request;
    Result<void> checked;   // an error is told as the exchange's end
    std::string authority;  // of the server
    std::string where;      // URL for messages
    bool repeatable = false;
    bool timeout_ends_at_head = false;
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
  void on_close(Ending ending) override;
  void on_place(Result<Pool::Place> place) override;

 private:
  void seek(bool fresh);
  void work();
  bool send();
  void receive();
  bool digest(const Attempt& attempt, std::string_view bytes);
  void broken(Error error);
  void late();
  void end(Result<void> result);
  void release_connection(bool reusable);

  Loop& loop_;
  Pool& pool_;
  Plan plan_;
  const StreamEvents events_;
  std::function<void(Exchange&)> leave_;
  Handle timer_;
  bool seeking_ = false;
  bool reused_ = false;   // the place
  bool started_ = false;  // the answer
  bool repeated_ = false;
  int refusals_ = 0;
  // On an HTTP/1.1 connection.
  std::shared_ptr<Connection> connection_;
  std::string text_;
  std::unique_ptr<ResponseReader> reader_;
  std::size_t sent_ = 0;
  // On an HTTP/2 connection.
  std::shared_ptr<Http2Connection> shared_;
  std::int32_t stream_ = 0;
  Instant since_{};
  std::uint64_t received_ = 0;
  bool over_ = false;
};

}  // namespace knfe::net
