// Discovery: what an API server says that it serves.
#pragma once

#include "kube/api_client.h"

namespace knfe::kube {

// Calls `done` with success if the server says that it has no such kind any more, and so no object of it: its group is not there,
// or no version of it has such a resource. That a request was answered with 404 says less: of what is served
// as another version the objects are still there, a server that has just started may not know the kind yet, and whoever answers
// to nothing has said nothing.
[[nodiscard]] net::Handle ask_whether_vanished(ApiClient& api, const api::Resource& resource,
                                               std::function<void(const Result<void>&)> done);

}  // namespace knfe::kube
