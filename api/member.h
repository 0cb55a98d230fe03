// Member: one instance of a role (ETSI: VNFC instance) - an identity, its addresses, its workload. And what roles say of members.
#pragma once

#include "api/connection_point.h"
#include "base/clock.h"

namespace knfe::api {

struct Attachment {
  std::string name, interface;
  Ref network;
  bool operator==(const Attachment&) const = default;
};
template <>
struct Fields<Attachment> {
  static constexpr const char* doc = "A connection point that each member of the role has.";
  static constexpr const char* key = "name";
  static constexpr Rules rules = {{
      {"has(self.interface) || !(self.name in ['eth0', 'lo'])",
       "eth0 and lo belong to the pod network: name the connection point otherwise, or give it an interface of another name"},
  }};
  static constexpr auto list =
      std::tuple{field("name", &Attachment::name, "Name of the connection point, under which peers find the address.",
                       {.required = true, .pattern = kLabelPattern, .min_length = 1, .max_length = 15}),
                 field("networkRef", &Attachment::network,
                       "The Network to attach to. In a NetworkService: one of its networks, or else a Network of the namespace.",
                       {.required = true}),
                 field("interface", &Attachment::interface,
                       "Name of the interface inside the member. Without it, the connection point's name.",
                       {.pattern = kInterfacePattern,
                        .max_length = 15,
                        .rules = {{{"self != 'eth0' && self != 'lo'", "eth0 and lo belong to the pod network"}}}})};
};

struct PodTemplate {
  StringMap labels, annotations;
  Json spec;
  bool operator==(const PodTemplate&) const = default;
};
template <>
struct Fields<PodTemplate> {
  static constexpr const char* doc = "A pod.";
  static constexpr auto list = std::tuple{
      field("labels", &PodTemplate::labels, "Labels that the pod has beside KNFE's own."),
      field("annotations", &PodTemplate::annotations, "Annotations that the pod has beside KNFE's own.",
            {.rules = {{{"!('k8s.v1.cni.cncf.io/networks' in self)", "the networks of a member are its connectionPoints"}}}}),
      field("spec", &PodTemplate::spec,
            "A core/v1 PodSpec. The API server checks it when the first pod is made; its answer is shown in the conditions. KNFE "
            "adds the guest "
            "agent, the member's environment and the data-plane networks.",
            {.required = true})};
};

struct VirtualMachineTemplate {
  StringMap labels, annotations;
  Json spec;
  bool operator==(const VirtualMachineTemplate&) const = default;
};
template <>
struct Fields<VirtualMachineTemplate> {
  static constexpr const char* doc = "A virtual machine of KubeVirt.";
  static constexpr auto list = std::tuple{
      field("labels", &VirtualMachineTemplate::labels, "Labels that the virtual machine has beside KNFE's own."),
      field("annotations", &VirtualMachineTemplate::annotations, "Annotations that the virtual machine has beside KNFE's own."),
      field("spec", &VirtualMachineTemplate::spec,
            "A kubevirt.io/v1 VirtualMachineInstanceSpec, as the spec.template.spec of a VirtualMachine. KubeVirt checks it when "
            "the "
            "first one is made; its answer is shown in the conditions. KNFE adds the data-plane networks, the network data of "
            "cloud-init and the guest agent's identity.",
            {.required = true})};
};

struct Workload {
  std::optional<PodTemplate> pod;
  std::optional<VirtualMachineTemplate> virtual_machine;
  bool operator==(const Workload&) const = default;
};
template <>
struct Fields<Workload> {
  static constexpr const char* doc = "What runs.";
  static constexpr Rules rules = {{
      {"has(self.pod) != has(self.virtualMachine)", "say either pod or virtualMachine"},
      {"has(self.pod) == has(oldSelf.pod)", "a role stays one of pods, or of virtual machines: make another role"},
  }};
  static constexpr auto list =
      std::tuple{field("pod", &Workload::pod, "A pod for each member."),
                 field("virtualMachine", &Workload::virtual_machine, "A virtual machine of KubeVirt for each member.")};
};

struct Hook {
  std::vector<std::string> command;
  bool operator==(const Hook&) const = default;
};
template <>
struct Fields<Hook> {
  static constexpr const char* doc = "A command in the image of the pod's first container, or in the virtual machine.";
  static constexpr auto list = std::tuple{field("command", &Hook::command, "Program and arguments; no shell is involved.",
                                                {.required = true, .max_length = 4096, .min_items = 1, .max_items = 64})};
};

struct Membership {
  std::string agent;
  std::optional<Hook> joined, peers_changed, leave;
  std::int32_t leave_timeout_seconds = 60;
  bool operator==(const Membership&) const = default;
};
template <>
struct Fields<Membership> {
  static constexpr const char* doc = "How a member joins and leaves.";
  static constexpr auto list = std::tuple{
      field("agent", &Membership::agent,
            "Sidecar: the guest agent keeps the member list, runs the hooks and reports; a virtual machine brings it along. "
            "None: the "
            "member serves when its pod or virtual machine is ready, and has left when that has ended.",
            {.otherwise = "\"Sidecar\"", .one_of = "Sidecar|None"}),
      field("joined", &Membership::joined,
            "Succeeds while the member is part of the cluster and may take traffic. Asked twice a second until it does, then "
            "every five "
            "seconds. Without it, a member serves at once."),
      field("peersChanged", &Membership::peers_changed,
            "Runs after each change of the member list, until it succeeds for the newest."),
      field("leave", &Membership::leave,
            "Runs once the member has to leave and the others no longer send it traffic; succeeds when it is drained."),
      field("leaveTimeoutSeconds", &Membership::leave_timeout_seconds,
            "How long a pod or virtual machine that is deleted or evicted may take to drain before it is killed.",
            {.otherwise = "60", .minimum = 1, .maximum = 86400})};
};

inline constexpr const char* kDecimalPattern = "^[0-9]{1,12}([.][0-9]{1,6})?$";  // nothing below 0: a load, a length, a count

struct Indicator {
  std::string name;
  std::vector<std::string> command;
  std::int32_t every_seconds = 5, window_seconds = 30;
  std::string band = "1";
  bool operator==(const Indicator&) const = default;
};
template <>
struct Fields<Indicator> {
  static constexpr const char* doc =
      "Something that each member measures of itself: load, sessions, the length of a queue. A member reports the least and the "
      "most of its latest window, in whole bands, and only when one of them has changed.";
  static constexpr const char* key = "name";
  static constexpr Rules rules = {{
      {"!has(self.windowSeconds) || !has(self.everySeconds) || self.windowSeconds >= self.everySeconds || self.windowSeconds == "
       "0",
       "windowSeconds must be 0, or at least everySeconds"},
      {"!has(self.band) || double(self.band) > 0.0", "band must be above 0"},
  }};
  static constexpr auto list = std::tuple{
      field("name", &Indicator::name, "Name, under which Policies ask for it.",
            {.required = true, .pattern = kLabelPattern, .min_length = 1, .max_length = 32}),
      field("command", &Indicator::command,
            "Program and arguments, run where the hooks run; no shell is involved. It writes one number of at least 0, and ends "
            "with "
            "exit code 0.",
            {.required = true, .max_length = 4096, .min_items = 1, .max_items = 64}),
      field("everySeconds", &Indicator::every_seconds, "How often it is measured.",
            {.otherwise = "5", .minimum = 1, .maximum = 3600}),
      field("windowSeconds", &Indicator::window_seconds,
            "Of how long the least and the most are reported; 0: of the latest measurement. What swings within this time moves "
            "nothing.",
            {.otherwise = "30", .minimum = 0, .maximum = 3600}),
      field("band", &Indicator::band,
            "Width of a band: the least is told rounded down to whole bands, the most rounded up. Wider bands mean fewer writes.",
            {.otherwise = "\"1\"", .pattern = kDecimalPattern, .max_length = 20})};
};

struct ActionTemplate {
  std::string name;
  std::vector<std::string> command;
  std::int32_t timeout_seconds = 60;
  bool operator==(const ActionTemplate&) const = default;
};
template <>
struct Fields<ActionTemplate> {
  static constexpr const char* doc = "Something that each member can be asked to do once, by an Action: a backup, a check.";
  static constexpr const char* key = "name";
  static constexpr auto list =
      std::tuple{field("name", &ActionTemplate::name, "Name, under which Actions ask for it.",
                       {.required = true, .pattern = kLabelPattern, .min_length = 1, .max_length = 32}),
                 field("command", &ActionTemplate::command,
                       "Program and arguments, run where the hooks run; no shell is involved. Exit code 0: it is done.",
                       {.required = true, .max_length = 4096, .min_items = 1, .max_items = 64}),
                 field("timeoutSeconds", &ActionTemplate::timeout_seconds, "How long it may take before it is killed.",
                       {.otherwise = "60", .minimum = 1, .maximum = 86400})};
};

struct Volume {
  std::string name, reclaim;
  Json claim;
  bool deleted_with_member() const { return reclaim == "Delete"; }
  bool operator==(const Volume&) const = default;
};
template <>
struct Fields<Volume> {
  static constexpr const char* doc =
      "A volume that each member has to itself, under its own name: it finds it again, whatever happens to what runs for it.";
  static constexpr const char* key = "name";
  static constexpr auto list = std::tuple{
      field("name", &Volume::name,
            "Name of the volume, for volumeMounts of containers, or disks of a virtual machine. Its PersistentVolumeClaim is "
            "called MEMBER-NAME.",
            {.required = true,
             .pattern = kLabelPattern,
             .min_length = 1,
             .max_length = 16,
             .rules = {{{"!self.startsWith('knfe-')", "names that begin with knfe- are KNFE's own"}}}}),
      field(
          "claim", &Volume::claim,
          "A core/v1 PersistentVolumeClaimSpec, for claims that are made from now on. The API server checks it when the first is "
          "made; its answer is shown in the conditions.",
          {.required = true}),
      field(
          "reclaim", &Volume::reclaim,
          "What becomes of the claim when its member is no longer wanted. Retain: it stays, and a later member of this name has "
          "it again. Delete: it is deleted, with what is on it.",
          {.otherwise = "\"Retain\"", .one_of = "Retain|Delete"})};
};

struct Spread {
  std::string topology_key, when_unsatisfiable;
  bool operator==(const Spread&) const = default;
};
template <>
struct Fields<Spread> {
  static constexpr const char* doc = "The members of the role are spread over nodes, or zones, as evenly as can be.";
  static constexpr auto list =
      std::tuple{field("topologyKey", &Spread::topology_key, "Label of nodes: those with the same value are one place.",
                       {.otherwise = "\"kubernetes.io/hostname\"", .min_length = 1, .max_length = 316}),
                 field("whenUnsatisfiable", &Spread::when_unsatisfiable,
                       "ScheduleAnyway: where there are too few places, members share one. DoNotSchedule: they wait.",
                       {.otherwise = "\"ScheduleAnyway\"", .one_of = "ScheduleAnyway|DoNotSchedule"})};
};

// What is the same for all members of a role.
struct MemberTemplate {
  std::vector<Attachment> connection_points;
  Workload workload;
  Membership membership;
  std::vector<Indicator> indicators;
  std::vector<ActionTemplate> actions;
  std::vector<Volume> volumes;
  std::optional<Spread> spread;
  bool operator==(const MemberTemplate&) const = default;
};
inline constexpr auto kMemberTemplateFields = std::tuple{
    field("connectionPoints", &MemberTemplate::connection_points, "Data-plane attachments beside the pod network, in order.",
          {.max_items = 8,
           .rules = {{{"self.all(a, self.all(b, a.name == b.name || (has(a.interface) ? a.interface : a.name) != "
                       "(has(b.interface) ? b.interface : b.name)))",
                       "interfaces must differ"}}}}),
    field("workload", &MemberTemplate::workload, "What runs.", {.required = true}),
    field("membership", &MemberTemplate::membership, "How a member joins and leaves.", {.otherwise = "{}"}),
    field("indicators", &MemberTemplate::indicators, "What each member measures of itself, while it takes traffic.",
          {.max_items = 8}),
    field("actions", &MemberTemplate::actions, "What each member can be asked to do once.", {.max_items = 16}),
    field("volumes", &MemberTemplate::volumes, "Volumes of each member.", {.max_items = 8}),
    field("spread", &MemberTemplate::spread, "Over which places the members are spread. Without it, the scheduler decides.")};

struct MemberSpec : MemberTemplate {
  std::string function, role, desired;
  std::int32_t ordinal = 0;
  bool is_to_serve() const { return desired.empty() || desired == "Serving"; }
  bool operator==(const MemberSpec&) const = default;
};
template <>
struct Fields<MemberSpec> {
  static constexpr const char* doc = "The member that is wanted.";
  static constexpr auto list = std::tuple_cat(
      std::tuple{
          field("function", &MemberSpec::function, "NetworkFunction it belongs to.", {.required = true}),
          field("role", &MemberSpec::role, "Role it has there.", {.required = true}),
          field("ordinal", &MemberSpec::ordinal, "Its number in the role, from 0.", {.required = true, .minimum = 0}),
          field("desired", &MemberSpec::desired,
                "Serving; or Left: asked to leave the cluster, and then to go; or Stopped: to leave, and to stay as an identity "
                "with its addresses.",
                {.otherwise = "\"Serving\"", .one_of = "Serving|Left|Stopped"})},
      kMemberTemplateFields);
};

struct MemberAddress {
  std::string connection_point;
  std::vector<std::string> ips;
  bool operator==(const MemberAddress&) const = default;
};
template <>
struct Fields<MemberAddress> {
  static constexpr const char* doc = "Addresses of a member on one of its networks.";
  static constexpr const char* key = "connectionPoint";
  static constexpr auto list =
      std::tuple{field("connectionPoint", &MemberAddress::connection_point, "Name of the connection point.", {.required = true}),
                 field("ips", &MemberAddress::ips, "Its addresses.", {.required = true, .max_length = 45, .max_items = 8})};
};

// "core 10.20.0.7 fd20::7, access 10.10.0.2".
std::string text_of(const std::vector<MemberAddress>& addresses);

struct IndicatorReport {
  std::string name, low, high;
  bool operator==(const IndicatorReport&) const = default;
};
template <>
struct Fields<IndicatorReport> {
  static constexpr const char* doc = "What an indicator of a member has been, over its latest window.";
  static constexpr const char* key = "name";
  static constexpr auto list =
      std::tuple{field("name", &IndicatorReport::name, "Name of the indicator.", {.required = true, .max_length = 32}),
                 field("low", &IndicatorReport::low, "Never less than this.",
                       {.required = true, .pattern = kDecimalPattern, .max_length = 20}),
                 field("high", &IndicatorReport::high, "Never more than this.",
                       {.required = true, .pattern = kDecimalPattern, .max_length = 20})};
};

inline constexpr int kMostActions = 16;  // open at once for a function, and told of by a member

struct ActionReport {
  std::string uid, started, finished, output;
  std::optional<std::int32_t> exit_code;
  bool operator==(const ActionReport&) const = default;
};
template <>
struct Fields<ActionReport> {
  static constexpr const char* doc =
      "What became of an Action at this member. It is told from before it begins, until nobody asks any more.";
  static constexpr const char* key = "uid";
  static constexpr auto list =
      std::tuple{field("uid", &ActionReport::uid, "UID of the Action.", {.required = true, .max_length = 64}),
                 field("started", &ActionReport::started, "When it began.", {.required = true, .format = "date-time"}),
                 field("finished", &ActionReport::finished, "When it ended.", {.format = "date-time"}),
                 field("exitCode", &ActionReport::exit_code, "That of the command."),
                 field("output", &ActionReport::output, "The end of what the command wrote, or why there is no exit code.",
                       {.max_length = 1024})};
};

// Written by the guest agent alone.
struct AgentReport {
  std::string pod_uid;
  std::vector<IndicatorReport> indicators;
  std::vector<ActionReport> actions;
  bool operator==(const AgentReport&) const = default;
};
template <>
struct Fields<AgentReport> {
  static constexpr const char* doc = "Who reported Joined, Serving and Left, what it measures, and what it does.";
  static constexpr auto list = std::tuple{
      field("podUID", &AgentReport::pod_uid,
            "UID of the pod, or of the VirtualMachineInstance, whose agent reported: a report of an earlier one does not count.",
            {.required = true, .max_length = 64}),
      field("indicators", &AgentReport::indicators, "The indicators that are known for a whole window.", {.max_items = 8}),
      field("actions", &AgentReport::actions, "The Actions that it is asked to do.", {.max_items = kMostActions})};
};

struct MemberStatus {
  std::int64_t observed_generation = 0;
  std::string state, summary;
  std::vector<MemberAddress> addresses;
  std::optional<AgentReport> agent;
  KeptConditions conditions;
  bool operator==(const MemberStatus&) const = default;
};
template <>
struct Fields<MemberStatus> {
  static constexpr const char* doc = "The member as it is.";
  static constexpr auto list = std::tuple{
      field("observedGeneration", &MemberStatus::observed_generation, "Generation of the spec that this tells of."),
      field("state", &MemberStatus::state, "For people: how it stands in the member list: Joining, Serving or Leaving."),
      field("summary", &MemberStatus::summary, "For people: its data-plane addresses, by connection point.",
            {.max_length = kLongestSummary}),
      field("addresses", &MemberStatus::addresses, "Its data-plane addresses."),
      field("agent", &MemberStatus::agent, "Who reported Joined, Serving and Left, and what it measures."),
      field("conditions", &MemberStatus::conditions,
            "By its agent: Joined, Serving, Left. By KNFE: Networked, Ready, Reconciling, Stalled.", {.max_items = 16})};
};

struct Member : Object<MemberSpec, MemberStatus> {
  static constexpr Resource resource{kGroup, kVersion, "Member", "members"};
  Instant said_since = boot_now();  // when its agent was first seen to say of Serving what it says

  // What was known of it before stays known.
  void inherit(const Member& before) {
    const bool same =
        before.meta.uid == meta.uid && is_true(before.status.conditions, "Serving") == is_true(status.conditions, "Serving");
    if (same) said_since = before.said_since;
  }
};

}  // namespace knfe::api
