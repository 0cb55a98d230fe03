#include "guest/member_list.h"

#include "guest/files.h"

namespace knfe::guest {

Result<MemberList> read_member_list(std::string_view text, const std::string& self) {
  KNFE_TRY(Json json, parse_json(text));
  if (!at(json, "members").is_array()) return fail(Code::kInvalid, "no list of members", "/members");
  MemberList out;
  for (const auto& member : as_array(at(json, "members"))) {
    const std::string name(as_string(at(member, "name"))), state(as_string(at(member, "state")));
    if (name == self) {
      out.own_state = state;
      out.leave = as_bool(at(member, "leave"));
    }
    out.brief += (out.brief.empty() ? "" : ",") + name + "=" + state;
    for (const auto& [point, ips] : as_object(at(member, "addresses"))) {
      const std::string point_name(point);
      for (const auto& ip : as_array(ips)) {
        const std::string address(as_string(ip));
        out.tsv += name + "\t" + std::string(as_string(at(member, "role"))) + "\t" + state + "\t" + point_name + "\t" + address +
                   (as_bool(at(member, "seed")) ? "\tseed\n" : "\n");
        out.hosts += address + " " + name + "." + point_name + " " + name + "\n";
      }
    }
  }
  out.json = JsonObject{{"function", at(json, "function")}, {"self", self}, {"members", at(json, "members")}};
  return out;
}

Result<void> write_member_list(const MemberList& list, const std::string& folder) {
  for (const auto& [name, text] : {std::pair<const char*, std::string>{"members.json", to_text(list.json) + "\n"},
                                   {"members.tsv", list.tsv},
                                   {"hosts", list.hosts}}) {
    if (auto written = write_file(folder + "/" + name, text); !written) return written;
  }
  return {};
}

}  // namespace knfe::guest
