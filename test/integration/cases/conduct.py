"""In which order members come and go, how those that do not serve are healed, and how a function is stopped and started."""

from kit.case import condition
from kit.ims import BONO, SPROUT, check_addresses, sprouts, start, whole
from kit.manifests import service
from kit.wait import until


def ims(state=None, **sprout):
    document = service()
    function = document["spec"]["functions"][0]
    function["roles"][1].update(sprout)
    if state:
        function["state"] = state
    return document


def one_by_one(case):
    """A member is made once those before it serve, and is asked to leave once those after it are gone."""
    third = (case.ns, f"{SPROUT}-1")
    case.actor.broken.add(third)  # its containers do not get ready
    case.apply(ims(order="OneByOne"))
    case.listed({f"{BONO}-0": "Serving", f"{SPROUT}-0": "Serving", f"{SPROUT}-1": "Joining"})
    case.stays("before the second serves", lambda: case.get("Member", f"{SPROUT}-2") is None)
    case.says("MemberSet", SPROUT, "Ready", "False", "MembersNotServing", f"{SPROUT}-1")
    case.actor.broken.discard(third)
    case.actor.look_again(third)
    case.listed(whole(3))
    case.scale(SPROUT, 5)
    case.listed(whole(5))
    last = (case.ns, f"{SPROUT}-4")
    case.actor.draining.add(last)
    case.scale(SPROUT, 2)
    case.listed({**whole(4), f"{SPROUT}-4": "Leaving"})
    case.stays("while the last one drains", lambda: case.states() == {**whole(4), f"{SPROUT}-4": "Leaving"})
    case.actor.draining.discard(last)
    case.actor.look_again(last)
    case.listed(whole(2))
    case.quiet()


def depends(case):
    """Sprouts come after Bono, and Bono stops after them."""
    case.actor.broken.add((case.ns, f"{BONO}-0"))
    case.apply(ims(dependsOn=["bono"]))
    case.says("MemberSet", SPROUT, "Ready", "False", "MembersNotServing", "Waiting for role bono", f"{BONO}-0")
    assert not [name for name in case.names("Member") if name.startswith(SPROUT)]
    case.actor.broken.discard((case.ns, f"{BONO}-0"))
    case.actor.look_again((case.ns, f"{BONO}-0"))
    case.listed(whole(3))
    slow = (case.ns, f"{SPROUT}-0")
    case.actor.draining.add(slow)
    case.apply(ims("Stopped", dependsOn=["bono"]))
    case.says("MemberSet", BONO.removesuffix("-0"), "Ready", "False", "Stopping", "role sprout")
    until("the others have stopped", lambda: case.names("Pod") == [f"{BONO}-0", f"{SPROUT}-0"])
    case.stays("Bono goes on", lambda: case.states()[f"{BONO}-0"] == "Serving")
    case.actor.draining.discard(slow)
    case.actor.look_again(slow)
    until("all have stopped", lambda: not case.names("Pod"))
    case.ready("NetworkService", "ims")


def stopped_and_started(case):
    """Identities and addresses stay, whatever else happens meanwhile."""
    start(case)
    addresses, uids = case.addresses(), {name: case.must("Member", name)["metadata"]["uid"] for name in case.names("Member")}
    case.apply(ims("Stopped"))
    until("no pod runs", lambda: not case.names("Pod"))
    case.says("NetworkFunction", "ims-sip", "Ready", "True", "Stopped", "state Running starts them")
    case.says("Member", f"{SPROUT}-0", "Ready", "True", "Stopped", "keeps its name and addresses")
    assert case.addresses() == addresses
    case.quiet()
    with case.stopped():
        pass
    case.stays("after a restart of KNFE", lambda: not case.names("Pod"))
    case.apply(ims())
    case.listed(whole(3))
    case.says("NetworkFunction", "ims-sip", "Ready", "True", "Serving")
    assert case.addresses() == addresses
    assert {name: case.must("Member", name)["metadata"]["uid"] for name in case.names("Member")} == uids
    check_addresses(case)


def healed(case):
    """A member that does not serve gets another pod, one at a time; the others are left alone."""
    case.apply(ims(healing={"afterSeconds": 2, "budget": 1}))
    case.listed(whole(3))
    uids = {name: case.must("Pod", name)["metadata"]["uid"] for name in sprouts(3)}
    ill = [(case.ns, f"{SPROUT}-{number}") for number in (1, 2)]
    for key in ill:
        case.actor.broken.add(key)
        case.actor.look_again(key)
    with case.feed("Pod") as pods:
        until("one has another pod", lambda: changed(case, uids) >= 1)
        # Its successor does not get ready either: it has its time, then comes the other.
        until("so has the other", lambda: changed(case, uids) == 2, 30)
        ended = [event.name for event in pods.events() if event.type == "DELETED"]
        assert f"{SPROUT}-0" not in ended, ended
    for key in ill:
        case.actor.broken.discard(key)
        case.actor.look_again(key)
    case.listed(whole(3))
    assert case.must("Pod", f"{SPROUT}-0")["metadata"]["uid"] == uids[f"{SPROUT}-0"]
    until("an Event tells of it", lambda: any(each["reason"] == "Healing" and "has not served for 2 s" in each["note"]
                                              for each in case.api.list("Event", case.ns)))


def changed(case, uids):
    pods = {name: case.get("Pod", name) for name in uids}
    return sum(1 for name, pod in pods.items() if pod and pod["metadata"]["uid"] != uids[name])


def circle(case):
    document = ims(dependsOn=["bono"])
    document["spec"]["functions"][0]["roles"][0]["dependsOn"] = ["sprout"]
    case.apply(document)
    case.says("NetworkFunction", "ims-sip", "Ready", "False", "DependencyCircle", "bono, sprout", "take one of their dependsOn away")
    assert condition(case.must("NetworkFunction", "ims-sip"), "Stalled")["status"] == "True"
    case.apply(ims())
    case.listed(whole(3))


def cases():
    yield "conduct: one by one", one_by_one
    yield "conduct: roles that depend on others", depends
    yield "conduct: stopped and started", stopped_and_started
    yield "conduct: members that do not serve are healed", healed
    yield "conduct: roles that wait for one another", circle
