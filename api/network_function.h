// NetworkFunction: roles that form a cluster (ETSI: VNF). MemberSet: one role of it, with the scale subresource.
#pragma once

#include "api/member.h"

namespace knfe::api {

struct Size {
  std::optional<std::int32_t> exactly, initial, min, max;
  bool by_members = false;
  bool operator==(const Size&) const = default;
};
template <>
struct Fields<Size> {
  static constexpr const char* doc = "How many members, and who says so.";
  // One unit: were its fields owned one by one, those of an earlier form could stay beside those of the next.
  static constexpr bool atomic = true;
  static constexpr Rules rules = {{
      {"has(self.exactly) != has(self.initial)",
       "say either exactly (the function's spec owns the size) or initial with min and max (kubectl scale, an autoscaler or the "
       "function owns it)"},
      {"!has(self.exactly) || (!has(self.min) && !has(self.max))", "min and max belong to initial, not to exactly"},
      {"!has(self.initial) || (has(self.min) && has(self.max))", "initial needs min and max"},
      {"!has(self.initial) || !has(self.min) || self.initial >= self.min", "initial must be at least min"},
      {"!has(self.initial) || !has(self.max) || self.initial <= self.max", "initial must be at most max"},
      {"!has(self.min) || !has(self.max) || self.min <= self.max", "min must be at most max"},
      {"!has(self.byMembers) || !self.byMembers || has(self.initial)",
       "members can only scale what is not fixed: say initial, min and max instead of exactly"},
  }};
  static constexpr auto list = std::tuple{
      field("exactly", &Size::exactly, "This many members; the scale subresource is refused.", {.minimum = 0, .maximum = 1000}),
      field("initial", &Size::initial, "This many members at first; then the scale subresource decides, between min and max.",
            {.minimum = 0, .maximum = 1000}),
      field("min", &Size::min, "Smallest number of members that scale may ask for.", {.minimum = 0, .maximum = 1000}),
      field("max", &Size::max, "Largest number of members that scale may ask for.", {.minimum = 0, .maximum = 1000}),
      field("byMembers", &Size::by_members,
            "Members of this role may scale it themselves (`knfe guest scale`), between min and max.")};
};

struct Healing {
  std::int32_t after_seconds = 60, budget = 1;
  bool operator==(const Healing&) const = default;
};
template <>
struct Fields<Healing> {
  static constexpr const char* doc = "When a member that does not serve gets another pod or virtual machine.";
  static constexpr auto list = std::tuple{
      field("afterSeconds", &Healing::after_seconds, "Once it has not served for so long; so long it then has to serve again.",
            {.otherwise = "60", .minimum = 1, .maximum = 86400}),
      field("budget", &Healing::budget,
            "At most so many of the role at once: the next is healed when one of these serves, or has had its time.",
            {.otherwise = "1", .minimum = 1, .maximum = 1000})};
};

// How the members of a role come, and what is done about those that do not serve.
struct Conduct {
  std::vector<std::string> depends_on;
  std::string order;
  std::int32_t seeds = 0;
  std::optional<Healing> healing;
  bool operator==(const Conduct&) const = default;
};
inline constexpr auto kConductFields = std::tuple{
    field("dependsOn", &Conduct::depends_on,
          "Roles of the function all of whose members serve before members of this one are made, and whose members "
          "are stopped after "
          "those of this one.",
          {.max_length = 16, .max_items = 7, .set = true}),
    field("order", &Conduct::order,
          "OneByOne: a member is made once all before it serve, and asked to leave once all after it are gone. "
          "Parallel, or nothing: "
          "all at once.",
          {.one_of = "Parallel|OneByOne"}),
    field("seeds", &Conduct::seeds,
          "The first so many members are seeds, by which the others find the cluster: the member list says so. They are "
          "made one by one, and before all others.",
          {.minimum = 0, .maximum = 1000}),
    field("healing", &Conduct::healing,
          "When members that do not serve are replaced. Without it, only those whose pod has ended.")};

struct Role : MemberTemplate, Conduct {
  std::string name;
  Size size;
  bool operator==(const Role&) const = default;
};
template <>
struct Fields<Role> {
  static constexpr const char* doc = "A role of the function: a kind of member.";
  static constexpr const char* key = "name";
  static constexpr auto list =
      std::tuple_cat(std::tuple{field("name", &Role::name, "Name of the role, unique in the function.",
                                      {.required = true, .pattern = kLabelPattern, .min_length = 1, .max_length = 16}),
                                field("size", &Role::size, "How many members, and who says so.", {.required = true})},
                     kConductFields, kMemberTemplateFields);
};

struct NetworkFunctionSpec {
  std::string state;
  std::vector<Role> roles;
  bool stopped() const { return state == "Stopped"; }
  bool operator==(const NetworkFunctionSpec&) const = default;
};
template <>
struct Fields<NetworkFunctionSpec> {
  static constexpr const char* doc = "The network function that is wanted.";
  static constexpr auto list = std::tuple{
      field("state", &NetworkFunctionSpec::state,
            "Running, or nothing: its members run. Stopped: they have left, and stay as identities with their addresses.",
            {.one_of = "Running|Stopped"}),
      field("roles", &NetworkFunctionSpec::roles, "Its roles.",
            {.required = true,
             .min_items = 1,
             .max_items = 8,
             .rules = {{{"self.all(r, !has(r.dependsOn) || r.dependsOn.all(d, d != r.name && self.exists(o, o.name == d)))",
                         "dependsOn names other roles of the function"}}}})};
};

struct RoleStatus {
  std::string name;
  std::int32_t members = 0, ready = 0;
  bool operator==(const RoleStatus&) const = default;
};
template <>
struct Fields<RoleStatus> {
  static constexpr const char* doc = "A role as it is.";
  static constexpr const char* key = "name";
  static constexpr auto list = std::tuple{field("name", &RoleStatus::name, "Name of the role.", {.required = true}),
                                          field("members", &RoleStatus::members, "Members that are wanted.", {.required = true}),
                                          field("ready", &RoleStatus::ready, "Members that serve.", {.required = true})};
};

struct NetworkFunctionStatus {
  std::int64_t observed_generation = 0;
  std::string summary;
  std::vector<RoleStatus> roles;
  KeptConditions conditions;
  bool operator==(const NetworkFunctionStatus&) const = default;
};
template <>
struct Fields<NetworkFunctionStatus> {
  static constexpr const char* doc = "The network function as it is.";
  static constexpr auto list = std::tuple{
      field("observedGeneration", &NetworkFunctionStatus::observed_generation, "Generation of the spec that this tells of."),
      field("summary", &NetworkFunctionStatus::summary, "Members that serve of those wanted, by role, for people.",
            {.max_length = kLongestSummary}),
      field("roles", &NetworkFunctionStatus::roles, "The roles."),
      field("conditions", &NetworkFunctionStatus::conditions, "Ready, Reconciling, Stalled.", {.max_items = 16})};
};

struct NetworkFunction : Object<NetworkFunctionSpec, NetworkFunctionStatus> {
  static constexpr Resource resource{kGroup, kVersion, "NetworkFunction", "networkfunctions"};
};

struct MemberSetSpec : MemberTemplate, Conduct {
  std::string function, role, state;
  Size size;
  std::optional<std::int32_t> replicas;
  bool operator==(const MemberSetSpec&) const = default;
};
template <>
struct Fields<MemberSetSpec> {
  static constexpr const char* doc = "One role of a function.";
  // The messages tell no figures: the API server refuses a messageExpression that puts strings together as too costly.
  static constexpr Rules rules = {{
      {"!has(self.size.exactly) || !has(self.replicas) || self.replicas == self.size.exactly",
       "the NetworkFunction owns the size of this role (size.exactly): change it there, or give the role size.initial, min and "
       "max"},
      {"!has(self.size.min) || !has(self.replicas) || self.replicas >= self.size.min",
       "replicas must be at least size.min: lower that in the NetworkFunction's role first"},
      {"!has(self.size.max) || !has(self.replicas) || self.replicas <= self.size.max",
       "replicas must be at most size.max: raise that in the NetworkFunction's role first"},
  }};
  static constexpr auto list =
      std::tuple_cat(std::tuple{field("function", &MemberSetSpec::function, "NetworkFunction it belongs to.", {.required = true}),
                                field("role", &MemberSetSpec::role, "Role of that function.", {.required = true}),
                                field("size", &MemberSetSpec::size, "Bounds of the size, and who owns it.", {.required = true}),
                                field("replicas", &MemberSetSpec::replicas,
                                      "How many members are wanted: what kubectl scale sets.", {.minimum = 0, .maximum = 1000}),
                                field("state", &MemberSetSpec::state, "As the function's.", {.one_of = "Running|Stopped"})},
                     kConductFields, kMemberTemplateFields);
};

struct MemberSetStatus {
  std::int64_t observed_generation = 0;
  std::int32_t replicas = 0, ready = 0;
  std::string selector;
  KeptConditions conditions;
  bool operator==(const MemberSetStatus&) const = default;
};
template <>
struct Fields<MemberSetStatus> {
  static constexpr const char* doc = "The role as it is.";
  static constexpr auto list = std::tuple{
      field("observedGeneration", &MemberSetStatus::observed_generation, "Generation of the spec that this tells of."),
      field("replicas", &MemberSetStatus::replicas, "Members that exist, those that leave included.", {.required = true}),
      field("readyReplicas", &MemberSetStatus::ready, "Members that serve.", {.required = true}),
      field("selector", &MemberSetStatus::selector, "Selects the pods of the members, for autoscalers.", {.max_length = 1024}),
      field("conditions", &MemberSetStatus::conditions, "Ready, Reconciling, Stalled.", {.max_items = 16})};
};

struct MemberSet : Object<MemberSetSpec, MemberSetStatus> {
  static constexpr Resource resource{kGroup, kVersion, "MemberSet", "membersets"};
  Instant sized_since = boot_now();  // when its size was first seen to be this

  bool stopped() const { return spec.state == "Stopped"; }
  // What was known of it before stays known.
  void inherit(const MemberSet& before) {
    if (before.meta.uid == meta.uid && before.spec.replicas == spec.replicas) sized_since = before.sized_since;
  }
};

}  // namespace knfe::api
