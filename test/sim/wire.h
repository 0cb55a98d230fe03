// Wire: the API server, and all ways between it and the processes: requests, answers and watches take their time, and what the
// choices say goes wrong.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "net/http.h"
#include "test/fakes/api_call_test.h"
#include "test/sim/choices.h"
#include "test/sim/monitor.h"

namespace knfe::sim {

class Wire {
 public:
  Wire(Engine& engine, Choices& choices, const Profile& profile, const fakes::Store& begin, const Monitor& monitor);
  ~Wire();
  Wire(const Wire&) = delete;

  // A process's own way to the API server. `identity`: in the lease, if there is one.
  std::unique_ptr<net::Client> connect(int process, std::string identity);
  // How long it takes, where `usual` is the shortest.
  Micros latency(std::uint64_t place, Micros usual);
  // Whether one more fault comes to be at this place; if so, which of the first..last.
  Fault fault(std::uint64_t place, Fault first, Fault last, std::uint32_t one_in);
  // A line of the trace, if there is one.
  template <class Text>
  void say(const Text& text) {
    if (trace) note(text());
  }

  fakes::Store store;
  Monitor monitor;
  std::vector<std::string>* trace = nullptr;
  std::function<void(int process, bool past)> kill;
  std::function<void(const fakes::Store::Event&)> on_event;
  // What lists tell of until then is of the past: so many changes of this schedule are known.
  Micros past_until = 0;
  std::size_t past = 0;

  std::size_t changes() const { return history_.size(); }
  std::uint64_t writes = 0;  // sent by processes, without leases and Events
  std::uint64_t events = 0;  // told by watches
  int faults = 0;
  Micros active = 0;  // when a process last wrote, or something last changed

 private:
  class Line;
  struct Call;
  struct Stream;

  void note(const std::string& line);
  void arrive(const std::shared_ptr<Call>& call);
  void reply(const std::shared_ptr<Call>& call, Result<net::Response> response);
  void open(const std::shared_ptr<Stream>& stream);
  void list(Stream& stream);
  void wake(const std::shared_ptr<Stream>& stream, Micros at_least = 0);
  void pump(const std::shared_ptr<Stream>& stream);
  bool tell(const std::shared_ptr<Stream>& stream, const fakes::Store::Event& event);
  bool tell_wrong(const std::shared_ptr<Stream>& stream, Fault fault, const std::string& line);
  void end(const std::shared_ptr<Stream>& stream, Result<void> result);
  void check_writer(const Line& line, const net::Request& request, const fakes::ApiCall& call);

  Engine& engine_;
  Choices& choices_;
  const Profile& profile_;
  const fakes::Store& begin_;
  std::vector<fakes::Store::Event> history_;
  std::list<std::shared_ptr<Stream>> streams_;
  std::set<std::uint64_t> owed_;  // subjects of which something was not told, until the next list
};

}  // namespace knfe::sim
