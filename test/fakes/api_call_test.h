// ApiCall: what an HTTP request asks of an API server, and what it answers out of a Store.
#pragma once

#include <map>
#include <string>

#include "net/http.h"
#include "test/fakes/store_test.h"

namespace knfe::fakes {

struct ApiCall {
  const api::Resource* resource = nullptr;  // null: there is no such kind
  api::Key key;
  std::string subresource;
  std::map<std::string, std::string> query;

  // Whether its selectors and its namespace take an object in.
  bool selects(const Json& object) const;
};

std::shared_ptr<const ApiCall> call_of(const std::string& target);
// Reads and lists; watches are not for this.
net::Response carry_out(Store& store, const ApiCall& call, const net::Request& request);
// As a watch tells of it.
std::string event_line(const std::string& type, const std::string& object);
std::string bookmark_line(const std::string& version, bool end_of_list);

}  // namespace knfe::fakes
