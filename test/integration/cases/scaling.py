"""Size has one owner: who may move it, what then happens in which order, and what must not move it."""

from kit.actor import members_of
from kit.api import Refused
from kit.case import condition
from kit.ims import BONO, SPROUT, check_addresses, resize, sprouts, start, whole
from kit.manifests import service
from kit.wait import until


def out_and_in(case):
    start(case)
    before = case.addresses()
    with case.watch_list() as lists, case.feed("Member") as members:
        case.scale(SPROUT, 5)
        case.listed(whole(5))
        check_addresses(case)
        assert before.items() <= case.addresses().items(), "a scale-out moved an address"
        case.scale(SPROUT, 2)
        # The watch that is looked at below may be behind what a read shows.
        lists.wait("two Sprouts are listed", lambda event: {each["name"]: each["state"] for each in members_of(event.object)} == whole(2))
        versions = [{each["name"]: each["state"] for each in members_of(event.object)}
                    for event in lists.events() if event.name == "ims-sip-peers"]
        tells_in_time(case, members.events(), [event for event in lists.events() if event.name == "ims-sip-peers"])
    for name in list(sprouts(5))[2:]:
        states = [version.get(name) for version in versions]
        told = [state for state, last in zip(states, [None] + states) if state != last]
        assert told[-3:] == ["Serving", "Leaving", None], f"{name} was listed as {told}"
    case.ready("NetworkService", "ims")
    for kind, wanted in (("Member", 3), ("Pod", 3), ("ConnectionPoint", 4)):
        # Connection points are the garbage collector's to take, once their member is gone.
        until(f"{wanted} of {kind}", lambda kind=kind, wanted=wanted: len(case.names(kind)) == wanted)

    def released():
        check_addresses(case)
        return True
    case.promptly("the addresses of those that left are free", released)
    assert case.addresses().items() <= before.items(), "a scale-in moved an address"
    case.quiet()


def tells_in_time(case, members, lists):
    """The list is right within a second of each change of a member at the API."""
    for name in list(sprouts(5))[2:]:
        told, changed = {}, {}
        for event in lists:
            state = next((each["state"] for each in members_of(event.object) if each["name"] == name), None)
            if state or "Leaving" in told:
                told.setdefault(state or "gone", event.at)
        for event in members:
            if event.name == name:
                leaves = event.object["spec"]["desired"] == "Left"
                serves = condition(event.object, "Serving").get("status") == "True"
                state = "gone" if event.type == "DELETED" else "Leaving" if leaves else "Serving" if serves else "Joining"
                changed.setdefault(state, event.at)
        for state in changed.keys() & {"Serving", "Leaving", "gone"}:
            case.reacted(f"{name} is listed as {state}", max(told[state] - changed[state], 0))


def waits_for_the_drain(case):
    """A member whose calls do not end is not touched, however long it takes."""
    start(case)
    last = (case.ns, f"{SPROUT}-2")
    case.actor.draining.add(last)
    case.scale(SPROUT, 2)
    case.listed({**whole(2), last[1]: "Leaving"})
    pod = case.must("Pod", last[1])
    case.says("MemberSet", SPROUT, "Ready", "True", "Leaving", last[1])
    case.stays("its pod runs", lambda: case.get("Pod", last[1]) == pod, 1.5)
    assert condition(case.must("Member", last[1]), "Left")["status"] == "False"
    case.actor.relax()
    case.listed(whole(2))
    case.gone("Pod", last[1])


def wanted_again(case):
    """Scaled in and out again while it drains: the same pod goes on."""
    start(case)
    last = (case.ns, f"{SPROUT}-2")
    case.actor.draining.add(last)
    uid = case.must("Pod", last[1])["metadata"]["uid"]
    case.scale(SPROUT, 2)
    case.listed({**whole(2), last[1]: "Leaving"})
    case.scale(SPROUT, 3)
    case.listed(whole(3))
    case.actor.relax()
    case.stays("it serves", lambda: case.states() == whole(3))
    assert case.must("Pod", last[1])["metadata"]["uid"] == uid


def leaves_and_returns(case):
    """A member that has gone comes back as a new one."""
    start(case)
    uid = case.must("Member", f"{SPROUT}-2")["metadata"]["uid"]
    case.scale(SPROUT, 2)
    case.scale(SPROUT, 3)
    case.listed(whole(3))
    case.ready("NetworkService", "ims")
    check_addresses(case)
    case.notes.append("same member" if case.must("Member", f"{SPROUT}-2")["metadata"]["uid"] == uid else "new member")


def refused(case):
    """By the scale subresource and by plain kubectl, with a word why."""
    start(case)
    for name, replicas, word in ((SPROUT, 9, "at most size.max"), (SPROUT, 0, "at least size.min"),
                                 (BONO, 2, "the NetworkFunction owns the size of this role")):
        try:
            case.scale(name, replicas)
        except Refused as answer:
            assert answer.code == 422 and word in answer.message, answer
        else:
            raise AssertionError(f"{name} was scaled to {replicas}")
        said = case.rig.kubectl("scale", f"memberset/{name}", f"--replicas={replicas}", f"--namespace={case.ns}", check=False)
        assert said.returncode and word in said.stdout, said.stdout
    case.rig.kubectl("scale", f"memberset/{SPROUT}", "--replicas=4", f"--namespace={case.ns}")
    case.listed(whole(4))


def bounds_move(case):
    """New bounds that exclude the live size move it, no further than they must."""
    start(case)
    resize(case, initial=5, min=4, max=8)
    case.listed(whole(4))
    resize(case, initial=1, min=1, max=2)
    case.listed(whole(2))
    resize(case, initial=1, min=1, max=8)
    case.stays("wider bounds move nothing", lambda: case.states() == whole(2))
    case.ready("NetworkService", "ims")
    case.quiet()


def owner_changes(case):
    """From `initial` to `exactly` and back."""
    start(case)
    case.scale(SPROUT, 5)
    case.listed(whole(5))
    resize(case, exactly=2)
    case.listed(whole(2))
    try:
        case.scale(SPROUT, 3)
        raise AssertionError("a role of exactly 2 was scaled to 3")
    except Refused:
        pass
    resize(case, exactly=3)
    case.listed(whole(3))
    resize(case, initial=4, min=1, max=6)
    case.listed(whole(4))
    case.scale(SPROUT, 6)
    case.listed(whole(6))
    case.ready("NetworkService", "ims")


def exactly_what_it_was(case):
    """`exactly` what the live size happens to be: nobody comes or goes, and the size is the spec's."""
    start(case)
    pods = {each["metadata"]["uid"] for each in case.api.list("Pod", case.ns)}
    resize(case, exactly=3)
    case.ready("NetworkService", "ims")
    case.promptly("the size is owned", lambda: case.must("MemberSet", SPROUT)["spec"]["size"] == {"exactly": 3})
    case.quiet()
    assert pods == {each["metadata"]["uid"] for each in case.api.list("Pod", case.ns)}
    resize(case, initial=2, min=1, max=6)
    case.ready("NetworkService", "ims")
    size = case.must("MemberSet", SPROUT)["spec"]["replicas"]
    case.scale(SPROUT, 5)
    case.listed(whole(5))
    case.notes.append(f"back to initial 2: {size}")


def is_not_reset(case):
    """Neither a restart of KNFE nor an apply of the same manifest nor another template touches the live size."""
    start(case)
    case.scale(SPROUT, 5)
    case.listed(whole(5))
    with case.stopped():
        pass
    case.stays("after a restart", lambda: case.must("MemberSet", SPROUT)["spec"]["replicas"] == 5)
    case.apply(service())
    case.stays("after an apply", lambda: case.must("MemberSet", SPROUT)["spec"]["replicas"] == 5)
    document = service()
    document["spec"]["functions"][0]["roles"][1]["workload"]["pod"]["labels"] = {"tier": "two"}
    case.apply(document)
    case.promptly("the template is there", lambda: case.must("MemberSet", SPROUT)["spec"]["workload"]["pod"].get("labels"))
    assert case.must("MemberSet", SPROUT)["spec"]["replicas"] == 5
    assert case.states().keys() == whole(5).keys()


def while_knfe_is_away(case):
    """What was asked while no operator ran is done once one does."""
    start(case)
    with case.stopped():
        case.scale(SPROUT, 5)
        case.delete("Pod", f"{SPROUT}-0")
        # The last word on its end is KNFE's.
        until("the pod has ended", lambda: case.must("Pod", f"{SPROUT}-0")["status"].get("phase") == "Succeeded")
    case.ready("NetworkService", "ims")
    case.listed(whole(5))
    check_addresses(case)


def to_nothing_and_back(case):
    document = service()
    document["spec"]["functions"][0]["roles"][1]["size"]["min"] = 0
    case.apply(document)
    case.ready("NetworkService", "ims")
    case.scale(SPROUT, 0)
    case.listed(whole(0))
    case.scale(SPROUT, 2)
    case.listed(whole(2))


def cases():
    yield "scale: 3, 5, 2", out_and_in
    yield "scale: a member that drains is waited for", waits_for_the_drain
    yield "scale: a member that drains is wanted again", wanted_again
    yield "scale: in and out again at once", leaves_and_returns
    yield "scale: refused with a word why", refused
    yield "scale: the bounds move", bounds_move
    yield "scale: initial, exactly, initial", owner_changes
    yield "scale: exactly what it was", exactly_what_it_was
    yield "scale: is not reset", is_not_reset
    yield "scale: while knfe is away", while_knfe_is_away
    yield "scale: to nothing and back", to_nothing_and_back
