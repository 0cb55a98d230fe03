// Objects as caches hold them, in few words; all are in namespace n.
#pragma once

#include "api/object.h"

namespace knfe::fakes {

inline api::Meta meta(const std::string& name, const std::string& uid) {
  api::Meta out;
  out.key = {"n", name};
  out.uid = uid;
  return out;
}

// Of an object that another controls.
template <class Owner>
api::Meta meta(const std::string& name, const std::string& uid, const Owner& owner) {
  auto out = meta(name, uid);
  out.owners = {{Owner::resource.api_version(), std::string(Owner::resource.kind), owner.meta.key.name, owner.meta.uid, true}};
  return out;
}

inline api::Condition condition(const std::string& type, const std::string& status, const std::string& reason = {},
                                const std::string& message = {}) {
  return {type, status, reason, message, "2026-01-01T00:00:00Z", 0};
}

}  // namespace knfe::fakes
