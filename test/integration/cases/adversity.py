"""What people and other controllers do to objects of KNFE's, and what they tell it that is too long or not for it."""

from kit.case import condition
from kit.ims import SPROUT, start, whole
from kit.manifests import attachment, function, manifest, network, point, role, service, subnet
from kit.wait import until

LAST = f"{SPROUT}-2"
NOTHING = ("NetworkService", "NetworkFunction", "MemberSet", "Member", "ConnectionPoint", "Network", "Allocation", "Pod")


def in_the_foreground(case):
    """What the service is made of goes first; what a pod carries is claimed until the pod is gone."""
    start(case)
    stuck = f"{SPROUT}-0"
    carried = case.addresses()[stuck]["core"]
    case.actor.stuck.add((case.ns, stuck))
    case.actor.draining.add((case.ns, stuck))
    case.api.delete("NetworkService", case.ns, "ims", propagationPolicy="Foreground")
    case.gone("Pod", f"{SPROUT}-1")

    def claimed():
        claims = [each["spec"]["ip"] for each in case.api.list("Allocation", case.ns) if each["spec"]["owner"] == f"{stuck}-core"]
        return sorted(claims) == sorted(carried)
    case.stays("the addresses of a pod that is there are claimed", claimed, 2)
    case.actor.relax()

    def left():
        found = {kind: names for kind in NOTHING if (names := case.names(kind))}
        assert not found, found
        return True
    until("nothing is left", left, 40)


def point_in_the_foreground(case):
    """Nobody gets the one address there is while a pod carries it."""
    case.apply(network(subnets=[subnet(pools=[{"start": "10.20.0.5", "end": "10.20.0.5"}])]))
    case.apply(function())
    case.ready("NetworkFunction", "sip")
    case.apply(point("other"))
    case.says("ConnectionPoint", "other", "Ready", "False", "PoolExhausted")
    case.api.delete("ConnectionPoint", case.ns, "sip-sprout-0-core", propagationPolicy="Foreground")
    case.says("ConnectionPoint", "sip-sprout-0-core", "DeletionBlocked", "True", "InUse")
    case.stays("the address is not given away", lambda: not case.must("ConnectionPoint", "other")["status"].get("addresses"), 3)
    case.delete("Pod", "sip-sprout-0")
    until("one of the two has it", lambda: len(case.names("Allocation")) == 1 and
          any(condition(case.get("ConnectionPoint", name) or {}, "Ready").get("status") == "True" for name in ("other", "sip-sprout-0-core")))


def network_in_the_foreground(case):
    """Who is on it stays attached, and what is made anew is attached again."""
    case.apply(network())
    case.apply(function())
    case.ready("NetworkFunction", "sip")
    uid = case.must("Pod", "sip-sprout-0")["metadata"]["uid"]
    case.api.delete("Network", case.ns, "core", propagationPolicy="Foreground")
    case.says("Network", "core", "DeletionBlocked", "True", "InUse", "sip-sprout-0-core")
    until("the garbage collector has tried",
          lambda: case.must("NetworkAttachmentDefinition", "core")["metadata"].get("deletionTimestamp"))
    case.delete("Pod", "sip-sprout-0")
    until("another pod", lambda: (case.get("Pod", "sip-sprout-0") or {"metadata": {"uid": uid}})["metadata"]["uid"] != uid)
    case.listed({"sip-sprout-0": "Serving"}, "sip")
    case.delete("NetworkFunction", "sip")
    case.nothing_left()


def pod_hidden(case):
    """Without the label by which KNFE knows it: nothing else takes its place, nothing of it is released, and it is told."""
    start(case)
    case.patch("Pod", LAST, {"metadata": {"labels": {"knfe.io/member": None}}})
    case.says("Member", LAST, "Ready", "False", "NameTaken", f"Pod {LAST}", "restore its labels")
    case.scale(SPROUT, 2)
    case.says("MemberSet", SPROUT, "Stalled", "True", "NameTaken", f"Pod {LAST}", "restore its labels")
    case.patch("Pod", LAST, {"metadata": {"labels": {"knfe.io/member": LAST}}})
    case.listed(whole(2))


def typo_in_a_network(case):
    """A template that asks for a network that is not there costs nobody anything."""
    start(case)
    before = case.addresses()
    document = service()
    document["spec"]["functions"][0]["roles"][1]["connectionPoints"].append(attachment("mgmt", "typo"))
    case.apply(document)
    case.says("NetworkFunction", "ims-sip", "Ready", "False", "MembersNotServing", "Network typo does not exist")
    case.stays("all serve, with their addresses", lambda: case.states() == whole(3) and case.addresses() == before, 2)
    case.apply(network("typo", subnets=[subnet(cidr="10.30.0.0/24")]))
    until("all have the new connection point", lambda: case.states() == whole(3) and
          all("mgmt" in each for name, each in case.addresses().items() if name.startswith(SPROUT)), 30)


def address_of_a_sister(case):
    """An address that is freed on one network of an address space is free on all, also where that network is gone by force."""
    fixed = [{"subnet": "v4", "ip": "10.20.0.77"}]
    case.apply(network("first", addressSpace="site"))
    case.apply(point("old", networkRef={"name": "first"}, addresses=fixed))
    case.ready("ConnectionPoint", "old")
    claim, = case.names("Allocation")
    case.patch("Allocation", claim, {"metadata": {"finalizers": ["knfe.io/address-claimed", "example.org/slow"]}})
    case.apply(network("second", addressSpace="site"))
    case.apply(point("new", networkRef={"name": "second"}, addresses=fixed))
    case.delete("ConnectionPoint", "old")
    case.delete("Network", "first")
    case.says("Network", "first", "DeletionBlocked", "True", "InUse", f"Allocation {claim}", "not released yet")
    case.patch("Network", "first", {"metadata": {"finalizers": None}})
    case.ready("Network", "second")
    case.says("ConnectionPoint", "new", "Ready", "False", "AddressInUse", "10.20.0.77")
    until("only the other finalizer is left", lambda: case.must("Allocation", claim)["metadata"].get("finalizers") == ["example.org/slow"])
    case.patch("Allocation", claim, {"metadata": {"finalizers": None}})
    case.ready("ConnectionPoint", "new", 5)


def foreign_attachment(case):
    """Nothing is attached to what somebody else has under the network's name."""
    foreign = manifest("NetworkAttachmentDefinition", "core", {"config": '{"type":"macvlan","master":"eth0"}'})
    foreign["metadata"]["namespace"] = case.ns
    case.api.create(foreign)
    case.apply(network())
    case.apply(function())
    case.says("NetworkFunction", "sip", "Stalled", "True", "MembersNotServing", "NetworkAttachmentDefinition core exists")
    case.stays("there is no pod", lambda: not case.names("Pod"))
    case.delete("NetworkAttachmentDefinition", "core")
    case.ready("NetworkFunction", "sip")


def endless_refusal(case):
    """A refusal that repeats 40,000 characters is told all the same."""
    case.apply(network())
    case.apply(function("sip", role(workload={"pod": {"spec": {"containers": [{"name": "x" * 40000, "image": "knfe.io/pause:dev"}]}}})))
    case.says("Member", "sip-sprout-0", "Stalled", "True", "Refused", "the API server refuses")
    case.says("NetworkFunction", "sip", "Stalled", "True", "MembersNotServing", "the API server refuses")


def trouble_in_umlauts(case):
    """What kubelet says is cut between characters."""
    case.apply(network())
    case.apply(function())
    case.ready("NetworkFunction", "sip")
    case.actor.broken.add((case.ns, "sip-sprout-0"))
    case.actor.look_again((case.ns, "sip-sprout-0"))
    case.says("Member", "sip-sprout-0", "Ready", "False", "PodNotReady")
    waiting = {"name": "main", "image": "i", "imageID": "", "ready": False, "restartCount": 0,
               "state": {"waiting": {"reason": "ErrImagePull", "message": "x" * 496 + "\u00e4" * 20}}}
    case.patch("Pod", "sip-sprout-0", {"status": {"containerStatuses": [waiting]}}, "status")
    case.says("Member", "sip-sprout-0", "Ready", "False", "PodNotRunning", "ErrImagePull", "xxx...")
    case.quiet()


def empty_account(case):
    """An empty serviceAccountName is none; the deprecated field counts."""
    case.apply(network())
    for name, fields, account in (("empty", {"serviceAccountName": ""}, "empty"), ("old", {"serviceAccount": "default"}, "default")):
        pod = {"spec": {**fields, "containers": [{"name": "main", "image": "knfe.io/pause:dev"}]}}
        case.apply(function(name, role(workload={"pod": pod})))
        case.ready("NetworkFunction", name)
        assert case.must("Pod", f"{name}-sprout-0")["spec"]["serviceAccountName"] == account
        assert [each["name"] for each in case.must("RoleBinding", name)["subjects"]] == [account]


def cases():
    yield "adversity: a service is deleted in the foreground", in_the_foreground
    yield "adversity: a connection point is deleted in the foreground", point_in_the_foreground
    yield "adversity: a network is deleted in the foreground", network_in_the_foreground
    yield "adversity: a pod loses its label", pod_hidden
    yield "adversity: a role asks for a network that is not there", typo_in_a_network
    yield "adversity: an address is freed on a sister network", address_of_a_sister
    yield "adversity: somebody else's attachment", foreign_attachment
    yield "adversity: an endless refusal", endless_refusal
    yield "adversity: trouble in umlauts", trouble_in_umlauts
    yield "adversity: ServiceAccount by other words", empty_account
