#include "runtime/events.h"

#include "base/text.h"

namespace knfe::runtime {

namespace {

constexpr api::Resource kEvents{"events.k8s.io", "v1", "Event", "events"};
constexpr std::size_t kMost = 20;
constexpr Duration kWithin{10'000};

}  // namespace

void EventTeller::tell(const std::string& controller, const api::Resource& resource, const api::Meta& about,
                       const std::vector<Note>& notes, const std::string& reconcile) {
  const auto now = boot_now();
  auto& recent = recent_[controller];
  std::erase_if(recent, [&](Instant at) { return now - at > kWithin; });
  for (const auto& note : notes) {
    if (recent.size() >= kMost) return;
    recent.push_back(now);
    const std::string stamp = wall_micros();
    const std::string name = about.key.name + "." + api::hex64(api::hash64(note.reason + note.message + stamp));
    // Of what has no namespace they are in this one, as kubectl looks for them there.
    JsonObject event = api::skeleton(kEvents, {about.key.ns.empty() ? "default" : about.key.ns, name});
    event["metadata"].as_object()["annotations"] = JsonObject{{"knfe.io/reconcile", reconcile}};
    event["eventTime"] = stamp;
    event["type"] = note.warning ? "Warning" : "Normal";
    event["reason"] = note.reason;
    event["note"] = cut(note.message, 1000);
    event["action"] = "Reconcile";
    event["reportingController"] = api_.name() + "/" + controller;
    event["reportingInstance"] = api_.name();
    event["regarding"] = JsonObject{{"apiVersion", resource.api_version()},
                                    {"kind", resource.kind},
                                    {"namespace", about.key.ns},
                                    {"name", about.key.name},
                                    {"uid", about.uid.text()}};
    const auto slot = in_flight_.emplace(in_flight_.end());
    *slot = api_.call(kEvents.plural, "create", kube::create_request(kEvents, event),
                      [this, slot](const Result<Json>&) { loop_.post([this, slot] { in_flight_.erase(slot); }); });
  }
}

}  // namespace knfe::runtime
