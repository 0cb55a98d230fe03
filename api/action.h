// Action: something that members do once - a backup, a repair, a check (ETSI: an operation on a VNFC; APP-C: an action).
#pragma once

#include "api/member.h"

namespace knfe::api {

struct ActionSpec {
  Ref member_set;
  std::string action;
  std::vector<std::string> members;
  StringMap parameters;
  std::int32_t deadline_seconds = 600;
  bool operator==(const ActionSpec&) const = default;
};
template <>
struct Fields<ActionSpec> {
  static constexpr const char* doc = "What is to be done once.";
  static constexpr Rules rules = {{
      {"self == oldSelf", "an Action is done once: make another"},
      {"!has(self.parameters) || self.parameters.all(name, name.matches('^[A-Z][A-Z0-9_]{0,31}$'))",
       "parameters have names like KEYSPACE: capitals, digits and _, at most 32"},
  }};
  static constexpr auto list = std::tuple{
      field("memberSetRef", &ActionSpec::member_set, "The MemberSet whose members do it, FUNCTION-ROLE.", {.required = true}),
      field("action", &ActionSpec::action, "Name of an action of the role.",
            {.required = true, .pattern = kLabelPattern, .min_length = 1, .max_length = 32}),
      field("members", &ActionSpec::members,
            "Names of the members that do it. Without it, all that there are when the Action is made.",
            {.max_length = 63, .min_items = 1, .max_items = 64, .set = true}),
      field("parameters", &ActionSpec::parameters,
            "Handed to the command as environment variables KNFE_PARAMETER_NAME. All members of the function can read them: no "
            "secrets.",
            {.max_length = 1024, .max_items = 16}),
      field("deadlineSeconds", &ActionSpec::deadline_seconds,
            "Who has not done it so long after the Action was made has failed, and does not begin any more.",
            {.otherwise = "600", .minimum = 1, .maximum = 86400})};
};

struct MemberResult {
  std::string name, uid, state, started, finished, output;
  std::optional<std::int32_t> exit_code;
  bool operator==(const MemberResult&) const = default;
};
template <>
struct Fields<MemberResult> {
  static constexpr const char* doc = "What became of it at one member.";
  static constexpr const char* key = "name";
  static constexpr auto list = std::tuple{
      field("name", &MemberResult::name, "Name of the member.", {.required = true, .max_length = 63}),
      field("uid", &MemberResult::uid, "UID of the Member that is asked: one that is made anew under this name is not.",
            {.max_length = 64}),
      field("state", &MemberResult::state, "How far it is.", {.required = true, .one_of = "Pending|Running|Succeeded|Failed"}),
      field("started", &MemberResult::started, "When it began, by the member's clock.", {.format = "date-time"}),
      field("finished", &MemberResult::finished, "When it ended, by the member's clock.", {.format = "date-time"}),
      field("exitCode", &MemberResult::exit_code, "That of the command."),
      field("output", &MemberResult::output, "The end of what the command wrote, or why there is no exit code.",
            {.max_length = 1024})};
};

struct ActionStatus {
  std::int64_t observed_generation = 0;
  std::string summary, completed;
  std::vector<MemberResult> members;
  KeptConditions conditions;
  bool operator==(const ActionStatus&) const = default;
};
template <>
struct Fields<ActionStatus> {
  static constexpr const char* doc = "What became of it.";
  static constexpr auto list = std::tuple{
      field("observedGeneration", &ActionStatus::observed_generation, "Generation of the spec that this tells of."),
      field("summary", &ActionStatus::summary, "For people: members that have done it, of all.", {.max_length = kLongestSummary}),
      field("completionTime", &ActionStatus::completed,
            "When the last member had done it, or failed: nothing changes after that.", {.format = "date-time"}),
      field("members", &ActionStatus::members, "The members.", {.max_items = 1000}),
      field("conditions", &ActionStatus::conditions, "Ready, Reconciling, Stalled.", {.max_items = 16})};
};

struct Action : Object<ActionSpec, ActionStatus> {
  static constexpr Resource resource{kGroup, kVersion, "Action", "actions"};
};

}  // namespace knfe::api
