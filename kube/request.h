// Requests to an API server as values, and its answers as results. Nothing here does I/O.
#pragma once

#include <string>

#include "api/object.h"
#include "net/http.h"

namespace knfe::kube {

// What a list or watch covers.
struct Scope {
  std::string ns;              // empty: every namespace
  std::string label_selector;  // "a=b,c"
  std::string field_selector;  // "metadata.name=x"

  // Whether an object is in it, as far as its namespace and its labels say.
  bool selects(const Json& object) const;
};

// What must be true of the object for a delete to happen; empty: whatever it is.
struct Preconditions {
  api::Uid uid;
  api::Version resource_version;
};

std::string path_of(const api::Resource& resource, const std::string& ns, const std::string& name = {},
                    const std::string& subresource = {});

net::Request get_request(const api::Resource& resource, const api::Key& key);
// Creates and updates have no manager: the API server takes the user agent's name.
net::Request create_request(const api::Resource& resource, const Json& object);
// Server-side apply (KEP-555) by `manager`, which takes the fields it names from whoever has them - or, unless forced, is refused
// as a conflict where somebody has them with other values.
net::Request apply_request(const api::Resource& resource, const Json& object, const std::string& subresource,
                           const std::string& manager, bool force = true);
net::Request merge_patch_request(const api::Resource& resource, const api::Key& key, const Json& patch,
                                 const std::string& subresource, const std::string& manager);
net::Request update_request(const api::Resource& resource, const api::Key& key, const Json& object);
net::Request delete_request(const api::Resource& resource, const api::Key& key, const Preconditions& preconditions);
// One page of a list; `token` is the continue token of the page before, empty for the first.
net::Request list_request(const api::Resource& resource, const Scope& scope, int limit, const std::string& token);
// A watch. With an empty version the server first streams what is there (sendInitialEvents, KEP-3157), from a consistent read.
net::Request watch_request(const api::Resource& resource, const Scope& scope, const std::string& version, int seconds);

// The object of a 2xx answer, else the metav1.Status as an Error. `what` names the request in messages.
Result<Json> read_reply(const net::Response& response, const std::string& what, JsonRoom& room);
// A metav1.Status (an answer, or an ERROR event of a watch) as an Error.
Error status_error(const Json& status, int http_code, std::string_view retry_after);

// What the server asks to wait. More than an hour is taken as an hour: what a server or a proxy says by mistake must have an end
// while nobody looks, and who is asked once an hour is not burdened.
Duration retry_after(const Error& error);

}  // namespace knfe::kube
