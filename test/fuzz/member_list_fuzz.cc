// The member list that an agent reads from its ConfigMap.
#include <cstddef>
#include <cstdint>

#include "guest/member_list.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  (void)knfe::guest::read_member_list({reinterpret_cast<const char*>(data), size}, "ims-sip-sprout-0");
  return 0;
}
