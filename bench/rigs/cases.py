"""What bench/conformance asks of a contestant. Each case has a namespace of its own; its name is that of the function."""

import time

from kit.api import Refused
from kit.wait import until
from rigs import job
from rigs.contestant import observe
from rigs.rig import NAD

BAD = ["10.0.0.0", "10.0.0.0/33", "fd00::/129", "010.0.0.0/8", "10.0.0.0/08", "10.0.0/8", "10.0.0.0/+8", "10.0.0.0/",
       "fe80::1%eth0/64", "/24", " 10.0.0.0/8", "10.0.0.0/8 ", "nonsense", "", "10.0.0.0/8/8", "10.0.0.256/8", "fd00:::/64"]
GOOD = ["10.0.0.1/24", "0.0.0.0/0", "::/0", "fd00::1/64", "FD00::/64", "::ffff:10.0.0.1/128", "fd00::10.0.0.1/112", "10.0.0.1/32"]


def fresh_set_before_the_start(case):
    """Exactly one write of the child and one of the status for each primary."""
    for each in job.fresh_set(10, 40):
        case.put(each)
    case.start()
    case.settled()
    case.wrote(children=50, networks=10, points=40, exactly=True)


def fresh_set_while_it_runs(case):
    case.start()
    for each in job.fresh_set(10, 40):
        case.put(each)
    case.settled()
    case.wrote(children=50, networks=10, points=40, exactly=True)


def who_writes_and_how(case):
    case.start()
    case.put(job.network("core"))
    case.put(job.point("cp"))
    case.settled()
    name = f"bench-{case.contestant.name}"
    for kind, of in (("Network", "core"), ("ConnectionPoint", "cp")):
        entries = case.child_of(kind, of)["metadata"]["managedFields"]
        assert [(each["manager"], each["operation"]) for each in entries] == [(name, "Apply")], entries
        assert "annotations" not in case.child_of(kind, of)["metadata"], "annotations on a child"
        for found in (case.child_of(kind, of), case.must(kind, of)):
            assert "finalizers" not in found["metadata"], "finalizers"
    for event in case.audit.events():
        assert event["userAgent"].split("/")[0].split(" ")[0] == name, f"user agent {event['userAgent']}"
        assert event.get("objectRef", {}).get("namespace", case.ns) == case.ns, f"asks for {event['requestURI']}"
        assert event["responseStatus"]["code"] not in (401, 403), f"no right to {event['verb']} {event['requestURI']}"


def point_before_its_network(case):
    case.start()
    case.put(job.point("cp"))
    case.settled()
    assert not case.children(), "a child without a Network"
    case.says("ConnectionPoint", "cp", "NetworkNotFound")
    case.wrote(points=1)
    observe(1.0)
    assert not case.audit.events(), "it asks while it waits: it polls"
    case.put(job.network("core"))
    case.settled()
    case.wrote(children=2, networks=1, points=1)


def invalid_and_valid_cidrs(case):
    case.start()
    for number, cidr in enumerate(BAD):
        assert not job.valid(cidr), f"the suite takes {cidr!r} for valid"
        case.put(job.network(f"bad{number}", cidr))
    for number, cidr in enumerate(GOOD):
        assert job.valid(cidr), f"the suite takes {cidr!r} for invalid"
        case.put(job.network(f"good{number}", cidr))
    case.settled()
    assert len(case.children()) == len(GOOD)


def invalid_cidr_and_repair(case):
    case.start()
    case.put(job.network("core", "nonsense"))
    case.put(job.point("cp"))
    case.settled()
    case.says("Network", "core", "InvalidCIDR")
    case.says("ConnectionPoint", "cp", "NetworkInvalid")
    assert not case.children()
    case.wrote(networks=1, points=1)
    case.put(job.network("core"))
    case.settled()
    case.wrote(children=2, networks=1, points=1)
    kept = {each["metadata"]["name"]: each["metadata"]["resourceVersion"] for each in case.children()}
    case.put(job.network("core", "10.0.0.0/99"))
    case.settled()
    case.says("Network", "core", "InvalidCIDR")
    assert kept == {each["metadata"]["name"]: each["metadata"]["resourceVersion"] for each in case.children()}, "children changed"
    case.wrote(networks=1, points=1)
    case.put(job.network("core"))
    case.settled()
    case.wrote(networks=1, points=1)


def network_changes_and_its_points_follow(case):
    case.start()
    for each in job.fresh_set(2, 10):
        case.put(each)
    case.settled()
    others = {each["metadata"]["name"]: each["metadata"]["resourceVersion"] for each in case.primaries()
              if each["spec"].get("network") == "net1"}
    before = job.condition(case.must("Network", "net0"))["lastTransitionTime"]
    second = int(time.time())
    until("a second has gone by", lambda: time.time() >= second + 1.1)
    case.audit.mark()
    case.put(job.network("net0", "10.99.0.0/16", 9000))
    case.settled()
    case.wrote(children=6, networks=1)
    assert job.condition(case.must("Network", "net0"))["lastTransitionTime"] == before, "lastTransitionTime has moved"
    assert others == {name: case.must("ConnectionPoint", name)["metadata"]["resourceVersion"] for name in others}


def point_moves_to_another_network(case):
    case.start()
    case.put(job.network("core"))
    case.put(job.network("access", "10.10.0.0/24", 9000))
    case.put(job.point("cp"))
    case.settled()
    case.audit.mark()
    case.put(job.point("cp", "access"))
    case.settled()
    case.wrote(children=1, points=1)
    case.put(job.point("cp", "access", "eth7"))
    case.settled()
    case.wrote(children=1, points=1)
    case.put(job.network("core", mtu=1400))  # none of its business any more
    case.settled()
    case.wrote(children=1, networks=1)


def drift_of_owned_fields_is_taken_back(case):
    case.start()
    case.put(job.network("core"))
    case.put(job.point("cp"))
    case.settled()
    case.audit.mark()
    for kind, of in (("Network", "core"), ("ConnectionPoint", "cp")):
        name = case.child_of(kind, of)["metadata"]["name"]
        for what, patch in (
                ("config", {"spec": {"config": "{}"}}),
                ("label changed", {"metadata": {"labels": {"app.kubernetes.io/managed-by": "someone"}}}),
                ("label removed", {"metadata": {"labels": {"app.kubernetes.io/managed-by": None}}}),
                ("owner removed", {"metadata": {"ownerReferences": None}})):
            case.patch(NAD, name, patch)
            try:
                case.settled()
                case.wrote(children=1)
            except AssertionError as error:
                raise AssertionError(f"{what} of the child of {kind}: {error}") from error


def foreign_fields_stay(case):
    case.start()
    case.put(job.network("core"))
    case.settled()
    name = case.child_of("Network", "core")["metadata"]["name"]
    case.audit.mark()
    case.patch(NAD, name, {"metadata": {"labels": {"theirs": "1"}, "annotations": {"theirs": "2"}}})
    observe(1.0)
    case.wrote()
    case.put(job.network("core", mtu=1400))
    case.settled()
    metadata = case.child_of("Network", "core")["metadata"]
    assert metadata["labels"].get("theirs") == "1" and metadata["annotations"] == {"theirs": "2"}, metadata


def deleted_child_comes_back(case):
    case.start()
    case.put(job.network("core"))
    case.put(job.point("cp"))
    case.settled()
    for kind, of in (("Network", "core"), ("ConnectionPoint", "cp")):
        case.audit.mark()
        case.delete(NAD, case.child_of(kind, of)["metadata"]["name"])
        case.settled()
        case.wrote(children=1)


def deleted_status_comes_back(case):
    case.start()
    case.put(job.network("core"))
    case.settled()
    case.audit.mark()
    case.api.patch("Network", case.ns, "core", {"status": None}, "status")
    case.settled()
    case.wrote(networks=1)


def network_goes_and_comes(case):
    case.start()
    case.put(job.network("core"))
    case.put(job.point("cp"))
    case.settled()
    case.audit.mark()
    child = case.child_of("Network", "core")["metadata"]["name"]
    case.delete("Network", "core")
    until("the Network's child is collected", lambda: not case.api.get(NAD, case.ns, child), 60)
    case.settled()
    case.says("ConnectionPoint", "cp", "NetworkNotFound")
    assert case.child_of("ConnectionPoint", "cp"), "the ConnectionPoint's child is gone"
    found = case.count()
    # Who hears of the child's end before that of its owner makes it once more, and it is collected again.
    assert found["connectionpoints/status"] == 1 and found["network-attachment-definitions"] <= 1, f"writes {dict(found)}"
    until("no child without owner", lambda: len(case.children()) == 1, 60)
    case.audit.mark()
    case.put(job.network("core", mtu=1400))
    case.settled()
    case.wrote(children=2, networks=1, points=1)


def deletion_leaves_nothing(case):
    case.start()
    for each in job.fresh_set(3, 9):
        case.put(each)
    case.settled()
    case.audit.mark()
    for each in case.primaries():
        case.delete(each["kind"], each["metadata"]["name"])
    until("all children are collected", lambda: not case.children(), 60)
    observe(1.0)
    assert not case.children() and not case.primaries(), "something came back"
    found = case.count()
    # Points whose Network went first may have said so.
    assert not found["networks/status"], f"writes {dict(found)}"


def restart_and_rest_write_nothing(case):
    for each in [*job.fresh_set(10, 40), job.network("bad", "nonsense"), job.point("on-bad", "bad"), job.point("lost", "nowhere")]:
        case.put(each)
    case.start()
    case.settled()
    case.audit.mark()
    observe(3.0)
    quiet = case.audit.events()
    assert not quiet, f"at rest it asks: {quiet[0]['verb']} {quiet[0]['requestURI']}"
    case.stop()
    before = case.versions()
    case.audit.mark()
    case.start()
    observe(2.0)
    case.wrote()
    assert case.versions() == before, "something changed"


def changed_while_it_was_away(case):
    for each in [*job.fresh_set(2, 6), job.network("core")]:
        case.put(each)
    case.start()
    case.settled()
    case.stop()
    case.put(job.network("net0", "10.77.0.0/16"))
    case.patch(NAD, job.child_name(case.must("ConnectionPoint", "cp1")), {"spec": {"config": "{}"}})
    case.patch(NAD, job.child_name(case.must("ConnectionPoint", "cp3")), {"metadata": {"ownerReferences": None}})
    case.delete(NAD, job.child_name(case.must("ConnectionPoint", "cp5")))
    case.put(job.network("late"))
    case.audit.mark()
    case.start()
    case.settled()
    case.wrote(children=1 + 3 + 3 + 1, networks=2)


def namesake_after_delete(case):
    """A new object of the same name has a child of its own."""
    case.start()
    case.put(job.network("core"))
    case.settled()
    old = case.child_of("Network", "core")["metadata"]["name"]
    case.delete("Network", "core")
    case.put(job.network("core", "10.88.0.0/16"))
    until("the old child is collected", lambda: not case.api.get(NAD, case.ns, old), 60)
    case.settled()


def other_namespaces_are_left_alone(case):
    other = case.rig.namespace("other")
    try:
        case.start()
        manifest = job.network("core")
        manifest["metadata"]["namespace"] = other
        case.api.apply(manifest)
        case.put(job.network("core"))
        case.settled()
        assert not case.api.list(NAD, other), "it writes into another namespace"
    finally:
        case.rig.clear(other)


def dies_in_the_middle(case):
    """Killed while it writes, again and again; then the state is that of an undisturbed life."""
    for each in job.fresh_set(10, 90):
        case.put(each)
    for done in (5, 30, 60):
        case.start()
        until(f"{done} children", lambda wanted=done: len(case.children()) >= wanted, every=0.005)
        case.contestant.kill()
    case.start()
    case.settled()


def api_server_restarts(case):
    case.start()
    case.put(job.network("core"))
    case.settled()
    case.rig.cluster.restart("kube-apiserver")

    def put():
        try:
            return case.put(job.point("cp"))
        except (OSError, Refused) as error:
            raise AssertionError(error) from error
    until("the API server takes writes again", put)
    case.settled(60)


def final_state(case):
    """A life with a bit of everything; what is left is compared between contestants."""
    case.start()
    for each in [*job.fresh_set(3, 9), job.network("bad", "nonsense"), job.point("on-bad", "bad"), job.point("lost", "nowhere")]:
        case.put(each)
    case.settled()
    case.put(job.network("net0", "10.66.0.0/16", 9000))
    case.put(job.network("net1", "nonsense"))
    case.put(job.point("cp2", "net0", "eth9"))
    case.delete("Network", "net2")
    case.delete("ConnectionPoint", "cp0")
    until("what is owned by the deleted is collected", lambda: len(case.children()) == 10, 60)
    case.settled()


CASES = [fresh_set_before_the_start, fresh_set_while_it_runs, who_writes_and_how, point_before_its_network,
         invalid_and_valid_cidrs, invalid_cidr_and_repair, network_changes_and_its_points_follow,
         point_moves_to_another_network, drift_of_owned_fields_is_taken_back, foreign_fields_stay,
         deleted_child_comes_back, deleted_status_comes_back, network_goes_and_comes, deletion_leaves_nothing,
         restart_and_rest_write_nothing, changed_while_it_was_away, namesake_after_delete,
         other_namespaces_are_left_alone, dies_in_the_middle, api_server_restarts, final_state]
