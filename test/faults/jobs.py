"""What the operator is asked for: jobs of phases, phases of steps. A step ends with a checkpoint, at which the state must be the
one of an undisturbed life; or, where a function stands in its place, as soon as that says so."""

from kit.ims import SPROUT, check_addresses
from kit.manifests import dual_stack, manifest, network, point, service

MINE = {"metadata": {"annotations": {"example.com/owner": "me"}, "labels": {"example.com/tier": "gold"}}}


def _sign(case, *objects):
    """A user writes into objects of the operator: it must leave that alone."""
    for kind, name in objects:
        case.patch(kind, name, MINE)


def _grow(case):
    _sign(case, ("NetworkFunction", "ims-sip"), ("MemberSet", SPROUT), ("Member", f"{SPROUT}-0"), ("Pod", f"{SPROUT}-0"),
          ("ConnectionPoint", f"{SPROUT}-0-core"), ("ConfigMap", "ims-sip-peers"), ("NetworkAttachmentDefinition", "ims-core"))
    case.scale(SPROUT, 5)


def _signed_service():
    document = service()
    document["metadata"] |= MINE["metadata"]
    return document


def _fixed(case):
    # Alone: nobody else may have that address by chance. The point comes before its network: it waits for an event, not for a timer.
    case.apply(point("fixed", addresses=[{"subnet": "v4", "ip": "10.20.0.77"}]))
    case.apply(dual_stack())


def _is_fixed(case):
    return bool(case.must("ConnectionPoint", "fixed").get("status", {}).get("addresses"))


def _points(case):
    for name in ("a", "b", "c"):
        case.apply(point(name))
    case.apply(point("edge", networkRef={"name": "edge"}, interface="edge"))
    case.apply(network("edge", subnets=[{"name": "v4", "cidr": "10.30.0.0/29"}], addressSpace="lab"))


def _change(case):
    _sign(case, ("NetworkAttachmentDefinition", "core"), ("ConnectionPoint", "a"))
    case.delete("ConnectionPoint", "b")
    case.apply(point("d"))
    case.apply(manifest("Network", "late", {"subnets": [{"name": "v4", "cidr": "10.40.0.0/24"}]}))


def _remove(case):
    # The networks first: they must stay for as long as points are on them.
    for name in ("core", "edge", "late"):
        case.delete("Network", name)
    for name in ("a", "c", "d", "fixed", "edge"):
        case.delete("ConnectionPoint", name)


def _has_pods(case):
    return len(case.api.list("Pod", case.ns)) == 4


JOBS = {
    "ims": {
        "create": [(lambda case: case.apply(_signed_service()), "three")],
        "scale": [(_grow, "five"), (lambda case: case.scale(SPROUT, 2), "two")],
        "delete": [(lambda case: case.delete("NetworkService", "ims"), "nothing")],
    },
    "network": {
        "create": [(_fixed, _is_fixed), (_points, "points")],
        "change": [(_change, "changed")],
        "delete": [(_remove, "nothing")],
    },
    # Deleted while it comes.
    "hasty": {
        "life": [(lambda case: case.apply(service()), _has_pods),
                 (lambda case: case.delete("NetworkService", "ims"), "nothing")],
    },
}


def check(job, checkpoint, case):
    """What must hold beside the state's being the undisturbed one."""
    if job == "ims" and checkpoint != "nothing":
        check_addresses(case)
