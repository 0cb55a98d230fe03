// Digests of owned fields: does an object already hold what its operator wants it to hold?
//
// Server-side apply (KEP-555) records in metadata.managedFields which fields each manager owns. What is owned is cut out of the
// live object and hashed; what is wanted is hashed the same way. Equal digests mean that an apply would change nothing, whatever
// other managers, defaults and users have added. Lists of objects count as unordered, since list-maps keep no order of ours; only
// a workload is compared to the letter.
#pragma once

#include "base/json.h"

namespace knfe::api {

// What digests are made of. Members of an object, and entries of a list without order, are summed up: nothing has to be sorted.
namespace digests {

class Members {
 public:
  void add(std::string_view key, std::uint64_t value);
  std::uint64_t result() const;
  bool empty() const { return count_ == 0; }

 private:
  std::uint64_t sum_ = 0, count_ = 0;
};

// Of a list, of which it only turns out at the end whether it has an order.
class Entries {
 public:
  void add(bool is_object, std::uint64_t digest);
  std::uint64_t result(bool to_the_letter) const;

 private:
  bool all_objects_ = true;
  std::uint64_t ordered_ = 0, sum_ = 0, count_ = 0;
};

std::uint64_t of_text(std::string_view text);
std::uint64_t of_number(std::uint64_t number);
std::uint64_t of_other(std::string_view text);  // true, false, null, 1.5
std::uint64_t of(const Json& value, bool to_the_letter);
inline bool is_to_the_letter(std::string_view member) { return member == "workload"; }
std::uint64_t not_zero(std::uint64_t digest);  // 0 stands for nothing

}  // namespace digests

// Of an object as it is sent: apiVersion, kind and the identity in metadata do not count.
std::uint64_t digest_of_desired(const Json& object);
// Of what `manager` owns by apply, through `subresource` ("" or "status"); 0 if it owns nothing there. Digests are compared
// within one process: they may be others in the next version.
std::uint64_t digest_of_owned(const Json& object, std::string_view manager, std::string_view subresource);
// 64-bit FNV-1a: for names and digests, not against an attacker.
std::uint64_t hash64(std::string_view text, std::uint64_t seed = 0);
std::string hex64(std::uint64_t value);  // 16 digits

}  // namespace knfe::api
