#include "api/kinds.h"

#include "api/action.h"
#include "api/allocation.h"
#include "api/connection_point.h"
#include "api/crd.h"
#include "api/network.h"
#include "api/network_function.h"
#include "api/network_service.h"
#include "api/policy.h"

namespace knfe::api {

namespace {

template <class T>
Json definition(CrdFacts facts) {
  facts.category = "knfe";
  return crd<T>(facts);
}

}  // namespace

std::vector<Json> crds() {
  return {
      definition<NetworkService>({"Network functions and the networks between them.",
                                  "nsvc",
                                  20,
                                  {{"Ready", "string", kReadyPath}, {"Why", "string", kWhyPath}}}),
      definition<NetworkFunction>(
          {"A network function: roles whose members form a cluster.",
           "nf",
           41,
           {{"Serving", "string", ".status.summary"}, {"Ready", "string", kReadyPath}, {"Why", "string", kWhyPath, true}}}),
      definition<MemberSet>({"One role of a network function. `kubectl scale` changes its size where the role allows it.",
                             "mset",
                             58,
                             {{"Function", "string", ".spec.function"},
                              {"Role", "string", ".spec.role"},
                              {"Wanted", "integer", ".spec.replicas"},
                              {"Members", "integer", ".status.replicas"},
                              {"Ready", "integer", ".status.readyReplicas"},
                              {"Why", "string", kWhyPath, true}},
                             true}),
      definition<Member>({"One member of a role: an identity, its addresses and its workload.",
                          "mem",
                          63,
                          {{"Role", "string", ".spec.role"},
                           {"Desired", "string", ".spec.desired"},
                           {"Addresses", "string", ".status.summary"},
                           {"State", "string", ".status.state"},
                           {"Ready", "string", kReadyPath},
                           {"Why", "string", kWhyPath, true}}}),
      definition<Policy>({"How many members a role has: by what they measure of themselves, and by the hour.",
                          "pol",
                          0,
                          {{"MemberSet", "string", ".spec.memberSetRef.name"},
                           {"Wanted", "integer", ".status.wanted"},
                           {"Last", "date", ".status.lastResized.time"},
                           {"Because", "string", ".status.lastResized.because", true},
                           {"Ready", "string", kReadyPath},
                           {"Why", "string", kWhyPath, true}}}),
      definition<Action>({"Something that members do once: a backup, a repair, a check.",
                          "act",
                          0,
                          {{"MemberSet", "string", ".spec.memberSetRef.name"},
                           {"Action", "string", ".spec.action"},
                           {"Done", "string", ".status.summary"},
                           {"Ready", "string", kReadyPath},
                           {"Completed", "date", ".status.completionTime"},
                           {"Why", "string", kWhyPath, true}}}),
      definition<Network>(
          {"A data-plane network.",
           "net",
           41,
           {{"Subnets", "string", ".status.summary"}, {"Ready", "string", kReadyPath}, {"Why", "string", kWhyPath, true}}}),
      definition<ConnectionPoint>({"One attachment of a workload to a Network, with its own fixed addresses.",
                                   "cp",
                                   0,
                                   {{"Network", "string", ".spec.networkRef.name"},
                                    {"Workload", "string", ".spec.workloadRef.name"},
                                    {"Addresses", "string", ".status.summary"},
                                    {"MAC", "string", ".status.mac", true},
                                    {"Ready", "string", kReadyPath},
                                    {"Why", "string", kWhyPath, true}}}),
      definition<Allocation>({"A claim on one address. Made and removed by KNFE; that it exists is the claim.",
                              "",
                              0,
                              {{"Network", "string", ".spec.network"},
                               {"Subnet", "string", ".spec.subnet"},
                               {"Address", "string", ".spec.ip"},
                               {"Owner", "string", ".spec.owner"}}}),
  };
}

}  // namespace knfe::api
