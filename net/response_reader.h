// ResponseReader: turns the bytes of a connection into one HTTP/1.1 answer (RFC 9112), without any I/O of its own.
//
// Interim answers (1xx) are passed over. Body bytes are handed on as they come and never kept; only an unfinished head
// or chunk line is, up to 64 KiB.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "net/http.h"

namespace knfe::net {

// Who wants the answer. Returning false stops the reader: it is not used again.
class ResponseSink {
 public:
  virtual ~ResponseSink() = default;
  virtual bool on_head(int status, Headers headers) = 0;
  virtual bool on_body(std::string_view piece) = 0;
};

class ResponseReader {
 public:
  struct Options {
    bool answers_head = false;  // the request's method was HEAD: no body follows
    std::optional<std::uint64_t> max_body;
  };

  ResponseReader(ResponseSink& sink, Options options);
  ~ResponseReader();

  // Errors: Code::kInternal for what is not HTTP or too long, Code::kCanceled if the sink said stop.
  Result<void> feed(std::string_view bytes);
  // The connection ended. An error unless the answer is complete, or may end so.
  Result<void> finish();

  bool started() const { return started_; }  // any byte came
  bool complete() const;
  bool keeps_connection() const;  // complete, and another request may follow on the connection

 private:
  class Parser;
  ResponseSink& sink_;
  const Options options_;
  std::unique_ptr<Parser> parser_;
  std::string rest_;  // bytes that wait for more
  bool started_ = false;
};

}  // namespace knfe::net
