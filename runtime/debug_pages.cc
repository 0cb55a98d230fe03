#include "runtime/debug_pages.h"

#include <malloc.h>

#include <charconv>

#include "base/metrics.h"

namespace knfe::runtime {

namespace {

constexpr unsigned kUsualSeconds = 30, kMostSeconds = 60;

bool is_page(const std::string& target, std::string_view page) {
  return target.starts_with(page) && (target.size() == page.size() || target[page.size()] == '?');
}

// 0: not a number of seconds that is served.
unsigned seconds_of(const std::string& text) {
  if (text.empty()) return kUsualSeconds;
  unsigned seconds = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, seconds);
  return error == std::errc() && rest == end && seconds <= kMostSeconds ? seconds : 0;
}

// Those lines of metrics, without comments, that begin so.
std::string lines_of(std::string_view metrics, std::string_view name) {
  std::string out;
  while (!metrics.empty()) {
    const auto line = metrics.substr(0, metrics.find('\n') + 1);
    if (line.empty()) break;
    if (line.starts_with(name)) out += line;
    metrics.remove_prefix(line.size());
  }
  return out;
}

}  // namespace

DebugPages::DebugPages(net::Loop& loop, std::function<std::string()> metrics) : loop_(loop), metrics_(std::move(metrics)) {}

bool DebugPages::serve(const net::Request& request, const net::Server::Answer& answer) {
  if (is_page(request.target, "/debug/memory")) {
    answer(memory());
  } else if (is_page(request.target, "/debug/profile")) {
    profile(request, answer);
  } else {
    return false;
  }
  return true;
}

void DebugPages::profile(const net::Request& request, const net::Server::Answer& answer) {
  const auto seconds = seconds_of(net::parameter(request.target, "seconds"));
  if (seconds == 0) return answer(net::text_response(400, "seconds must be 1 to " + std::to_string(kMostSeconds) + "\n"));
  auto started = CpuProfile::start(std::chrono::seconds(seconds));
  if (!started) return answer(net::text_response(409, started.error().text() + "\n"));
  profile_ = std::move(*started);
  end_ = loop_.after(std::chrono::seconds(seconds), [this, answer] {
    net::Response response{200, {{"Content-Type", "application/octet-stream"}}, profile_->take()};
    profile_.reset();
    answer(response);
  });
}

net::Response DebugPages::memory() const {
  const auto heap = mallinfo2();
  MetricsText out;
  out.family("knfe_malloc_bytes", "gauge");
  const auto line = [&](const char* state, std::size_t bytes) { out.line({{"state", state}}, static_cast<double>(bytes)); };
  line("used", heap.uordblks);
  line("free", heap.fordblks);
  line("free_at_end", heap.keepcost);
  line("mapped", heap.hblkhd);
  out.family("knfe_malloc_free_chunks", "gauge");
  out.line({}, static_cast<double>(heap.ordblks));
  const auto all = metrics_();
  std::string text = out.take();
  for (const char* name : {"process_resident_memory_bytes", "knfe_resident_memory_peak_bytes", "knfe_cached_objects"})
    text += lines_of(all, name);
  return net::text_response(200, std::move(text));
}

}  // namespace knfe::runtime
