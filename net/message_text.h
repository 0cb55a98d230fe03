// Messages as the text that goes over the wire (RFC 9112).
#pragma once

#include <string>
#include <string_view>

#include "net/http.h"

namespace knfe::net {

// Whether a request has a body, be it an empty one: then its length is told.
bool has_body(const Request& request);
// A host as it stands before a port: IPv6 addresses in brackets, without a zone.
std::string bracketed(const std::string& host);
// Refuses (Code::kInvalid) what would break the message or forge another: white space in the target, line ends in
// headers, headers that belong to the connection.
Result<void> check_request(const Request& request);
Result<std::string> request_text(const Request& request, std::string_view host);
std::string response_text(const Response& response, bool keep_connection);

}  // namespace knfe::net
