"""Actions: what members are asked to do once."""

from cases.admission import refused
from kit.api import Refused
from kit.case import condition
from kit.manifests import function, manifest, network, role
from kit.wait import until

COMMAND = {"name": "backup", "command": ["/opt/backup"]}


def action(name="backup", **spec):
    return manifest("Action", name, {"memberSetRef": {"name": "f-sprout"}, "action": "backup", **spec})


def three(case, **more):
    case.apply(network())
    case.apply(function("f", role(size={"initial": 3, "min": 1, "max": 5}, actions=[COMMAND], **more)))
    case.ready("NetworkFunction", "f")


def results(case, name="backup"):
    return {each["name"]: each["state"] for each in case.must("Action", name).get("status", {}).get("members", [])}


def by_all(case):
    """That are there when it is made; and those that come later are not asked."""
    three(case)
    case.apply(action(parameters={"KEYSPACE": "subscribers"}))
    case.says("Action", "backup", "Ready", "True", "Succeeded")
    assert results(case) == {f"f-sprout-{number}": "Succeeded" for number in range(3)}, results(case)
    done = case.must("Action", "backup")
    assert done["status"]["members"][0]["output"] == 'backup {"KEYSPACE": "subscribers"}', done["status"]
    until("nobody is asked any more", lambda: "actions.json" not in case.must("ConfigMap", "f-peers")["data"])
    until("nobody tells any more", lambda: not any(case.must("Member", f"f-sprout-{number}")["status"]["agent"].get("actions")
                                                   for number in range(3)))
    case.scale("f-sprout", 4)
    case.says("Member", "f-sprout-3", "Ready", "True", "Serving")
    case.quiet()
    assert case.must("Action", "backup") == done, "a receipt has changed"


def by_some_that_fail(case):
    three(case)
    case.actor.clumsy.add((case.ns, "f-sprout-1"))
    case.apply(action(members=["f-sprout-0", "f-sprout-1"]))
    case.says("Action", "backup", "Ready", "False", "Failed", "f-sprout-1", "exit code 3")
    assert results(case) == {"f-sprout-0": "Succeeded", "f-sprout-1": "Failed"}, results(case)
    assert condition(case.must("Action", "backup"), "Stalled")["status"] == "True"


def too_late(case):
    """Whoever is not there by the deadline has failed, and is not asked after it."""
    three(case)
    case.apply(action(members=["f-sprout-4"], deadlineSeconds=1))
    until("it is completed", lambda: case.must("Action", "backup").get("status", {}).get("completionTime"))
    case.says("Action", "backup", "Ready", "False", "Failed", "f-sprout-4", "no such member before its deadline")
    case.scale("f-sprout", 5)
    case.says("Member", "f-sprout-4", "Ready", "True", "Serving")
    case.quiet()
    assert results(case) == {"f-sprout-4": "Failed"}, results(case)


def waits(case):
    """For a role that is not there, or does not know how."""
    case.apply(action())
    case.says("Action", "backup", "Ready", "False", "NoMemberSet")
    case.apply(action("other", action="repair"))
    three(case)
    case.says("Action", "other", "Ready", "False", "NoSuchAction", "has no action repair")


def objections(case):
    case.apply(action())
    try:
        case.apply(action(action="repair"))
    except Refused as answer:
        assert "make another" in answer.message, answer
    else:
        raise AssertionError("it has become another")
    refused(case, [action("b", parameters={"keyspace": "x"})], ["capitals"])


def cases():
    yield "action: by all that are there", by_all
    yield "action: by some, of which one fails", by_some_that_fail
    yield "action: past its deadline", too_late
    yield "action: what it waits for", waits
    yield "action: objections", objections
