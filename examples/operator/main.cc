// A vendor's own VNF manager on KNFE: a SubscriberStore says how many subscribers it has to hold. How many members that takes,
// and of which kind, is what the vendor knows; the NetworkFunction that follows from it is run by KNFE.
#include <knfe/api/crd.h>
#include <knfe/api/network_function.h>
#include <knfe/base/yaml.h>
#include <knfe/runtime/child.h>
#include <knfe/runtime/program.h>

#include <cstdio>
#include <string_view>

using namespace knfe;

struct StoreSpec {
  std::int32_t subscribers = 0;
  std::string image, network;
  bool operator==(const StoreSpec&) const = default;
};
template <>
struct knfe::api::Fields<StoreSpec> {
  static constexpr const char* doc = "The store that is wanted.";
  static constexpr auto list =
      std::tuple{field("subscribers", &StoreSpec::subscribers, "How many subscribers it has to hold.",
                       {.required = true, .minimum = 1, .maximum = 10'000'000}),
                 field("image", &StoreSpec::image, "Image of the store.", {.required = true}),
                 field("network", &StoreSpec::network, "Network that its members are on.", {.required = true, .max_length = 41})};
};

struct StoreStatus {
  std::int64_t observed_generation = 0;
  std::int32_t members = 0;
  api::KeptConditions conditions;
  bool operator==(const StoreStatus&) const = default;
};
template <>
struct knfe::api::Fields<StoreStatus> {
  static constexpr const char* doc = "The store as it is.";
  static constexpr auto list =
      std::tuple{field("observedGeneration", &StoreStatus::observed_generation, "Generation of the spec that this tells of."),
                 field("members", &StoreStatus::members, "How many members that takes."),
                 field("conditions", &StoreStatus::conditions, "Ready, Reconciling, Stalled.", {.max_items = 16})};
};

struct SubscriberStore : api::Object<StoreSpec, StoreStatus> {
  static constexpr api::Resource resource{"example.org", "v1", "SubscriberStore", "subscriberstores"};
};

// One member holds a hundred thousand; one more is there for when one fails.
std::int32_t members_for(std::int32_t subscribers) { return 1 + (subscribers + 99'999) / 100'000; }

runtime::Plan plan_store(const SubscriberStore& store, const kube::Cache<api::NetworkFunction>& functions,
                         const runtime::Moment& moment) {
  runtime::Plan plan;
  if (store.meta.deleting) return plan;  // what it owns goes with it
  runtime::Children children(plan, store.meta.uid);

  api::Role role;
  role.name = "store";
  role.size.exactly = members_for(store.spec.subscribers);
  role.connection_points = {{"data", "", {store.spec.network}}};
  role.workload.pod.emplace().spec =
      JsonObject{{"containers", JsonArray{JsonObject{{"name", "store"}, {"image", store.spec.image}}}}};
  api::NetworkFunctionSpec spec;
  spec.roles = {role};
  auto desired = runtime::child_of(store, api::NetworkFunction::resource, store.meta.key.name,
                                   {{"app.kubernetes.io/managed-by", "subscriber-store"}});
  desired["spec"] = api::encode(spec);
  const auto* live = functions.get(store.meta.key);
  children.apply(api::NetworkFunction::resource, std::move(desired), live ? &live->meta : nullptr);

  StoreStatus status{store.meta.generation, members_for(store.spec.subscribers), {}};
  runtime::ConditionWriter write(store.status.conditions, store.meta, moment);
  const bool told = live && live->status.observed_generation == live->meta.generation && plan.actions.empty();
  const auto* ready = told ? api::find(live->status.conditions, "Ready") : nullptr;
  if (!children.taken().empty()) {
    children.tell_taken(write);
  } else if (ready && ready->status == "True") {
    write.set_ready(true, false, "Serving", "The store serves.");
  } else {
    write.set_ready(false, false, "FunctionNotReady", ready ? ready->message : "The function is being made.");
  }
  status.conditions = std::move(write.conditions);
  runtime::write_status(plan, store, status, std::move(write.notes));
  return plan;
}

int main(int argc, char** argv) {
  const std::string_view word = argc > 1 ? argv[1] : "";
  if (word == "crd") {
    const Json definition = api::crd<SubscriberStore>({.doc = "A store of subscribers.",
                                                       .short_name = "store",
                                                       .name_length = 41,  // as NetworkFunction: it has the same name
                                                       .columns = {{"Subscribers", "integer", ".spec.subscribers"},
                                                                   {"Members", "integer", ".status.members"},
                                                                   {"Ready", "string", api::kReadyPath},
                                                                   {"Why", "string", api::kWhyPath, true}}});
    return std::fputs(to_yaml(definition).c_str(), stdout) < 0;
  }
  if (argc > 2 || word.starts_with("-")) {
    std::fputs(
        "usage: subscriber-store [KUBECONFIG]   run, as kubectl would find its cluster or on that one\n"
        "       subscriber-store crd            print the CustomResourceDefinition\n",
        stderr);
    return 2;
  }
  kube::Cache<SubscriberStore> stores;
  kube::Cache<api::NetworkFunction> functions;
  runtime::ProgramOptions options;
  options.name = "subscriber-store";
  options.kubeconfig = word;
  return runtime::run_program(options, [&](runtime::Operator& program) {
    program.watch(stores);
    program.watch(functions, "app.kubernetes.io/managed-by=subscriber-store");
    auto& manager = program.manager();
    const auto controller = manager.control(
        "store", stores, [&](const SubscriberStore& store, const auto& moment) { return plan_store(store, functions, moment); });
    manager.wake_owner(functions, controller);
  });
}
