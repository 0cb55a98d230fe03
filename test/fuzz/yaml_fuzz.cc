// Whatever parses is written and read back as the same value.
#include <cstdint>

#include "base/yaml.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto value = knfe::parse_yaml({reinterpret_cast<const char*>(data), size}, "input");
  if (!value) {
    KNFE_CHECK(value.error().where.starts_with("input"));
    return 0;
  }
  const auto again = knfe::parse_yaml(knfe::to_yaml(*value), "output");
  KNFE_CHECK(again.has_value() && *again == *value);
  return 0;
}
