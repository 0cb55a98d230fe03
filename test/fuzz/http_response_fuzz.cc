// Any bytes as an HTTP answer: the same answer, or an error, however they are cut into pieces.
#include <algorithm>
#include <cstdint>

#include "net/response_reader.h"

namespace {

struct Answer final : knfe::net::ResponseSink {
  bool on_head(int status, knfe::net::Headers headers) override {
    text += std::to_string(status);
    for (const auto& [name, value] : headers) text += "|" + name + "=" + value;
    text += "\n";
    return true;
  }
  bool on_body(std::string_view piece) override {
    text += piece;
    return true;
  }
  std::string text;
};

std::string read(std::string_view bytes, std::size_t step) {
  Answer answer;
  knfe::net::ResponseReader reader(answer, {.answers_head = false, .max_body = 1 << 16});
  while (!bytes.empty()) {
    if (!reader.feed(bytes.substr(0, step))) return "no answer";
    bytes.remove_prefix(std::min(step, bytes.size()));
  }
  return reader.finish() ? answer.text : "no answer";
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  KNFE_CHECK(read(bytes, data[0] % 16 + 1u) == read(bytes, bytes.size() + 1));
  return 0;
}
