"""The benchmark's job (bench/job/README.md) in phases, as jobs.py has KNFE's own."""

from rigs import job
from rigs.rig import NAD, PRIMARIES

MINE = {"metadata": {"annotations": {"example.com/owner": "me"}, "labels": {"example.com/tier": "gold"}}}


def _create(case):
    # A point before its network, one without, one on a network that cannot be.
    for each in (job.point("early", "late"), job.point("alone", "none"), job.network("bad", "nonsense"), job.point("b", "bad"),
                 *job.fresh_set(2, 4), job.network("late", "fd00::/64")):
        case.apply(each)


def _change(case):
    for kind in PRIMARIES:
        for each in case.api.list(kind, case.ns):
            if child := case.get(NAD, job.child_name({**each, "kind": kind})):
                case.patch(NAD, child["metadata"]["name"], MINE)
    case.apply(job.network("net0", "10.99.0.0/16", 9000))
    case.apply(job.network("bad", "10.50.0.0/24"))
    case.apply(job.network("late", "10.50.0.0/99"))
    case.delete("ConnectionPoint", "cp1")
    case.apply(job.point("cp2", "net1", "eth7"))


def _repair(case):
    for each in ("cp2", "cp3"):
        child = job.child_name({**case.must("ConnectionPoint", each), "kind": "ConnectionPoint"})
        case.delete(NAD, child)
    case.delete("Network", "net0")


def _remove(case):
    for kind in PRIMARIES:
        for name in case.names(kind):
            case.delete(kind, name)


JOBS = {
    "peers": {
        "create": [(_create, "created")],
        "change": [(_change, "changed")],
        "repair": [(_repair, "repaired")],
        "delete": [(_remove, "nothing")],
    },
}


def check(case):
    primaries = [{**each, "kind": kind} for kind in PRIMARIES for each in case.api.list(kind, case.ns)]
    why = job.objection(primaries, case.api.list(NAD, case.ns))
    assert not why, why
