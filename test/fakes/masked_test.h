// What is left of a store when that is left out in which runs differ that come to the same.
#pragma once

#include <set>
#include <string>

#include "test/fakes/store_test.h"

namespace knfe::fakes {

// Members of objects that differ between runs that come to the same.
bool varies(std::string_view name);

// Everything as a text, without addresses, versions, times, lives of a name, Events and Leases.
std::set<std::string> masked(const Store& store);
// Where two differ, for people; empty if they are the same.
std::string difference(const std::set<std::string>& a, const std::set<std::string>& b);

}  // namespace knfe::fakes
