// Watch: the objects of one resource and scope, as they are and as they change, for as long as it lives.
//
//            streamed list              end bookmark
//   Empty ------------------> Streaming ------------> Watching <--+ reconnect from the last version seen
//     |  not supported                                ^   |  \----+ (the server ends it, the line breaks)
//     +-----------> Paging -- last page --------------+   |
//     ^                                                   | 410 Gone, or resync()
//     +---------------------------------------------------+
//                                  or the server's version is lower than the one seen: it was restored from a backup
//
// In every state a failure waits (0.2 s doubling to 30 s, with jitter; longer if the server says so) and goes on: Watching from
// the last version, the others from Empty. A list never takes away what is known before it is complete.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "kube/api_client.h"
#include "kube/listed.h"
#include "net/loop.h"

namespace knfe::kube {

struct WatchEvents {
  std::function<void(const Json& object)> put;      // it is there, or has changed
  std::function<void(const Json& object)> removed;  // it is gone; the object is its last state
  // A list is complete: at `version`, exactly these were there.
  std::function<void(const Listed& known, const std::string& version)> synced;
  std::function<void(const std::string& version)> progress;  // everything up to this version has been told
  std::function<void()> rewound = {};                        // versions are lower now, or the kind has vanished; a list follows
  std::function<void()> unserved = {};  // there is no such kind, for now: what is known of it is all that there is to know
};

class Watch {
 public:
  Watch(net::Loop& loop, ApiClient& api, api::Resource resource, Scope scope, WatchEvents events);

  void start();
  void resync();  // list again: when what is known is in doubt

  // False while the API server says that it has no such kind. What was known of it is gone if discovery says so, too; it stays
  // where its group has other versions, in which the objects may still be there. It is listed anew once it is served again.
  bool served() const { return served_; }
  std::uint64_t restarts() const { return restarts_; }  // lists begun, for metrics

 private:
  enum class State { kEmpty, kStreaming, kPaging, kWatching };

  void open();
  void open_stream();
  void list_page(const std::string& token);
  void ask_version();
  bool went_back(const std::string& version);
  void on_piece(std::string_view piece);
  void on_line(std::string_view line);
  void on_end(Result<void> end);
  void complete(const std::string& version);
  void retry(const Error& error);
  void note(const Json& object);
  void look_whether_vanished();

  net::Loop& loop_;
  ApiClient& api_;
  const api::Resource resource_;
  const Scope scope_;
  const WatchEvents events_;

  State state_ = State::kEmpty;
  bool streamed_lists_ = true;  // until the server refuses one
  bool served_ = true;
  bool vanished_ = false;
  std::string version_;          // seen last, when Watching
  api::Version seen_;            // the highest ever; a list that is behind it is another life's
  Listed listed_;                // while Streaming or Paging
  std::string buffer_;           // of an event that is not complete yet
  std::string head_error_body_;  // of an answer that is no 200
  int head_status_ = 0;
  std::string retry_after_;
  bool heard_ = false;     // anything, in this stream, since its list
  bool doubtful_ = false;  // the server may be another one since: it is asked for its version before it is watched from ours
  bool broken_ = false;    // an event told of an error: what follows is ignored
  Error break_reason_;
  std::optional<std::string> doubted_;  // the version after which came a line that is no event; "" in a list
  Duration backoff_{0};
  Instant opened_{};
  std::uint64_t restarts_ = 0;
  net::Handle exchange_;
  net::Handle timer_;
};

}  // namespace knfe::kube
