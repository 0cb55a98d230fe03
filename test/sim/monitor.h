// Monitor: what must hold at every instant, whatever goes wrong; it is told of every version of every object.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "test/fakes/store_test.h"

namespace knfe::sim {

class Monitor {
 public:
  // Beginning with what is there.
  void begin(const fakes::Store& store);
  void see(const fakes::Store::Event& event);
  void breach(std::string text);

  const std::string& breaches() const { return breaches_; }  // empty: none

 private:
  struct Pod {
    std::string name;
    std::set<std::string> ips, owners, points;
    bool ended = false, deleting = false;
  };
  struct Point {
    std::string name, network;
    std::set<std::string> ips;
  };
  struct Member {
    std::string name;
    bool asked = false, left = false;
  };
  struct Claim {
    std::string ip, owner;
  };

  void put(const std::string& plural, const Json& object, bool fresh);
  void put_pod(const std::string& uid, const Json& object);
  void put_point(const std::string& uid, const Json& object);
  void removed(const std::string& plural, const std::string& uid, const std::string& name);

  std::map<std::string, Pod> pods_;  // all by UID
  std::map<std::string, Point> points_;
  std::map<std::string, Member> members_;
  std::map<std::string, Claim> claims_;
  std::set<std::string> signed_;  // UIDs of what a user has written into
  std::string breaches_;
};

// What a user writes into objects of the operators.
extern const char* const kSignature;

}  // namespace knfe::sim
