// The member list as the software in a member reads it: three files in /run/knfe, from the one ConfigMap.
#pragma once

#include <string>

#include "base/json.h"

namespace knfe::guest {

struct MemberList {
  Json json;              // members.json: {"function", "self", "members": [...]}
  std::string tsv;        // members.tsv: NAME ROLE STATE CONNECTION-POINT ADDRESS, one line an address
  std::string hosts;      // hosts(5): ADDRESS NAME.CONNECTION-POINT NAME
  std::string brief;      // name=State,... for the log
  std::string own_state;  // of `self`; empty if it is not on the list
  bool leave = false;     // `self` is asked to leave
};

// `text` is the ConfigMap's members.json.
Result<MemberList> read_member_list(std::string_view text, const std::string& self);

// Writes the files into `folder`, each whole or not at all.
Result<void> write_member_list(const MemberList& list, const std::string& folder);

}  // namespace knfe::guest
