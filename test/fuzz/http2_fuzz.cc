// Any bytes of an HTTP/2 server: the same answers, or none, however they are cut into pieces; each stream ends once.
#include <algorithm>
#include <array>
#include <cstdint>

#include "net/http2_session.h"

namespace {

using knfe::net::Http2Session;

struct Answer final : Http2Session::Stream {
  bool on_head(int status, knfe::net::Headers headers) override {
    KNFE_CHECK(!ended);
    text += std::to_string(status);
    for (const auto& [name, value] : headers) text += "|" + name + "=" + value;
    text += "\n";
    return true;
  }
  bool on_body(std::string_view piece) override {
    KNFE_CHECK(!ended);
    text += piece;
    return true;
  }
  void on_close(knfe::net::Ending ending) override {
    KNFE_CHECK(!ended);
    ended = true;
    if (ending.kind != knfe::net::Ending::Kind::kComplete) text = "no answer";
  }
  std::string text;
  bool ended = false;
};

std::string read(std::string_view bytes, std::size_t step) {
  const knfe::net::Request request{.method = "POST", .target = "/", .headers = {}, .body = "{}"};
  std::array<Answer, 3> answers;
  Http2Session session;
  std::string output;
  for (auto& answer : answers) KNFE_CHECK(session.start(answer, request, "host").has_value());
  KNFE_CHECK(session.take(output, 1 << 20).has_value());
  while (!bytes.empty()) {
    if (!session.feed(bytes.substr(0, step))) break;
    bytes.remove_prefix(std::min(step, bytes.size()));
  }
  output.clear();
  (void)session.take(output, 1 << 20);
  session.break_off({knfe::Code::kUnavailable, "cut", {}, {}, 0});
  std::string all;
  for (const auto& answer : answers) {
    KNFE_CHECK(answer.ended);
    all += answer.text + "\n";
  }
  return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  KNFE_CHECK(read(bytes, data[0] % 16 + 1u) == read(bytes, bytes.size() + 1));
  return 0;
}
