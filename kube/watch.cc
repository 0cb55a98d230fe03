#include "kube/watch.h"

#include <algorithm>

#include "base/log.h"
#include "base/random.h"
#include "kube/discovery.h"

namespace knfe::kube {

namespace {

constexpr Duration kFirstBackoff{200};
constexpr Duration kLongestBackoff{30'000};
constexpr Duration kHealthy{1'000};  // a watch that lived this long earns a fresh back-off
constexpr std::size_t kLongestLine = 32u << 20;
constexpr Duration kSilent{60'000};
constexpr int kPage = 500;
constexpr const char* kNewest = "18446744073709551615";  // newer than whatever is known

Duration jittered(Duration wait) { return Duration(wait.count() / 2 + random_up_to(wait.count() / 2)); }

std::string version_of(const Json& object) { return std::string(as_string(at(object, "metadata", "resourceVersion"))); }

}  // namespace

Watch::Watch(net::Loop& loop, ApiClient& api, api::Resource resource, Scope scope, WatchEvents events)
    : loop_(loop), api_(api), resource_(resource), scope_(std::move(scope)), events_(std::move(events)) {}

void Watch::start() { open(); }

void Watch::resync() {
  // A list under way, or the watch that follows it, tells of whatever was written: begun anew each time, it might never end.
  if (state_ != State::kWatching) return;
  state_ = State::kEmpty;
  version_.clear();
  timer_ = loop_.after(Duration(0), [this] { open(); });
}

void Watch::open() {
  opened_ = boot_now();
  if (state_ != State::kWatching) {
    ++restarts_;
    listed_.clear();
    state_ = streamed_lists_ ? State::kStreaming : State::kPaging;
  }
  if (state_ == State::kPaging) {
    list_page({});
  } else if (state_ == State::kWatching && doubtful_) {
    ask_version();
  } else {
    open_stream();
  }
}

// A watch from a version that is yet to come is silent until then: nothing else would tell.
void Watch::ask_version() {
  exchange_ = api_.call(resource_.plural, "list", list_request(resource_, scope_, 1, {}), [this](const Result<Json>& page) {
    if (!page) return retry(page.error());
    const auto version = version_of(*page);
    if (version.empty()) return retry({Code::kInternal, "a list without a version", {}, {}, 0});
    doubtful_ = false;
    if (went_back(version)) state_ = State::kEmpty;
    open();
  });
}

// What is known is newer by its versions than what a list has told: all is listed once more, and believed.
bool Watch::went_back(const std::string& version) {
  if (api::Version(version) >= seen_) return false;
  log(Level::kError, "the API server has gone back, as after a restore from a backup; listing again",
      {{"resource", std::string(resource_.plural)}, {"seen", seen_.text()}, {"now", version}});
  seen_ = {};
  if (events_.rewound) events_.rewound();
  return true;
}

void Watch::open_stream() {
  buffer_.clear();
  head_error_body_.clear();
  head_status_ = 0;
  broken_ = false;
  heard_ = false;
  const int seconds = 300 + static_cast<int>(random_up_to(299));
  const std::string version = state_ == State::kWatching ? version_ : std::string();
  exchange_ =
      api_.stream(watch_request(resource_, scope_, version, seconds),
                  {[this](int status, const net::Headers& headers) {
                     head_status_ = status;
                     retry_after_ = net::header(headers, "Retry-After");
                   },
                   [this](std::string_view piece) { on_piece(piece); }, [this](Result<void> end) { on_end(std::move(end)); }});
}

void Watch::list_page(const std::string& token) {
  exchange_ =
      api_.call(resource_.plural, "list", list_request(resource_, scope_, kPage, token), [this](const Result<Json>& page) {
        if (!page) {
          state_ = State::kEmpty;
          return retry(page.error());
        }
        for (const auto& item : as_array(at(*page, "items"))) {
          note(item);
          events_.put(item);  // items of a typed list do not say what they are; nobody below asks
        }
        const std::string next(as_string(at(*page, "metadata", "continue")));
        if (!next.empty()) return list_page(next);
        const auto version = version_of(*page);
        if (went_back(version)) return retry({Code::kGone, "the list is of another life", {}, {}, 0});
        complete(version);
        open();
      });
}

void Watch::note(const Json& object) {
  const Json& metadata = at(object, "metadata");
  listed_.add(as_string(at(metadata, "namespace")), as_string(at(metadata, "name")));
}

// A watch of another version's objects would end alike: only where the server has no such kind at all are they gone.
void Watch::look_whether_vanished() {
  exchange_ = kube::ask_whether_vanished(api_, resource_, [this](const Result<void>& vanished) {
    if (!vanished) {
      log(Level::kWarning, "a kind is not served",
          {{"resource", std::string(resource_.plural)}, {"error", vanished.error().text()}});
      return;
    }
    // Of what has never been there it is no news: somebody may install it one day, or not.
    const bool was_there = seen_ != api::Version();
    log(was_there ? Level::kWarning : Level::kInfo,
        was_there ? "a kind has vanished, and its objects with it" : "there is no such kind",
        {{"resource", std::string(resource_.plural)}});
    vanished_ = true;
    if (events_.rewound) events_.rewound();  // nobody need wait to see what was written of it
    events_.synced({}, kNewest);
    events_.progress("0");
  });
}

void Watch::complete(const std::string& version) {
  served_ = true;
  vanished_ = false;
  doubtful_ = false;
  heard_ = false;
  state_ = State::kWatching;
  version_ = version;
  seen_ = std::max(seen_, api::Version(version));
  doubted_.reset();
  listed_.seal();
  events_.synced(listed_, version_);
  listed_.clear();
  events_.progress(version_);
}

void Watch::on_piece(std::string_view piece) {
  if (broken_) return;
  if (head_status_ != 200) {
    if (head_error_body_.size() < 64 * 1024) head_error_body_ += piece;
    return;
  }
  while (!piece.empty() && !broken_) {
    const std::size_t end = piece.find('\n');
    const std::string_view part = piece.substr(0, end);
    if (buffer_.size() + part.size() > kLongestLine) {
      broken_ = true;
      break_reason_ = {Code::kInternal, "an event of more than 32 MiB", std::string(resource_.plural), {}, 0};
      break;
    }
    if (end == std::string_view::npos) {
      buffer_ += part;
      break;
    }
    if (buffer_.empty()) {
      on_line(part);
    } else {
      buffer_ += part;
      std::string line;
      line.swap(buffer_);
      on_line(line);
      line.clear();
      if (line.capacity() <= 64 * 1024) buffer_.swap(line);  // keep the room, unless it is large
    }
    piece.remove_prefix(end + 1);
  }
  // Closing from inside the stream's own callback is left to the loop.
  if (broken_) timer_ = loop_.after(Duration(0), [this] { on_end(std::unexpected(break_reason_)); });
}

void Watch::on_line(std::string_view line) {
  if (line.empty()) return;
  heard_ = true;
  JsonRoom room;
  const auto event = parse_json(line, room);
  if (!event) {
    // It may have been an event that nobody tells of again: the server is asked from where all was well, and then for a list,
    // in which it must be, too. A list that says so twice would always do so, and one such object must not stop all others.
    const bool again = doubted_ == version_;
    if (!again || state_ == State::kWatching) {
      doubted_ = version_;
      broken_ = true;
      break_reason_ = {again ? Code::kGone : Code::kInternal, "an event is " + event.error().text(), {}, {}, 0};
      return;
    }
    log(Level::kError, "an event is left out", {{"resource", std::string(resource_.plural)}, {"error", event.error().text()}});
    return;
  }
  const auto type = as_string(at(*event, "type"));
  const Json& object = at(*event, "object");
  if (type == "ADDED" || type == "MODIFIED") {
    if (state_ == State::kStreaming) note(object);
    events_.put(object);
  } else if (type == "DELETED") {
    events_.removed(object);
  } else if (type == "BOOKMARK") {
    if (state_ == State::kStreaming) {
      if (as_string(at(object, "metadata", "annotations", "k8s.io/initial-events-end")) != "true") return;
      const auto version = version_of(object);
      if (!went_back(version)) return complete(version);
      broken_ = true;
      break_reason_ = {Code::kGone, "the list is of another life", {}, {}, 0};
      return;
    }
  } else {
    broken_ = true;
    break_reason_ = status_error(object, 500, {});
    if (type != "ERROR") break_reason_.message = "an event of unknown type '" + std::string(type.substr(0, 32)) + "'";
    return;
  }
  if (state_ == State::kWatching) {
    if (auto version = version_of(object); !version.empty()) {
      version_ = std::move(version);
      seen_ = std::max(seen_, api::Version(version_));
      events_.progress(version_);
    }
  }
}

void Watch::on_end(Result<void> end) {
  exchange_.reset();
  // A whole watch without so much as a bookmark may be one from a version that is yet to come.
  doubtful_ = doubtful_ || (!end && !broken_) || head_status_ >= 500 || (end && !heard_ && boot_now() - opened_ > kSilent);
  if (head_status_ != 0 && head_status_ != 200) {
    auto body = parse_json(head_error_body_);
    Error error = status_error(body ? *body : Json(), head_status_, retry_after_);
    if (state_ == State::kStreaming && error.code == Code::kInvalid) {
      log(Level::kInfo, "the API server does not stream lists; reading pages",
          {{"resource", std::string(resource_.plural)}, {"answer", error.text()}});
      streamed_lists_ = false;
      state_ = State::kEmpty;
      return open();
    }
    return retry(error);
  }
  if (broken_) return retry(break_reason_);
  if (!end) return retry(end.error());
  if (boot_now() - opened_ < kHealthy) return retry({Code::kUnavailable, "the server ends watches at once", {}, {}, 0});
  backoff_ = Duration(0);
  if (state_ == State::kStreaming) state_ = State::kEmpty;
  open();
}

void Watch::retry(const Error& error) {
  if (error.code == Code::kGone || error.code == Code::kUnserved || state_ != State::kWatching) {
    state_ = State::kEmpty;
    version_.clear();
  }
  // The kind is not served: nobody has to wait for it. When it comes back it is listed anew.
  if (error.code == Code::kUnserved) {
    served_ = false;
    if (events_.unserved) events_.unserved();
    if (!vanished_) look_whether_vanished();
  }
  if (boot_now() - opened_ >= kHealthy) backoff_ = Duration(0);
  Duration wait = retry_after(error);
  if (wait.count() > 0) {
    // Who says when to come back is kept to. All watches are held back together, and most of these errors are of what was not
    // sent.
    wait += jittered(kFirstBackoff);
  } else {
    const bool at_once = error.code == Code::kGone && backoff_.count() == 0;
    wait = at_once ? Duration(1) : jittered(std::max(backoff_, kFirstBackoff));
    backoff_ = std::clamp(backoff_ * 2, kFirstBackoff, kLongestBackoff);
  }
  log(error.code == Code::kForbidden ? Level::kError : Level::kInfo, "watch interrupted",
      {{"resource", std::string(resource_.plural)}, {"error", error.text()}, {"retry_in_ms", std::to_string(wait.count())}});
  timer_ = loop_.after(wait, [this] { open(); });
}

}  // namespace knfe::kube
