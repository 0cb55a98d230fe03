#include "runtime/recorder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/log.h"
#include "base/text.h"

namespace knfe::runtime {

namespace {

bool is_secret(const std::string& target) {
  return target.find("/secrets") != std::string::npos || target.find("/token") != std::string::npos;
}

}  // namespace

Result<std::unique_ptr<Recorder>> Recorder::open(const std::string& file, JsonObject about, net::Client& inner,
                                                 std::size_t most) {
  constexpr auto kNeeds = "--record needs a new file, or one of your own that nobody else can read";
  // Not blocking: a pipe that nobody reads would be waited for.
  const int descriptor = ::open(file.c_str(), O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
  if (descriptor < 0) return fail(Code::kInvalid, std::strerror(errno), file, kNeeds);
  struct stat what{};
  const bool looked = ::fstat(descriptor, &what) == 0;
  const bool own = looked && S_ISREG(what.st_mode) && what.st_nlink == 1 && what.st_uid == ::geteuid();
  if (!own || (what.st_mode & 077) != 0 || ::ftruncate(descriptor, 0) != 0) {
    ::close(descriptor);
    return fail(Code::kInvalid, own ? "others can read it" : "is no file of our own", file, kNeeds);
  }
  std::unique_ptr<Recorder> made(new Recorder(descriptor, inner, most));
  about["recorded"] = wall_seconds();
  made->write(to_text(Json(std::move(about))));
  return made;
}

Recorder::~Recorder() { ::close(file_); }

void Recorder::write(const std::string& text) {
  if (left_ == 0) return;
  const std::string whole = text + "\n";
  if (whole.size() > left_ || ::write(file_, whole.data(), whole.size()) != static_cast<ssize_t>(whole.size())) {
    left_ = 0;
    return log(Level::kWarning, "the recording ends here: it is as large as it may be, or the disk is full");
  }
  left_ -= whole.size();
}

void Recorder::line(std::uint64_t number, JsonObject what) {
  if (left_ == 0) return;
  JsonObject whole{{"t", (boot_now() - started_).count()}, {"n", number}};
  for (auto& [name, value] : what) {
    if (const auto* text = value.if_string()) value = as_utf8(*text);
    whole[name] = std::move(value);
  }
  write(to_text(Json(std::move(whole))));
}

std::uint64_t Recorder::ask(const net::Request& request) {
  const auto number = ++asked_;
  JsonObject what{{"ask", request.method}, {"target", request.target}};
  if (!request.body.empty() && !is_secret(request.target)) what["body"] = request.body;
  line(number, std::move(what));
  return number;
}

void Recorder::failed(std::uint64_t number, const Error& error) {
  line(number, {{"failed", name(error.code)}, {"message", error.message}});
}

net::Handle Recorder::send(net::Request request, std::function<void(Result<net::Response>)> done) {
  const auto number = ask(request);
  const bool secret = is_secret(request.target);
  return inner_.send(std::move(request), [this, number, secret, done = std::move(done)](Result<net::Response> response) {
    if (response) {
      JsonObject what{{"answer", response->status}, {"body", secret ? std::string() : response->body}};
      const auto after = net::header(response->headers, "Retry-After");
      if (!after.empty()) what["retryAfter"] = after;
      line(number, std::move(what));
    } else {
      failed(number, response.error());
    }
    done(std::move(response));
  });
}

net::Handle Recorder::stream(net::Request request, net::StreamEvents events) {
  const auto number = ask(request);
  const bool secret = is_secret(request.target);
  net::StreamEvents heard;
  heard.on_head = [this, number, then = std::move(events.on_head)](int status, const net::Headers& headers) {
    JsonObject what{{"head", status}};
    const auto after = net::header(headers, "Retry-After");
    if (!after.empty()) what["retryAfter"] = after;
    line(number, std::move(what));
    if (then) then(status, headers);
  };
  // Of a character that a piece ends within: it goes with the next one.
  const auto begun = std::make_shared<std::string>();
  heard.on_data = [this, number, secret, begun, then = std::move(events.on_data)](std::string_view piece) {
    if (!secret) {
      std::string text = *begun + std::string(piece);
      *begun = text.substr(whole_characters(text));
      text.resize(text.size() - begun->size());
      line(number, {{"data", text}});
    }
    if (then) then(piece);
  };
  heard.on_end = [this, number, begun, then = std::move(events.on_end)](Result<void> end) {
    if (!begun->empty()) line(number, {{"data", *begun}});
    if (end) {
      line(number, {{"end", true}});
    } else {
      failed(number, end.error());
    }
    if (then) then(std::move(end));
  };
  return inner_.stream(std::move(request), std::move(heard));
}

}  // namespace knfe::runtime
