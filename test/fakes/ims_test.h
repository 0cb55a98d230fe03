// The IMS in a World: a service with a Bono on two networks and three Sprouts on one of them, as tests of the operators begin
// with it.
#pragma once

#include <string>

#include "test/fakes/world_test.h"

namespace knfe::fakes {

inline constexpr api::Resource kServices = api::NetworkService::resource;
inline constexpr api::Resource kFunctions = api::NetworkFunction::resource;
inline constexpr api::Resource kSets = api::MemberSet::resource;
inline constexpr api::Resource kMembers = api::Member::resource;
inline constexpr api::Resource kPods = api::Pod::resource;
inline constexpr api::Resource kNetworks = api::Network::resource;
inline constexpr api::Resource kAttachments = api::Attachments::resource;
inline constexpr api::Resource kPoints = api::ConnectionPoint::resource;
inline constexpr api::Resource kAllocations = api::Allocation::resource;

// The manifest, and the same with one part of its text replaced.
std::string ims();
std::string with(const std::string& what, const std::string& other);
// The IMS with Bono as a virtual machine.
std::string ims_with_machine();
// The IMS as it serves.
const Store& serving();
std::string sprout(int ordinal);  // the name of that Sprout
void scale(World& world, int replicas);
// The entry of a member in the list of all; null if it is not on it.
Json listed(const World& world, const std::string& name);
// Fails unless what each pod carries is claimed for its very connection point, so that nobody else can have it: that holds at any
// instant.
void check_addresses(const World& world);

}  // namespace knfe::fakes
