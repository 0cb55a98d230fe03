"""What only other objects can tell: a condition names the object and the next step, nothing is half-created, and it goes on by
itself once the cause is gone.
"""

import copy

from kit.case import condition
from kit.kinds import KINDS
from kit.manifests import attachment, dual_stack, function, manifest, network, point, role, service, subnet


def unknown_network(case):
    case.apply(point())
    case.says("ConnectionPoint", "cp", "Ready", "False", "NetworkNotFound", "Network core", case.ns, "create it")
    case.stays("no claim", lambda: not case.names("Allocation"))
    case.apply(network())
    case.ready("ConnectionPoint", "cp")


def unknown_subnet(case):
    case.apply(dual_stack())
    case.apply(point(addresses=[{"subnet": "v5"}]))
    case.says("ConnectionPoint", "cp", "Stalled", "True", "UnknownSubnet", "Network core", "v5", "v4, v6")
    assert not case.names("Allocation")


def address_in_use(case):
    case.apply(network())
    fixed = [{"subnet": "v4", "ip": "10.20.0.77"}]
    case.apply(point("first", addresses=fixed))
    case.ready("ConnectionPoint", "first")
    case.apply(point("second", addresses=fixed))
    case.says("ConnectionPoint", "second", "Stalled", "True", "AddressInUse", "10.20.0.77", "ConnectionPoint first", "ask for another")
    case.delete("ConnectionPoint", "first")
    given = case.ready("ConnectionPoint", "second")
    assert [each["ip"] for each in given["status"]["addresses"]] == ["10.20.0.77"]
    assert given["status"]["mac"] == "0a:58:0a:14:00:4d", given["status"]["mac"]


def address_outside(case):
    case.apply(network(subnets=[subnet(gateway="10.20.0.1")]))
    for name, ip in (("far", "10.21.0.9"), ("router", "10.20.0.1")):
        case.apply(point(name, addresses=[{"subnet": "v4", "ip": ip}]))
        case.says("ConnectionPoint", name, "Stalled", "True", "AddressOutside", ip, "subnet v4 (10.20.0.0/24)", "Network core", "ask for one inside")
    assert not case.names("Allocation")


def networks_overlap(case):
    case.apply(network("first", addressSpace="site"))
    case.ready("Network", "first")
    # Several, since creation times have seconds only and what decides then must not be chance.
    others = ["second"] + [f"other-{i}" for i in range(5)]
    for name in others:
        case.apply(network(name, addressSpace="site", subnets=[subnet(cidr="10.20.0.128/25")]))
        case.says("Network", name, "Stalled", "True", "OverlapsNetwork", "10.20.0.128/25", "10.20.0.0/24", "Network first", "address space site", "choose another cidr")
    for name in others[1:]:
        case.delete("Network", name)
    case.apply(point(networkRef={"name": "second"}))
    case.says("ConnectionPoint", "cp", "Ready", "False", "NetworkNotAccepted", "Network second", "Network first")
    assert case.names("NetworkAttachmentDefinition") == ["first"] and not case.names("Allocation")
    case.ready("Network", "first")
    case.apply(network("third", addressSpace="lab"))
    case.apply(network("fourth"))
    case.ready("Network", "third")
    case.ready("Network", "fourth")
    case.delete("Network", "first")
    case.ready("Network", "second")
    case.ready("ConnectionPoint", "cp")


def pools_that_cannot_be(case):
    """CEL cannot order addresses: so these are told by condition."""
    for name, pools, words in (("backwards", [("10.20.0.9", "10.20.0.1")], ["10.20.0.9-10.20.0.1", "ends before it starts"]),
                               ("twice", [("10.20.0.1", "10.20.0.9"), ("10.20.0.5", "10.20.0.20")], ["pools overlap"])):
        case.apply(network(name, subnets=[subnet(pools=[{"start": start, "end": end} for start, end in pools])]))
        case.says("Network", name, "Stalled", "True", "InvalidSubnet", "subnet v4", *words)
    assert not case.names("NetworkAttachmentDefinition")


def pool_exhausted(case):
    """Dual stack is all or nothing: where IPv6 has nothing left, no IPv4 address is held."""
    case.apply(network(subnets=[subnet(), subnet("v6", "fd20::/64", pools=[{"start": "fd20::5", "end": "fd20::5"}])]))
    case.apply(point("first"))
    case.ready("ConnectionPoint", "first")
    with case.feed("Allocation") as claims:
        case.apply(point("second"))
        case.says("ConnectionPoint", "second", "Stalled", "True", "PoolExhausted", "IPv6 subnet v6 (fd20::/64)", "Network core", "delete connection points")
        case.stays("no claim", lambda: not claims.events())
    case.delete("ConnectionPoint", "first")
    given = case.ready("ConnectionPoint", "second")
    assert len(given["status"]["addresses"]) == 2 and len(case.names("Allocation")) == 2


def last_address_for_many(case):
    """Ten at once for one IPv6 address: one gets it, and none of the others holds an IPv4 address."""
    case.apply(network(subnets=[subnet(), subnet("v6", "fd20::/64", pools=[{"start": "fd20::5", "end": "fd20::5"}])]))
    case.ready("Network", "core")
    names = [f"cp-{i}" for i in range(10)]
    for name in names:
        case.apply(point(name))

    def decided():
        reasons = [condition(case.get("ConnectionPoint", name), "Ready").get("reason") for name in names]
        assert sorted(reasons, key=str) == ["PoolExhausted"] * 9 + ["Ready"], reasons
        return True
    case.promptly("one has it, nine say why not", decided)
    case.quiet(0.5)
    owners = {each["spec"]["owner"] for each in case.api.list("Allocation", case.ns)}
    assert len(case.names("Allocation")) == 2 and len(owners) == 1, case.names("Allocation")


def taken(case, kind, name, foreign, document, where, path):
    """`foreign` has the name of something that `document` needs; `where` must say so; `path` is what is foreign's own."""
    foreign = copy.deepcopy(foreign)
    foreign["metadata"]["namespace"] = case.ns
    foreign["metadata"]["name"] = name
    before = case.api.create(foreign)
    case.apply(document)
    case.says(*where, "Stalled", "True", "NameTaken", f"{kind} {name}", "rename")
    case.stays("the foreign object is untouched",
               lambda: case.must(kind, name)["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"])
    assert case.must(kind, name)[path] == before[path]
    case.delete(kind, name)
    case.ready(document["kind"], document["metadata"]["name"], 40)


def taken_attachment(case):
    foreign = manifest("NetworkAttachmentDefinition", "core", {"config": "{}"})
    taken(case, "NetworkAttachmentDefinition", "core", foreign, network(), ("Network", "core"), "spec")


def taken_map(case):
    case.apply(network())
    foreign = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {}, "data": {"mine": "precious"}}
    taken(case, "ConfigMap", "sip-peers", foreign, function(), ("NetworkFunction", "sip"), "data")


def taken_role(case):
    case.apply(network())
    foreign = {"apiVersion": KINDS["Role"][0], "kind": "Role", "metadata": {}, "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]}
    taken(case, "Role", "sip", foreign, function(), ("NetworkFunction", "sip"), "rules")


def taken_pod(case):
    case.apply(network())
    foreign = {"apiVersion": "v1", "kind": "Pod", "metadata": {}, "spec": {"containers": [{"name": "mine", "image": "knfe.io/pause:dev"}]}}
    taken(case, "Pod", "sip-sprout-0", foreign, function(), ("Member", "sip-sprout-0"), "spec")


def taken_network(case):
    case.apply(network("ims-core", subnets=[subnet(cidr="10.99.0.0/24")]))
    case.apply(service())
    case.says("NetworkService", "ims", "Stalled", "True", "NameTaken", "Network ims-core", "rename")
    assert case.must("Network", "ims-core")["spec"]["subnets"][0]["cidr"] == "10.99.0.0/24"
    case.delete("Network", "ims-core")
    case.ready("NetworkService", "ims", 40)


def functions_whose_names_meet(case):
    """Function a with role b-c and function a-b with role c both derive a-b-c."""
    case.apply(network())
    case.apply(function("a", role("b-c")))
    case.ready("NetworkFunction", "a")
    case.apply(function("a-b", role("c")))
    case.says("NetworkFunction", "a-b", "Stalled", "True", "NameTaken", "MemberSet a-b-c", "rename")
    case.delete("NetworkFunction", "a")
    case.ready("NetworkFunction", "a-b")


def pod_that_is_refused(case):
    """Only the API server knows all of a PodSpec: what it says reaches every level."""
    bad = {"containers": [{"name": "Main", "image": "knfe.io/pause:dev", "ports": [{"containerPort": 70000}]}]}
    document = service(networks=[{"name": "core", "subnets": [subnet()]}],
                       functions=[{"name": "sip", "roles": [role(workload={"pod": {"spec": bad}})]}])
    case.apply(document)
    words = ("containers[0].name", "containerPort")
    case.says("Member", "ims-sip-sprout-0", "Stalled", "True", "Refused", *words)
    case.says("MemberSet", "ims-sip-sprout", "Stalled", "True", "MembersNotServing", "Member ims-sip-sprout-0", *words)
    case.says("NetworkFunction", "ims-sip", "Stalled", "True", "MembersNotServing", "Member ims-sip-sprout-0", *words)
    case.says("NetworkService", "ims", "Stalled", "True", "PartsNotReady", "NetworkFunction ims-sip", *words)
    assert not case.names("Pod")
    document["spec"]["functions"][0]["roles"] = [role()]
    case.apply(document)
    case.ready("NetworkService", "ims")


def pod_with_an_unknown_field(case):
    case.apply(network())
    case.apply(function("sip", role(workload={"pod": {"spec": {"containers": [{"name": "main", "image": "x", "imgae": "y"}]}}})))
    case.says("Member", "sip-sprout-0", "Stalled", "True", "Refused", "unknown field", "imgae")
    assert not case.names("Pod")
    case.apply(function())
    case.ready("NetworkFunction", "sip")


def network_comes_later(case):
    case.apply(function())
    case.says("Member", "sip-sprout-0", "Ready", "False", "NotNetworked", "Network core", "create it")
    case.says("NetworkFunction", "sip", "Ready", "False", "MembersNotServing", "Member sip-sprout-0", "Network core")
    case.stays("no pod", lambda: not case.names("Pod"))
    case.apply(network())
    case.ready("NetworkFunction", "sip")


def service_on_a_network_outside(case):
    """A part may be on a Network of the namespace that comes later."""
    case.apply(service(networks=[], functions=[{"name": "sip", "roles": [role(connectionPoints=[attachment("core", "backbone")])]}]))
    case.says("NetworkService", "ims", "Ready", "False", "PartsNotReady", "NetworkFunction ims-sip", "Network backbone")
    case.apply(network("backbone"))
    case.ready("NetworkService", "ims")


def parts_in_reverse(case):
    """Users first, networks last."""
    case.apply(point(networkRef={"name": "access"}))
    case.apply(function("sip", role("sprout", size={"initial": 2, "min": 1, "max": 3}), role("bono", connectionPoints=[attachment("core"), attachment("access")])))
    case.says("NetworkFunction", "sip", "Ready", "False", "MembersNotServing", "Network")
    case.apply(dual_stack())
    case.says("Member", "sip-bono-0", "Ready", "False", "NotNetworked", "Network access")
    case.apply(network("access", subnets=[subnet(cidr="10.10.0.0/24")]))
    case.ready("NetworkFunction", "sip")
    case.ready("ConnectionPoint", "cp")
    assert set(case.states("sip").values()) == {"Serving"} and len(case.states("sip")) == 3


def cases():
    yield "unknown network", unknown_network
    yield "unknown subnet", unknown_subnet
    yield "address in use", address_in_use
    yield "address outside its subnet", address_outside
    yield "networks of one space overlap", networks_overlap
    yield "pools that cannot be", pools_that_cannot_be
    yield "pool exhausted: all or nothing", pool_exhausted
    yield "last address for many at once", last_address_for_many
    yield "name taken: NetworkAttachmentDefinition", taken_attachment
    yield "name taken: ConfigMap", taken_map
    yield "name taken: Role", taken_role
    yield "name taken: Pod", taken_pod
    yield "name taken: Network of a service", taken_network
    yield "name taken: two functions meet", functions_whose_names_meet
    yield "pod that the API server refuses", pod_that_is_refused
    yield "pod with an unknown field", pod_with_an_unknown_field
    yield "network comes after its function", network_comes_later
    yield "service on a network that comes later", service_on_a_network_outside
    yield "parts applied in reverse", parts_in_reverse
