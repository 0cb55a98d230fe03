// Digests of owned fields: does an object already hold what its operator wants it to hold?
//
// Server-side apply (KEP-555) records in metadata.managedFields which fields each manager owns. What is owned is cut out of the
// live object and hashed; what is wanted is hashed the same way. Equal digests mean that an apply would change nothing, whatever
// other managers, defaults and users have added. Lists of objects count as unordered, since list-maps keep no order of ours; only
// a workload is compared to the letter.
#pragma once

#include "base/json.h"

namespace knfe::api {

// Of an object as it is sent: apiVersion, kind and the identity in metadata do not count.
std::uint64_t digest_of_desired(const Json& object);
// Of what `manager` owns by apply, through `subresource` ("" or "status"); 0 if it owns nothing there. Digests are compared
// within one process: they may be others in the next version.
std::uint64_t digest_of_owned(const Json& object, std::string_view manager, std::string_view subresource);
// 64-bit FNV-1a: for names and digests, not against an attacker.
std::uint64_t hash64(std::string_view text, std::uint64_t seed = 0);
std::string hex64(std::uint64_t value);  // 16 digits

}  // namespace knfe::api
