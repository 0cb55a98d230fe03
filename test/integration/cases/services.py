"""The life of a NetworkService: it comes, it says how it stands, it goes without a trace."""

from kit.case import condition
from kit.ims import BONO, SPROUT, check_addresses, start, whole
from kit.kinds import MADE, MANAGED, OURS
from kit.manifests import dual_stack, function, network, point, role, service, subnet


def comes(case):
    start(case)
    check_addresses(case)
    found = case.must("NetworkService", "ims")
    assert all(part["ready"] == "True" for part in found["status"]["networks"] + found["status"]["functions"]), found["status"]
    assert case.must("NetworkFunction", "ims-sip")["status"]["summary"] == "bono 1/1, sprout 3/3"
    for kind in OURS[:-1]:  # Allocations have no status
        for each in case.api.list(kind, case.ns):
            kstatus = [condition(each, one).get("status") for one in ("Ready", "Reconciling", "Stalled")]
            assert kstatus == ["True", "False", "False"], f"{kind} {each['metadata']['name']}: {kstatus}"
    case.quiet()


def tells_usage(case):
    """How full the networks are follows within a second."""
    start(case)

    def used(name):
        return [each["used"] for each in case.must("Network", name)["status"]["subnets"]]
    case.promptly("usage of core", lambda: used("ims-core") == [4, 4])
    case.promptly("usage of access", lambda: used("ims-access") == [1])
    case.scale(SPROUT, 5)
    case.promptly("usage of core after the scale-out", lambda: used("ims-core") == [6, 6])
    assert case.must("Network", "ims-core")["status"]["inUseBy"] == sorted([f"{BONO}-0-core"] + [f"{SPROUT}-{i}-core" for i in range(5)])


def goes(case):
    start(case)
    case.delete("NetworkService", "ims")
    case.nothing_left()


def goes_half_way(case):
    """Deleted before anything of it is ready."""
    case.apply(service())
    case.delete("NetworkService", "ims")
    case.nothing_left()


def goes_with_broken_pods(case):
    members = [f"{SPROUT}-{i}" for i in range(3)]
    case.actor.broken |= {(case.ns, name) for name in members}
    case.apply(service())
    case.says("NetworkService", "ims", "Ready", "False", "PartsNotReady", "ims-sip")
    case.delete("NetworkService", "ims")
    case.nothing_left()


def holds_addresses_of_pods_that_hang(case):
    """What may still carry an address keeps it."""
    start(case)
    stuck = (case.ns, f"{SPROUT}-1")
    before = case.addresses()[stuck[1]]["core"]
    case.actor.stuck.add(stuck)
    case.delete("NetworkService", "ims")
    case.says("Member", stuck[1], "Ready", "False", "PodTerminating", f"Pod {stuck[1]}")
    case.gone("Member", f"{SPROUT}-0")

    def held():
        return {each["spec"]["ip"] for each in case.api.list("Allocation", case.ns)} >= set(before)
    case.stays("its addresses are held", held, 1.5)
    case.actor.relax()
    case.nothing_left()


def part_goes(case):
    """What the spec no longer names goes, and nothing else."""
    both = service()
    both["spec"]["networks"].append({"name": "lab", "subnets": [subnet(cidr="10.30.0.0/24")]})
    both["spec"]["functions"].append({"name": "probe", "roles": [role()]})
    case.apply(both)
    case.ready("NetworkService", "ims")
    pods = {each["metadata"]["name"]: each["metadata"]["uid"] for each in case.api.list("Pod", case.ns)}
    case.apply(service())
    for kind, name in (("Network", "ims-lab"), ("NetworkFunction", "ims-probe"), ("Pod", "ims-probe-sprout-0"), ("ConfigMap", "ims-probe-peers")):
        case.gone(kind, name)
    case.ready("NetworkService", "ims")
    after = {each["metadata"]["name"]: each["metadata"]["uid"] for each in case.api.list("Pod", case.ns)}
    assert after.items() <= pods.items() and len(after) == 4, after


def network_in_use(case):
    case.apply(dual_stack())
    case.apply(point("mine"))
    case.apply(function())
    case.ready("NetworkFunction", "sip")
    case.ready("ConnectionPoint", "mine")
    case.delete("Network", "core")
    case.says("Network", "core", "DeletionBlocked", "True", "InUse", "mine", "sip-sprout-0-core", "goes when they are gone")
    case.stays("it stays, with its attachment", lambda: case.get("Network", "core") and case.get("NetworkAttachmentDefinition", "core"))
    assert case.states("sip") == {"sip-sprout-0": "Serving"}
    case.apply(point("late"))
    case.says("ConnectionPoint", "late", "Ready", "False", "NetworkDeleting", "Network core", "being deleted")
    case.delete("NetworkFunction", "sip")
    case.gone("Pod", "sip-sprout-0")
    case.says("Network", "core", "DeletionBlocked", "True", "InUse", "mine")
    case.delete("ConnectionPoint", "mine")
    case.gone("Network", "core")
    case.says("ConnectionPoint", "late", "Ready", "False", "NetworkNotFound", "Network core", "create it")
    case.delete("ConnectionPoint", "late")
    case.nothing_left()


def network_of_a_service_deleted(case):
    """A slip of the hand costs nothing: the Network waits for its users, and is the service's again once they are gone."""
    start(case)
    case.delete("Network", "ims-core")
    case.says("Network", "ims-core", "DeletionBlocked", "True", "InUse", f"{SPROUT}-0-core")
    case.says("NetworkService", "ims", "Ready", "False", "PartsNotReady", "Network ims-core", "in use by")
    case.stays("all serve", lambda: case.states() == whole(3))
    case.delete("NetworkService", "ims")
    case.nothing_left()


def networks_in_a_row(case):
    """A name may be used again at once."""
    for cidr in ("10.20.0.0/24", "10.21.0.0/24"):
        case.apply(network(subnets=[subnet(cidr=cidr)]))
        case.ready("Network", "core")
        case.delete("Network", "core")
        case.gone("Network", "core")
    case.nothing_left()


def two_beside_each_other(case):
    """The same service twice: own networks, own addresses, no word between them."""
    case.apply(service("one"))
    case.apply(service("two"))
    case.ready("NetworkService", "one")
    case.ready("NetworkService", "two")
    case.delete("NetworkService", "one")
    case.gone("NetworkFunction", "one-sip")
    case.stays("the other serves", lambda: set(case.states("two-sip").values()) == {"Serving"})
    case.delete("NetworkService", "two")
    case.nothing_left()


def events_tell(case):
    """People see in `kubectl describe` what happened."""
    start(case)
    case.promptly("an Event about the service", lambda: any(
        each["regarding"]["kind"] == "NetworkService" and "All networks and functions are ready" in each["note"]
        for each in case.api.list("Event", case.ns)))


def all_is_labelled(case):
    """Whatever KNFE makes can be found by one label."""
    start(case)
    for kind in OURS[1:] + MADE:
        unlabelled = set(case.names(kind)) - set(case.names(kind, MANAGED)) - {"default", "kube-root-ca.crt"}
        assert not unlabelled, f"{kind}: {unlabelled}"


def namespace_goes(case):
    """With whatever is in it: no finalizer holds it up."""
    start(case)
    case.apply(network("mine", subnets=[subnet(cidr="10.40.0.0/24")]))
    case.apply(point("mine", networkRef={"name": "mine"}))
    case.ready("ConnectionPoint", "mine")
    case.delete_namespace()


def cases():
    yield "service: comes, with addresses of its own for each member", comes
    yield "service: tells how full its networks are", tells_usage
    yield "service: goes, and leaves nothing", goes
    yield "service: goes before it was ready", goes_half_way
    yield "service: goes with pods that never got ready", goes_with_broken_pods
    yield "service: addresses stay while a pod hangs", holds_addresses_of_pods_that_hang
    yield "service: a part that is no longer named goes", part_goes
    yield "service: twice in one namespace", two_beside_each_other
    yield "service: Events tell of it", events_tell
    yield "service: all is labelled", all_is_labelled
    yield "service: its namespace goes", namespace_goes
    yield "network: in use, it does not vanish", network_in_use
    yield "network: of a service, deleted by mistake", network_of_a_service_deleted
    yield "network: a name may be used again", networks_in_a_row
