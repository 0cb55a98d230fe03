"""Events from inside and outside move the size of a role: what members report, a policy that changes, the hour, an autoscaler."""

import time

from cases.agents import code_of, forbidden
from kit.ims import SPROUT, start, whole
from kit.manifests import manifest, service
from kit.wait import until

CALLS = {"name": "calls", "command": ["/opt/calls"], "everySeconds": 1, "windowSeconds": 3, "band": "10"}


def measuring(case, *indicators, **size):
    """The IMS, whose Sprouts measure calls."""
    document = service()
    sprout = document["spec"]["functions"][0]["roles"][1]
    sprout["indicators"] = list(indicators or [CALLS])
    sprout["size"] = {"initial": 3, "min": 1, "max": 8, **size}
    case.apply(document)
    case.ready("NetworkService", "ims")
    case.listed(whole(3))


def policy(name="load", **more):
    load = {"indicator": "calls", "scaleOut": {"above": "40"}, "scaleIn": {"below": "20", "coolDownSeconds": 0}}
    return manifest("Policy", name, {"memberSetRef": {"name": SPROUT}, "load": load, **more})


def report(case, count, low, high):
    """All of so many Sprouts, each."""
    for number in range(count):
        case.actor.measures(case.ns, f"{SPROUT}-{number}", calls=(str(low), str(high)))


def size(case):
    return case.must("MemberSet", SPROUT)["spec"]["replicas"]


def resized(case, before, after, because):
    """The status tells of it, right after the size itself."""
    def told():
        last = case.must("Policy", "load").get("status", {}).get("lastResized", {})
        assert (last.get("from"), last.get("to")) == (before, after) and because in last["because"], last
        return last
    until(f"the policy tells why {after}", told)


def follows_the_load(case):
    measuring(case)
    case.apply(policy(min=2))
    case.ready("Policy", "load")
    with case.feed("MemberSet") as sets:
        report(case, 3, 50, 60)
        case.promptly("150 are more than three take", lambda: size(case) == 4)
        resized(case, 3, 4, "at least 150 in all")
        case.listed(whole(4))
        case.stays("while the fourth has reported nothing", lambda: size(case) == 4)
        report(case, 4, 30, 40)
        case.stays("between both thresholds", lambda: size(case) == 4)
        report(case, 4, 0, 10)
        until("one by one they go, until the others have enough to do", lambda: size(case) == 2, 30)
        case.listed(whole(2))
        sizes = [event.object["spec"]["replicas"] for event in sets.events() if event.name == SPROUT]
        assert [each for each, last in zip(sizes, [None] + sizes) if each != last][-3:] == [4, 3, 2], sizes
    event = until("an Event tells of it", lambda: next(
        (each for each in case.api.list("Event", case.ns) if each["reason"] == "Resized" and "From 3 to 4" in each["note"]), None))
    assert event["regarding"]["name"] == "load", event
    case.ready("NetworkService", "ims")
    case.quiet()


def swings_move_nothing(case):
    """An agent whose window has seen both reports both: nothing is moved, and nothing written beside the reports."""
    measuring(case)
    case.apply(policy())
    case.ready("Policy", "load")
    report(case, 3, 0, 100)
    case.says("Policy", "load", "Ready", "True", "Enough", "as are to be.")  # all have reported
    with case.feed("MemberSet") as sets, case.feed("Policy") as policies:
        for swing in range(10):
            report(case, 3, 0, 100 + 10 * (swing % 2))
        until("the last report is there", lambda: case.must("Member", f"{SPROUT}-2")["status"]["agent"]["indicators"][0]["high"] == "110")
        case.quiet()
        moved = [event.name for feed in (sets, policies) for event in feed.events()]
        assert not moved, moved
    assert size(case) == 3


def policy_changes(case):
    measuring(case)
    case.apply(policy(min=5))
    case.promptly("at least five", lambda: size(case) == 5)
    case.apply(policy(max=2))
    case.promptly("at most two", lambda: size(case) == 2)
    now = time.gmtime()
    day, night = (now.tm_hour - 1) % 24, (now.tm_hour + 12) % 24
    case.apply(policy(hours=[{"name": "now", "from": f"{day:02}:00", "to": f"{(day + 4) % 24:02}:00", "min": 4},
                             {"name": "then", "from": f"{night:02}:00", "to": f"{(night + 1) % 24:02}:00", "min": 8}]))
    case.promptly("at least four at this hour", lambda: size(case) == 4)
    resized(case, 2, 4, "hours now wants at least 4")
    case.apply(policy(min=6, dryRun=True))
    case.says("Policy", "load", "Ready", "True", "DryRun", "status.wanted")
    assert case.must("Policy", "load")["status"]["wanted"] == 6
    case.stays("in a dry run", lambda: size(case) == 4)
    case.delete("Policy", "load")
    case.gone("Policy", "load")
    case.stays("without a policy", lambda: size(case) == 4)
    # Neither an apply of the same service nor a restart takes the policy's word back.
    document = service()
    document["spec"]["functions"][0]["roles"][1].update(indicators=[CALLS])
    case.apply(document)
    with case.stopped():
        pass
    case.stays("after a restart", lambda: size(case) == 4)


def two_policies(case):
    measuring(case)
    case.apply(policy(min=4))
    case.promptly("the first moves", lambda: size(case) == 4)
    time_of_first = case.must("Policy", "load")["metadata"]["creationTimestamp"]
    until("a second passes: the older one counts",
          lambda: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()) > time_of_first)
    case.apply(policy("other", min=6))
    case.says("Policy", "other", "Ready", "False", "Overruled", "Policy load", "delete one of them")
    case.stays("while the first is there", lambda: size(case) == 4)
    case.delete("Policy", "load")
    case.promptly("the other takes over", lambda: size(case) == 6)


def cannot(case):
    """What a policy lacks it says, with what to do; and goes on by itself once that is there."""
    case.apply(policy())
    case.says("Policy", "load", "Ready", "False", "NoMemberSet", SPROUT, "goes on by itself")
    start(case)
    case.says("Policy", "load", "Ready", "False", "NoSuchIndicator", "calls", "indicators")
    measuring(case)
    case.ready("Policy", "load")


def autoscaler(case):
    """The real HorizontalPodAutoscaler works on scale; without metrics it keeps to its minimum."""
    start(case)
    case.rig.kubectl("autoscale", f"memberset/{SPROUT}", "--namespace", case.ns, "--min=4", "--max=6", "--cpu=50%")
    until("the autoscaler's minimum", lambda: size(case) == 4, 60)
    case.listed(whole(4))
    owner = [each["manager"] for each in case.must("MemberSet", SPROUT)["metadata"]["managedFields"]
             if "f:replicas" in each["fieldsV1"].get("f:spec", {})]
    assert owner == ["kube-controller-manager"], owner
    selector = case.must("MemberSet", SPROUT)["status"]["selector"]
    assert len(case.names("Pod", selector)) == 4, selector


def by_itself(case):
    """A member scales its own role where the role lets it, and no other."""
    document = service()
    bono, sprout = document["spec"]["functions"][0]["roles"]
    bono["size"] = {"initial": 1, "min": 1, "max": 2, "byMembers": True}
    sprout["size"]["byMembers"] = True
    case.apply(document)
    case.ready("NetworkService", "ims")
    pod = case.must("Pod", f"{SPROUT}-0")
    api = case.rig.api_as(case.rig.token(case.ns, "ims-sip", pod))

    def scale(who, name, **spec):
        return lambda: who.patch("MemberSet", case.ns, name, {"spec": spec, "metadata": {}}, "scale")
    until("rights that the API server knows of", lambda: scale(api, SPROUT, replicas=4)() or True)
    case.listed(whole(4))
    forbidden("the scale of another role", scale(api, "ims-sip-bono", replicas=2), f"{SPROUT}-0", "its own role only")
    unbound = case.rig.api_as(case.rig.token(case.ns, "ims-sip"))
    forbidden("the scale of a role by who is of the function, but no member", scale(unbound, SPROUT, replicas=4), "its own role only")
    # As a ServiceAccount whose token says nothing else, such as one in a Secret.
    case.rig.kubectl("create", "clusterrolebinding", case.ns, "--clusterrole=cluster-admin", f"--serviceaccount={case.ns}:default")
    try:
        until("an administrator's account scales", lambda: not case.rig.kubectl(
            "scale", f"memberset/{SPROUT}", "--replicas=4", "--namespace", case.ns, f"--as=system:serviceaccount:{case.ns}:default", check=False).returncode)
    finally:
        case.rig.kubectl("delete", "clusterrolebinding", case.ns)
    sprout["size"].pop("byMembers")
    case.apply(document)
    until("the right is taken back", lambda: not any(
        "ims-sip-sprout" in rule["resourceNames"] for rule in case.must("Role", "ims-sip")["rules"] if "membersets/scale" in rule["resources"]))
    until("and the API server knows", lambda: code_of(scale(api, SPROUT, replicas=5)) == 403)
    assert size(case) == 4


def cases():
    yield "policy: follows the load", follows_the_load
    yield "policy: what swings moves nothing", swings_move_nothing
    yield "policy: changes, by the hour, dry run", policy_changes
    yield "policy: one for each role", two_policies
    yield "policy: says what is missing", cannot
    yield "autoscaler: the real one, on scale", autoscaler
    yield "rights: a member scales its own role", by_itself
