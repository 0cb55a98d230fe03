// Run: one plan as it is carried out - its writes in order, each gated by the lease; then the status; then what the caches have
// to see of it before the key may be planned for again.
//
// The first write that fails ends a run. What the API server refuses for good is planned for once more, as a refusal, so that
// the status can say so.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "kube/api_client.h"
#include "runtime/plan.h"
#include "runtime/queue.h"
#include "runtime/watched.h"

namespace knfe::runtime {

class Run;

// Retrying the same cannot help: somebody has to act. (Not found, after a write: the kind itself is not there.)
bool for_good(const Error& error);

// Whoever starts runs.
class RunHost {
 public:
  enum class End {
    kDone,     // all is written
    kRefused,  // not all, and never will be, but the status says so
    kFailed,   // `error` says why
    kTaken,    // a name was taken; the cache has been shown by what: plan again
  };
  virtual bool may_write() const = 0;
  // `effect`: "changed", "noop" (what was there already was that), "conflict".
  virtual void wrote(const Action& action, const char* verb, const char* effect) = 0;
  virtual void write_failed(const Run& run, const Action& action, const Error& why) = 0;
  virtual Plan plan_refused(const Run& run, const Error& refusal) = 0;
  virtual void told(const Run& run) = 0;  // the status is written: the notes are for people now
  // The run may be destroyed here, and its handle with it, from within that handle's own callback.
  virtual void ended(Run& run, End end) = 0;

 protected:
  ~RunHost() = default;
};

// What a cache must have seen before the next plan.
struct Awaited {
  kube::InformerBase* informer;
  api::Key key;
  api::Version version;  // of a write
  api::Uid deleted_uid;  // of a delete
  api::Uid gone_uid;     // of what a write did not find any more
  std::uint64_t life = informer->cache().life();

  bool arrived() const;
};

class Run {
 public:
  Run(RunHost& host, kube::ApiClient& api, const Watched& watched, Queue::Taken taken, std::string id);

  void decide(Plan what);
  void begin();
  // What its writes say, whether they are sent yet or not.
  std::uint64_t content() const;
  // Whether everything that it awaits has arrived.
  bool arrived();
  // Something that it wanted to change was gone already.
  bool met_ghost() const;

  const Queue::Taken taken;
  const Item& item = taken.item;
  const std::string id;  // joins log, Event and history
  const double started = boot_seconds();
  Instant progressed = boot_now();  // when it sent something last
  std::string decision;             // the plan in a line
  std::uint64_t where = 0;          // see Pace; 0: it writes nothing but a status
  Plan plan;
  Error error;
  std::vector<Awaited> awaited;
  std::optional<Duration> backs_off;  // it has failed: how long at least
  std::optional<Instant> look_again;
  Priority look_as = Priority::kChange;
  Instant parked_at{}, doubted_at{};  // doubted: that the watch will tell what is awaited, last
  net::Handle call;

  Run(const Run&) = delete;

 private:
  void step();
  void perform(const Action& action);
  void look_first(const Action& action);
  void send(const Action& action, bool force);
  net::Request request_of(const Action& action, bool force) const;
  void read_live(const Action& action, std::function<void(const Json& live)> then);
  void confirm(const Action& action);
  void prove_absence(const Action& action);
  void prove_vanished(const Action& action);
  void prove_none(const Action& action);
  Error still_there(const Action& action, const Json& live);
  void answered(const Action& action, const Result<Json>& answer);
  const char* effect_of(const Action& action, const Result<Json>& answer) const;
  void await(const Action& action, const Json& answer);
  void learn_taken(const Action& action);
  void failed(const Action& action, const Error& why);

  RunHost& host_;
  kube::ApiClient& api_;
  const Watched& watched_;
  std::size_t next_ = 0;
  std::uint64_t content_ = 0;  // of what it has sent
  bool only_status_ = false;   // an action was refused for good: what is left is to say so
};

}  // namespace knfe::runtime
