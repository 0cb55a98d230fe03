// Policy: when this, then that - how many members a role has, by what they report and by the hour (ETSI: auto-scaling).
#pragma once

#include "api/network_function.h"

namespace knfe::api {

inline constexpr const char* kTimeOfDayPattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$";

struct ScaleOut {
  std::string above;
  std::optional<std::int32_t> step;
  std::int32_t cool_down_seconds = 0;
  bool operator==(const ScaleOut&) const = default;
};
template <>
struct Fields<ScaleOut> {
  static constexpr const char* doc = "When members are added.";
  static constexpr auto list = std::tuple{
      field("above", &ScaleOut::above,
            "Once the members have had more than this each, all through their windows, there are to be so many that none has.",
            {.required = true, .pattern = kDecimalPattern, .max_length = 20}),
      field("step", &ScaleOut::step, "At most so many at once. Without it, as many as it takes.",
            {.minimum = 1, .maximum = 1000}),
      field("coolDownSeconds", &ScaleOut::cool_down_seconds, "Not before the size has been the same for so long.",
            {.otherwise = "0", .minimum = 0, .maximum = 86400})};
};

struct ScaleIn {
  std::string below;
  std::int32_t step = 1;
  std::int32_t cool_down_seconds = 300;
  bool operator==(const ScaleIn&) const = default;
};
template <>
struct Fields<ScaleIn> {
  static constexpr const char* doc = "When members are taken away.";
  static constexpr auto list =
      std::tuple{field("below", &ScaleIn::below,
                       "Once the members have had less than this each, all through their windows, so many go that the others "
                       "come to the middle "
                       "between this and scaleOut.above.",
                       {.required = true, .pattern = kDecimalPattern, .max_length = 20}),
                 field("step", &ScaleIn::step, "At most so many at once.", {.otherwise = "1", .minimum = 1, .maximum = 1000}),
                 field("coolDownSeconds", &ScaleIn::cool_down_seconds, "Not before the size has been the same for so long.",
                       {.otherwise = "300", .minimum = 0, .maximum = 86400})};
};

struct Load {
  std::string indicator;
  ScaleOut scale_out;
  std::optional<ScaleIn> scale_in;
  bool operator==(const Load&) const = default;
};
template <>
struct Fields<Load> {
  static constexpr const char* doc = "As many members as what they measure of themselves asks for.";
  static constexpr Rules rules = {{
      {"double(self.scaleOut.above) > 0.0", "scaleOut.above must be above 0"},
      {"!has(self.scaleIn) || double(self.scaleIn.below) < double(self.scaleOut.above)",
       "scaleIn.below must be less than scaleOut.above: in between the size stays"},
  }};
  static constexpr auto list = std::tuple{field("indicator", &Load::indicator, "Name of an indicator of the role.",
                                                {.required = true, .pattern = kLabelPattern, .min_length = 1, .max_length = 32}),
                                          field("scaleOut", &Load::scale_out, "When members are added.", {.required = true}),
                                          field("scaleIn", &Load::scale_in, "When members are taken away. Without it, never.")};
};

struct Hours {
  std::string name, from, to;
  std::vector<std::string> days;
  std::optional<std::int32_t> min, max;
  bool operator==(const Hours&) const = default;
};
template <>
struct Fields<Hours> {
  static constexpr const char* doc = "Hours in which other bounds hold: the busy ones of a day, a night.";
  static constexpr const char* key = "name";
  static constexpr Rules rules = {{
      {"has(self.min) || has(self.max)", "say min or max, or both"},
      {"!has(self.min) || !has(self.max) || self.min <= self.max", "min must be at most max"},
  }};
  static constexpr auto list =
      std::tuple{field("name", &Hours::name, "Name of these hours.",
                       {.required = true, .pattern = kLabelPattern, .min_length = 1, .max_length = 32}),
                 field("days", &Hours::days, "Days of the week on which they begin. Without it, all.",
                       {.one_of = "Mon|Tue|Wed|Thu|Fri|Sat|Sun", .max_items = 7, .set = true}),
                 field("from", &Hours::from, "Time of day at which they begin, in UTC, such as \"08:00\".",
                       {.required = true, .pattern = kTimeOfDayPattern, .max_length = 5}),
                 field("to", &Hours::to, "Time of day at which they end, in UTC; if it is not after from, on the next day.",
                       {.required = true, .pattern = kTimeOfDayPattern, .max_length = 5}),
                 field("min", &Hours::min, "Not fewer members than this.", {.minimum = 0, .maximum = 1000}),
                 field("max", &Hours::max, "Not more members than this.", {.minimum = 0, .maximum = 1000})};
};

struct PolicySpec {
  Ref member_set;
  std::optional<std::int32_t> min, max;
  std::optional<Load> load;
  std::vector<Hours> hours;
  bool dry_run = false;
  bool operator==(const PolicySpec&) const = default;
};
template <>
struct Fields<PolicySpec> {
  static constexpr const char* doc = "How many members a role is to have.";
  static constexpr Rules rules = {{
      {"has(self.load) || has(self.hours) || has(self.min) || has(self.max)",
       "say load, hours, min or max: else nothing would happen"},
      {"!has(self.min) || !has(self.max) || self.min <= self.max", "min must be at most max"},
  }};
  static constexpr auto list = std::tuple{
      field("memberSetRef", &PolicySpec::member_set,
            "The MemberSet that it moves, FUNCTION-ROLE; its role must say size.initial, min and max. One Policy for each.",
            {.required = true}),
      field("min", &PolicySpec::min, "Not fewer members than this; the role's own min holds, too.",
            {.minimum = 0, .maximum = 1000}),
      field("max", &PolicySpec::max, "Not more members than this; the role's own max holds, too.",
            {.minimum = 0, .maximum = 1000}),
      field("load", &PolicySpec::load, "As many members as what they measure of themselves asks for."),
      field("hours", &PolicySpec::hours, "Hours in which other bounds hold.", {.max_items = 16}),
      field("dryRun", &PolicySpec::dry_run, "Only say in the status what it would do.")};
};

struct Resized {
  std::string time, because;
  std::int32_t from = 0, to = 0;
  bool operator==(const Resized&) const = default;
};
template <>
struct Fields<Resized> {
  static constexpr const char* doc = "A change of size.";
  static constexpr auto list =
      std::tuple{field("time", &Resized::time, "When.", {.required = true, .format = "date-time"}),
                 field("from", &Resized::from, "Members wanted before.", {.required = true}),
                 field("to", &Resized::to, "Members wanted since.", {.required = true}),
                 field("because", &Resized::because, "Why.", {.required = true, .max_length = kLongestSummary})};
};

struct PolicyStatus {
  std::int64_t observed_generation = 0;
  std::optional<std::int32_t> wanted;
  std::optional<Resized> last;
  KeptConditions conditions;
  bool operator==(const PolicyStatus&) const = default;
};
template <>
struct Fields<PolicyStatus> {
  static constexpr const char* doc = "What the policy says.";
  static constexpr auto list =
      std::tuple{field("observedGeneration", &PolicyStatus::observed_generation, "Generation of the spec that this tells of."),
                 field("wanted", &PolicyStatus::wanted, "How many members it wants."),
                 field("lastResized", &PolicyStatus::last, "What it did last, for people: nothing depends on it."),
                 field("conditions", &PolicyStatus::conditions, "Ready, Reconciling, Stalled.", {.max_items = 16})};
};

struct Policy : Object<PolicySpec, PolicyStatus> {
  static constexpr Resource resource{kGroup, kVersion, "Policy", "policies"};
};

}  // namespace knfe::api
