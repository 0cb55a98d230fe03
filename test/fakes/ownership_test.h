// Which fields of an object a manager names: what an API server keeps in metadata.managedFields (KEP-555), as sets of paths.
#pragma once

#include <boost/container/flat_set.hpp>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace knfe::fakes {

// Steps as in fieldsV1 ("f:name", "k:{...}", "v:value"), each after a separator.
using Paths = boost::container::flat_set<std::string, std::less<>, std::vector<std::string>>;

// `schema` is structural (OpenAPI); where it says nothing, objects are owned member by member, lists as a whole.
Paths paths_of(const Json& value, const Json& schema);
// Whether members of what stands at a path are owned for themselves: then it is only there, or not.
bool has_members(const Paths& paths, const std::string& path);
JsonObject fields_v1(const Paths& paths);
// What stands at a path; null if nothing.
const Json* find(const Json& object, std::string_view path);
// Takes it away, and the objects around it of which nothing is left.
void erase(Json& object, std::string_view path);
// Puts what `wanted` says into `live`.
void merge(Json& live, const Json& wanted, const Json& schema);
// Adds what the schema says where nothing is said.
void add_defaults(Json& value, const Json& schema);
// The first member that the schema does not know; empty if there is none.
std::string unknown_member(const Json& value, const Json& schema);
// The first that it requires and that is not there.
std::string missing_member(const Json& value, const Json& schema);

}  // namespace knfe::fakes
