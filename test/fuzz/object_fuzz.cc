// Whatever an API server sends as an object: parsing, metadata, ownership, every kind. Nothing may crash, and what decodes must
// encode.
#include <cstddef>
#include <cstdint>

#include "api/digest.h"
#include "operators/view.h"

using namespace knfe;

namespace {

template <class T>
void round_trip(const Json& json) {
  if (const auto object = api::decode_object<T>(json)) {
    const Json spec = api::encode(object->spec);
    decltype(object->spec) again;
    KNFE_CHECK(api::decode_into(spec, again, ""));
    KNFE_CHECK(api::encode(again) == spec);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto json = parse_json({reinterpret_cast<const char*>(data), size});
  if (!json) return 0;
  (void)api::digest_of_owned(*json, "knfe", "");
  (void)api::digest_of_owned(*json, "knfe", "status");
  (void)api::digest_of_desired(*json);
  (void)api::decode_pod(*json);
  (void)api::decode_config_map(*json);
  round_trip<api::NetworkService>(*json);
  round_trip<api::NetworkFunction>(*json);
  round_trip<api::MemberSet>(*json);
  round_trip<api::Member>(*json);
  round_trip<api::Network>(*json);
  round_trip<api::ConnectionPoint>(*json);
  round_trip<api::Allocation>(*json);
  return 0;
}
