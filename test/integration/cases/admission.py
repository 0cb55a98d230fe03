"""Bad input is refused at admission, with a message that says what is allowed.

A row: what is wrong, the object, words of the answer. What is wrong with a Network or a role is tried inside a
NetworkService as well.
"""

import copy

from kit.api import Refused
from kit.kinds import KNFE, OURS
from kit.manifests import CONTAINER, attachment, dual_stack, function, machine_role, manifest, network, point, role, service, subnet

LABEL = "^[a-z]([-a-z0-9]*[a-z0-9])?$"
CIDR = "must be a CIDR such as 10.20.0.0/24"


def one_subnet(**changes):
    return network(subnets=[subnet(**changes)])


def without(document, *path):
    """A copy of the document from which the field at `path` is gone."""
    document = copy.deepcopy(document)
    inner = document
    for step in path[:-1]:
        inner = inner[step]
    del inner[path[-1]]
    return document


def with_field(document, *path, value="x"):
    document = copy.deepcopy(document)
    inner = document
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    return document


def indicator(**more):
    return {"name": "calls", "command": ["/opt/calls"], **more}


def policy(**more):
    spec = {"memberSetRef": {"name": "ims-sip-sprout"}, "load": {"indicator": "calls", "scaleOut": {"above": "40"}}, **more}
    return manifest("Policy", "load", {key: value for key, value in spec.items() if value is not None})


def loaded(**more):
    load = {"indicator": "calls", "scaleOut": {"above": "40"}, "scaleIn": {"below": "20"}, **more}
    return policy(load={key: value for key, value in load.items() if value is not None})


NETWORKS = [
    ("cidr is no cidr", one_subnet(cidr="core"), [CIDR]),
    ("cidr without length", one_subnet(cidr="10.20.0.0"), [CIDR]),
    ("cidr longer than the family allows", one_subnet(cidr="10.20.0.0/33"), [CIDR]),
    ("cidr with an octet too large", one_subnet(cidr="10.20.256.0/24"), [CIDR]),
    ("v6 cidr malformed", one_subnet(cidr="fd20:::/64"), [CIDR]),
    ("host bits in a v4 cidr", one_subnet(cidr="10.20.0.7/24"), ["must have no host bits set, as in 10.20.0.0/24"]),
    ("host bits in a v6 cidr", one_subnet(cidr="fd20::7/64"), ["must have no host bits set"]),
    ("subnets overlap", network(subnets=[subnet("a", "10.20.0.0/16"), subnet("b", "10.20.7.0/24")]),
     ["subnets of one network must not overlap"]),
    ("v6 subnets overlap", network(subnets=[subnet("a", "fd20::/48"), subnet("b", "fd20::/64")]), ["must not overlap"]),
    ("subnets of one name", network(subnets=[subnet("a"), subnet("a", "10.30.0.0/24")]), ["Duplicate value", '"a"']),
    ("pool outside the subnet", one_subnet(pools=[{"start": "10.21.0.1", "end": "10.21.0.9"}]), ["pools must lie inside cidr"]),
    ("pool that ends outside", one_subnet(pools=[{"start": "10.20.0.1", "end": "10.20.1.1"}]), ["pools must lie inside cidr"]),
    ("pool of the other family", one_subnet(pools=[{"start": "fd20::1", "end": "fd20::9"}]), ["pools must lie inside cidr"]),
    ("pool of no addresses", one_subnet(pools=[{"start": "first", "end": "last"}]), ["must be an IP address"]),
    ("pool without end", one_subnet(pools=[{"start": "10.20.0.1"}]), ["pools[0].end", "Required"]),
    ("gateway outside the subnet", one_subnet(gateway="10.21.0.1"), ["gateway must lie inside cidr"]),
    ("gateway that is no address", one_subnet(gateway="router"), ["gateway", "must be an IP address"]),
    ("no subnet", network(subnets=[]), ["subnets", "at least 1"]),
    ("nine subnets", network(subnets=[subnet(f"s{i}", f"10.{i}.0.0/24") for i in range(9)]), ["at most 8"]),
    ("subnets missing", without(network(), "spec", "subnets"), ["subnets", "Required"]),
    ("cidr missing", without(network(), "spec", "subnets", 0, "cidr"), ["cidr", "Required"]),
    ("subnet without name", without(network(), "spec", "subnets", 0, "name"), ["name", "Required"]),
    ("subnet with a bad name", one_subnet(name="Core_4"), [LABEL]),
    ("subnet name too long", one_subnet(name="s" * 16), ["may not be more than 15"]),
    ("mtu too small", network(mtu=500), ["mtu", "greater than or equal to 576"]),
    ("mtu too large", network(mtu=70000), ["mtu", "less than or equal to 65535"]),
    ("mtu that is text", network(mtu="big"), ["mtu", "integer"]),
    ("unknown provider", network(providerRef={"name": "ovn"}), ["the only network provider is multus"]),
    ("unknown encapsulation", network(segments=[{"type": "vxlan", "physicalNetwork": "eth1"}]), ["Unsupported value", '"flat"']),
    ("segment on no interface", network(segments=[{}]), ["physicalNetwork", "Required"]),
    ("segment on an interface with a bad name", network(segments=[{"physicalNetwork": "eth 1"}]), ["should match"]),
    ("address space with a bad name", network(addressSpace="Site A"), [LABEL]),
    ("unknown field", network(vlan=7), ["unknown field", "vlan"]),
    ("unknown field in a subnet", one_subnet(dhcp=True), ["unknown field", "dhcp"]),
]

ROLES = [
    ("initial below min", role(size={"initial": 1, "min": 2, "max": 5}), ["initial must be at least min"]),
    ("initial above max", role(size={"initial": 6, "min": 2, "max": 5}), ["initial must be at most max"]),
    ("min above max", role(size={"initial": 3, "min": 4, "max": 2}), ["min must be at most max"]),
    ("initial without bounds", role(size={"initial": 3}), ["initial needs min and max"]),
    ("exactly and initial", role(size={"exactly": 1, "initial": 1, "min": 1, "max": 2}), ["either exactly", "or initial with min and max"]),
    ("exactly with bounds", role(size={"exactly": 1, "min": 1}), ["min and max belong to initial"]),
    ("annotation that belongs to the networks", role(workload={"pod": {"annotations": {"k8s.v1.cni.cncf.io/networks": "x"}, "spec": {"containers": []}}}),
     ["annotations", "the networks of a member are its connectionPoints"]),
    ("neither pod nor virtual machine", role(workload={}), ["say either pod or virtualMachine"]),
    ("pod and virtual machine", role(workload={**role()["workload"], **machine_role()["workload"]}), ["say either pod or virtualMachine"]),
    ("no size", role(size={}), ["either exactly", "or initial with min and max"]),
    ("size missing", without(role(), "size"), ["size", "Required"]),
    ("negative size", role(size={"exactly": -1}), ["greater than or equal to 0"]),
    ("size too large", role(size={"exactly": 1001}), ["less than or equal to 1000"]),
    ("role with a bad name", role("Sprout_1"), [LABEL]),
    ("role name that ends in a dash", role("sprout-"), [LABEL]),
    ("role name too long", role("s" * 17), ["may not be more than 16"]),
    ("role without name", without(role(), "name"), ["name", "Required"]),
    ("connection points of one name", role(connectionPoints=[attachment(), attachment(interface="other")]), ["Duplicate value", '"core"']),
    ("interfaces of one name", role(connectionPoints=[attachment("a", interface="net1"), attachment("b", interface="net1")]),
     ["interfaces must differ"]),
    ("interface named as another connection point", role(connectionPoints=[attachment("a", interface="b"), attachment("b")]),
     ["interfaces must differ"]),
    ("interface of the pod network", role(connectionPoints=[attachment(interface="eth0")]), ["eth0 and lo belong to the pod network"]),
    ("loopback interface", role(connectionPoints=[attachment(interface="lo")]), ["eth0 and lo belong to the pod network"]),
    ("connection point named as the pod's interface", role(connectionPoints=[attachment("eth0", "core")]), ["eth0 and lo belong to the pod network"]),
    ("interface name too long", role(connectionPoints=[attachment(interface="i" * 16)]), ["may not be more than 15"]),
    ("interface with a bad name", role(connectionPoints=[attachment(interface="net/1")]), ["^[a-z][a-z0-9-]*$"]),
    ("connection point with a bad name", role(connectionPoints=[attachment("net_1")]), [LABEL]),
    ("connection point name too long", role(connectionPoints=[attachment("n" * 16)]), ["may not be more than 15"]),
    ("connection point on no network", role(connectionPoints=[{"name": "core"}]), ["networkRef", "Required"]),
    ("connection point on a network without name", role(connectionPoints=[{"name": "core", "networkRef": {}}]), ["networkRef.name", "Required"]),
    ("nine connection points", role(connectionPoints=[attachment(f"n{i}") for i in range(9)]), ["at most 8"]),
    ("workload missing", without(role(), "workload"), ["workload", "Required"]),
    ("pod without spec", role(workload={"pod": {}}), ["workload.pod.spec", "Required"]),
    ("unknown agent", role(membership={"agent": "Chef"}), ["Unsupported value", '"Sidecar", "None"']),
    ("hook without command", role(membership={"joined": {}}), ["joined.command", "Required"]),
    ("hook with an empty command", role(membership={"leave": {"command": []}}), ["at least 1"]),
    ("no time to leave", role(membership={"leaveTimeoutSeconds": 0}), ["greater than or equal to 1"]),
    ("a fixed size that members may move", role(size={"exactly": 1, "byMembers": True}), ["members can only scale what is not fixed"]),
    ("depends on itself", role(dependsOn=["sprout"]), ["dependsOn names other roles of the function"]),
    ("depends on nobody", role(dependsOn=["hss"]), ["dependsOn names other roles of the function"]),
    ("unknown order", role(order="Backwards"), ["Unsupported value", '"Parallel", "OneByOne"']),
    ("healing by nobody", role(healing={"budget": 0}), ["greater than or equal to 1"]),
    ("healing at once", role(healing={"afterSeconds": 0}), ["greater than or equal to 1"]),
    ("indicator without command", role(indicators=[{"name": "calls"}]), ["command", "Required"]),
    ("indicators of one name", role(indicators=[indicator(), indicator()]), ["Duplicate value", '"calls"']),
    ("indicator with a bad name", role(indicators=[indicator(name="Calls")]), [LABEL]),
    ("indicator measured all the time", role(indicators=[indicator(everySeconds=0)]), ["greater than or equal to 1"]),
    ("window shorter than between two measurements", role(indicators=[indicator(everySeconds=10, windowSeconds=5)]),
     ["windowSeconds must be 0, or at least everySeconds"]),
    ("band of no width", role(indicators=[indicator(band="0")]), ["band must be above 0"]),
    ("band that is no number", role(indicators=[indicator(band="wide")]), ["band", "should match"]),
    ("nine indicators", role(indicators=[indicator(name=f"i{i}") for i in range(9)]), ["at most 8"]),
    ("unknown field in a role", role(replicas=3), ["unknown field", "replicas"]),
]

POLICIES = [
    ("says nothing", policy(load=None), ["say load, hours, min or max"]),
    ("of no set", without(policy(), "spec", "memberSetRef"), ["memberSetRef", "Required"]),
    ("thresholds that cross", loaded(scaleIn={"below": "40"}), ["scaleIn.below must be less than scaleOut.above"]),
    ("threshold of nothing", loaded(scaleOut={"above": "0"}, scaleIn=None), ["scaleOut.above must be above 0"]),
    ("threshold that is no number", loaded(scaleOut={"above": "-3"}), ["above", "should match"]),
    ("threshold that is none of text", loaded(scaleOut={"above": 40}), ["above", "string"]),
    ("no threshold", loaded(scaleOut={}), ["above", "Required"]),
    ("steps of nothing", loaded(scaleIn={"below": "20", "step": 0}), ["greater than or equal to 1"]),
    ("min above max", policy(min=5, max=4), ["min must be at most max"]),
    ("hours without bounds", policy(hours=[{"name": "a", "from": "08:00", "to": "20:00"}]), ["say min or max"]),
    ("hours that are none", policy(hours=[{"name": "a", "from": "24:00", "to": "8", "min": 1}]), ["from", "to", "should match"]),
    ("days that are none", policy(hours=[{"name": "a", "from": "08:00", "to": "20:00", "min": 1, "days": ["Monday"]}]), ["Unsupported value", '"Mon"']),
    ("unknown field", policy(schedule="* * * * *"), ["unknown field", "schedule"]),
]

POINTS = [
    ("network missing", without(point(), "spec", "networkRef"), ["networkRef", "Required"]),
    ("interface missing", without(point(), "spec", "interface"), ["interface", "Required"]),
    ("interface of the pod network", point(interface="eth0"), ["eth0 and lo belong to the pod network"]),
    ("address that is none", point(addresses=[{"subnet": "v4", "ip": "10.20.0"}]), ["must be an IP address"]),
    ("two addresses for one subnet", point(addresses=[{"subnet": "v4"}, {"subnet": "v4", "ip": "10.20.0.9"}]), ["Duplicate value", '"v4"']),
    ("address from no subnet", point(addresses=[{"ip": "10.20.0.9"}]), ["subnet", "Required"]),
    ("mac in capitals", point(mac="0A:58:00:00:00:01"), ["should match", "[0-9a-f]"]),
    ("mac of a group", point(mac="0b:58:00:00:00:01"), ["should match"]),
    ("mac too short", point(mac="0a:58"), ["should match"]),
    ("unknown field", point(vlan=7), ["unknown field", "vlan"]),
]

NAMES = [
    ("Network name too long", network("n" * 42), ["metadata.name", "at most 41 characters"]),
    ("Network name with a dot", network("core.v4"), ["RFC 1035 label"]),
    ("Network name that starts with a digit", network("4core"), ["RFC 1035 label"]),
    ("NetworkFunction name too long", function("f" * 42), ["metadata.name", "at most 41 characters"]),
    ("NetworkService name too long", service("s" * 21), ["metadata.name", "at most 20 characters"]),
    ("name in capitals", network("Core"), ["lower case alphanumeric"]),
    ("network of a service with a long name", service(networks=[{"name": "n" * 21, "subnets": [subnet()]}]), ["may not be more than 20"]),
    ("function of a service with a long name", service(functions=[{"name": "f" * 21, "roles": [role()]}]), ["may not be more than 20"]),
    ("networks of one name", service(networks=[{"name": "core", "subnets": [subnet()]}] * 2), ["Duplicate value", '"core"']),
    ("functions of one name", service(functions=[{"name": "sip", "roles": [role()]}] * 2), ["Duplicate value", '"sip"']),
    ("roles of one name", function("sip", role(), role()), ["Duplicate value", '"sprout"']),
    ("function without roles", manifest("NetworkFunction", "sip", {"roles": []}), ["at least 1"]),
    ("function without spec", without(function(), "spec"), ["spec", "Required"]),
    ("service without functions", without(service(), "spec", "functions"), ["functions", "Required"]),
    ("unknown field in a service", with_field(service(), "spec", "sites"), ["unknown field", "sites"]),
    ("unknown state", with_field(function(), "spec", "state", value="Paused"), ["Unsupported value", '"Running", "Stopped"']),
    ("unknown version", {**network(), "apiVersion": "knfe.io/v1"}, ["cannot be handled as a Network"]),
]

# The limits themselves are allowed: so it is not something else that refuses the rows above.
ALLOWED = [
    ("longest names", service("s" * 20, networks=[{"name": "n" * 20, "subnets": [subnet("s" * 15)]}],
                              functions=[{"name": "f" * 20, "roles": [role("r" * 16, connectionPoints=[attachment("c" * 15)])]}])),
    ("eight subnets side by side", network(subnets=[subnet(f"s{i}", f"10.{i}.0.0/16") for i in range(8)])),
    ("pools and a gateway at the ends", one_subnet(gateway="10.20.0.0", pools=[{"start": "10.20.0.0", "end": "10.20.0.255"}])),
    ("smallest and largest mtu", network(mtu=576)),
    ("size of nothing", function("sip", role(size={"exactly": 0}))),
    ("bounds that leave no choice", function("sip", role(size={"initial": 3, "min": 3, "max": 3}))),
    ("dual stack", dual_stack()),
    ("a pod spec of which KNFE knows nothing", function("sip", role(workload={"pod": {"spec": {"containers": [CONTAINER], "hostUsers": False}}}))),
]


def in_service(document):
    """The same network or role as part of a NetworkService."""
    if document["kind"] == "Network":
        return service(networks=[{"name": "core", **document["spec"]}])
    return service(functions=[{"name": "sip", **document["spec"]}])


def rows():
    for what, document, words in NETWORKS:
        yield f"Network: {what}", [document, in_service(document)], words
    for what, wrong, words in ROLES:
        document = function("sip", wrong)
        yield f"role: {what}", [document, in_service(document)], words
    for what, document, words in POINTS:
        yield f"ConnectionPoint: {what}", [document], words
    for what, document, words in POLICIES:
        yield f"Policy: {what}", [document], words
    for what, document, words in NAMES:
        yield what, [document], words


def refused(case, documents, words):
    for document in documents:
        document = copy.deepcopy(document)
        document["metadata"]["namespace"] = case.ns
        try:
            case.api.create(document)
        except Refused as answer:
            assert answer.code in (400, 422), f"{document['kind']}: {answer}"
            lacking = [word for word in words if word not in answer.message]
            assert not lacking, f"{document['kind']}: {lacking} not in: {answer.message}"
        else:
            raise AssertionError(f"this {document['kind']} was accepted")


def every_kind_is_strict(case):
    """The operator's own kinds, too, take nothing malformed."""
    for kind in OURS:
        try:
            case.api.create({"apiVersion": KNFE, "kind": kind, "metadata": {"name": "x", "namespace": case.ns},
                             "spec": {"nonsense": True}})
        except Refused as answer:
            assert answer.code in (400, 422) and "nonsense" in answer.message, answer
        else:
            raise AssertionError(f"{kind} with nonsense was accepted")


def limits_are_allowed(case):
    for what, document in ALLOWED:
        try:
            case.apply(copy.deepcopy(document), dry=True)
        except Refused as answer:
            raise AssertionError(f"{what}: {answer}") from answer


def nothing_came_of_it(case):
    """After all refusals."""
    left = {kind: [each["metadata"]["name"] for each in case.api.list(kind, case.ns)] for kind in OURS}
    assert not any(left.values()), left


def cases():
    """(name, function) of each; all in one namespace, in this order."""
    for what, documents, words in rows():
        yield f"refused: {what}", lambda case, documents=documents, words=words: refused(case, documents, words)
    yield "refused: nonsense of every kind", every_kind_is_strict
    yield "refused: and nothing came of it", nothing_came_of_it
    yield "allowed: the limits themselves", limits_are_allowed
