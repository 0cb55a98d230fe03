#include "operators/function/size.h"

#include "api/network_function.h"

namespace knfe::operators {

runtime::Action resize(const api::Meta& set, std::int32_t replicas, const char* manager) {
  JsonObject object = api::skeleton(api::MemberSet::resource, set.key);
  object["metadata"].as_object()["uid"] = set.uid.text();
  object["spec"] = JsonObject{{"replicas", replicas}};
  runtime::Action action;
  action.resource = api::MemberSet::resource;
  action.key = set.key;
  action.body = std::move(object);
  action.manager = manager;
  return action;
}

}  // namespace knfe::operators
