"""Bad input is told where the docs say, and costs nobody else anything: beside each a well function is Ready all the time, with the
pods that it had.

A row: what is wrong, the object, where that is told, words of what is said.
"""

from contextlib import contextmanager

from cases.admission import indicator, loaded, one_subnet, policy, refused
from cases.agents import forbidden, report, send
from cases.rights import LONGEST, said, too_much
from kit.case import condition
from kit.manifests import CONTAINER, attachment, function, machine_role, manifest, network, role, service, subnet

WELL = "well"


def pods(name, container=None, **spec):
    """A function of one member, whose pod has this beside what it should have."""
    return template(name, spec={"containers": [{**CONTAINER, **(container or {})}], **spec})


def template(name="bad", **pod):
    return function(name, role(workload={"pod": {"spec": {"containers": [CONTAINER]}, **pod}}))


def sized(**size):
    return function("bad", role(size=size))


def hooked(**membership):
    return function("bad", role(membership=membership))


def hours(name, start, end, **bounds):
    return {"name": name, "from": start, "to": end, **bounds}


def by_the_hour(*given, name="hours", of="well-sprout"):
    return manifest("Policy", name, {"memberSetRef": {"name": of}, "hours": list(given)})


# At admission.
REFUSED = [
    ("a role with an unknown field", function("bad", role(replicas=3)), ["unknown field", "spec.roles[0].replicas"]),
    ("a connection point with an unknown field", function("bad", role(connectionPoints=[attachment(vlan=7)])),
     ["unknown field", "connectionPoints[0].vlan"]),
    ("more at least than at most", sized(initial=3, min=4, max=2), ["spec.roles[0].size", "min must be at most max"]),
    ("fewer than none", sized(initial=1, min=-1, max=3), ["spec.roles[0].size.min", "greater than or equal to 0"]),
    ("a hundred thousand members", sized(exactly=100000), ["spec.roles[0].size.exactly", "less than or equal to 1000"]),
    ("up to a hundred thousand members", sized(initial=1, min=1, max=100000), ["spec.roles[0].size.max", "less than or equal to 1000"]),
    ("a size that is text", sized(exactly="three"), ["spec.roles[0].size.exactly", "integer"]),
    ("a role that waits for itself", function("bad", role(dependsOn=["sprout"])), ["dependsOn names other roles of the function"]),
    ("a role that waits for nobody", function("bad", role(dependsOn=["hss"])), ["dependsOn names other roles of the function"]),
    ("a pod and a virtual machine", function("bad", role(workload={**role()["workload"], **machine_role()["workload"]})),
     ["workload", "say either pod or virtualMachine"]),
    ("neither pod nor virtual machine", function("bad", role(workload={})), ["workload", "say either pod or virtualMachine"]),
    ("a pod spec that is a list", template(spec=[CONTAINER]), ["workload.pod.spec", "must be of type object"]),
    ("a hook of no words", hooked(joined={"command": []}), ["membership.joined.command", "at least 1"]),
    ("a hook that is a line", hooked(leave={"command": "/opt/leave now"}), ["membership.leave.command", "must be of type array"]),
    ("a hook that is no command", hooked(peersChanged="/opt/peers"), ["membership.peersChanged", "must be of type object"]),
    ("an indicator in bands of no width", function("bad", role(indicators=[indicator(band="0")])), ["indicators[0]", "band must be above 0"]),
    ("a window shorter than between two measurements", function("bad", role(indicators=[indicator(everySeconds=10, windowSeconds=5)])),
     ["indicators[0]", "windowSeconds must be 0, or at least everySeconds"]),
    ("a policy with more at least than at most", policy(min=5, max=4), ["min must be at most max"]),
    ("a policy whose thresholds cross", loaded(scaleIn={"below": "50"}), ["scaleIn.below must be less than scaleOut.above"]),
    ("hours that do not exist", by_the_hour(hours("night", "25:00", "9", min=1)), ["hours[0].from", "hours[0].to", "should match"]),
    ("hours with more at least than at most", by_the_hour(hours("night", "20:00", "06:00", min=3, max=2)),
     ["hours[0]", "min must be at most max"]),
    ("hours in which nothing holds", by_the_hour(hours("night", "20:00", "06:00")), ["hours[0]", "say min or max"]),
    ("two hours of one name", by_the_hour(hours("night", "20:00", "06:00", min=1), hours("night", "21:00", "05:00", min=1)),
     ["hours[1]", "Duplicate value"]),
    ("a network of no addresses", one_subnet(cidr="core"), ["subnets[0]", "must be a CIDR such as 10.20.0.0/24"]),
    ("a pool outside its network", one_subnet(pools=[{"start": "10.21.0.1", "end": "10.21.0.9"}]), ["subnets[0]", "pools must lie inside cidr"]),
    ("a connection point named as the pod's interface", function("bad", role(connectionPoints=[attachment("eth0", "core")])),
     ["connectionPoints[0]", "eth0 and lo belong to the pod network", "name the connection point otherwise"]),
    ("a function with a long name", function("f" * 42), ["metadata.name", "at most 41 characters"]),
    ("a role with a long name", function("bad", role("r" * 17)), ["spec.roles[0].name", "may not be more than 16"]),
    ("a service with a long name", service("s" * 21), ["metadata.name", "at most 20 characters"]),
    ("a network with a long name", network("n" * 42), ["metadata.name", "at most 41 characters"]),
    ("the annotation of Multus", template(annotations={"k8s.v1.cni.cncf.io/networks": "core"}),
     ["annotations", "the networks of a member are its connectionPoints"]),
]


def of_pods(name):
    """What the API server says of a pod is told at the Member, and passed up."""
    return [("Member", f"{name}-sprout-0", "Stalled", "True", "Refused"), ("NetworkFunction", name, "Ready", "False", "MembersNotServing")]


# By conditions: what only other objects, or the API server's word on a pod, can tell.
TOLD = [
    ("roles that wait for one another", function("circle", role("a", dependsOn=["b"]), role("b", dependsOn=["c"]), role("c", dependsOn=["a"])),
     [("NetworkFunction", "circle", "Stalled", "True", "DependencyCircle")], ["Roles a, b, c wait for one another", "dependsOn"]),
    ("a pod with an unknown field", pods("typo", hostNetwrok=True), of_pods("typo"), ["unknown field", "spec.hostNetwrok"]),
    ("a container with an unknown field", pods("typos", {"imgae": "x"}), of_pods("typos"), ["unknown field", "spec.containers[0].imgae"]),
    ("an image of no name", pods("nameless", {"image": ""}), of_pods("nameless"), ["spec.containers[0].image", "Required value"]),
    ("an image with a bad name", pods("blank", {"image": " knfe.io/pause:dev"}), of_pods("blank"),
     ["spec.containers[0].image", "must not have leading or trailing whitespace"]),
    ("an image that is a number", pods("number", {"image": 5}), of_pods("number"), ["containers.image", "of type string"]),
    ("containers that are no list", template("one", spec={"containers": CONTAINER}), of_pods("one"), ["spec.containers"]),
    ("containers that are names", template("names", spec={"containers": ["main"]}), of_pods("names"), ["spec.containers"]),
    ("no containers", template("none", spec={}), of_pods("none"), ["spec.containers", "Required value"]),
    ("an account that is not there", pods("account", serviceAccountName="nobody"), of_pods("account"), ["serviceaccount", "nobody", "not found"]),
    ("a label that is none", template("label", labels={"tier": "a b"}), of_pods("label"), ["metadata.labels", "a b"]),
    ("a network that is not there", function("lost", role(connectionPoints=[attachment("core", "typo")])),
     [("Member", "lost-sprout-0", "Ready", "False", "NotNetworked"), ("NetworkFunction", "lost", "Ready", "False", "MembersNotServing")],
     ["Network typo does not exist", "create it"]),
    ("a pool that ends before it starts",
     network("backwards", subnets=[subnet(cidr="10.99.0.0/24", pools=[{"start": "10.99.0.9", "end": "10.99.0.1"}])]),
     [("Network", "backwards", "Stalled", "True", "InvalidSubnet")], ["subnet v4", "10.99.0.9-10.99.0.1", "ends before it starts"]),
    ("a policy of no set", by_the_hour(hours("all", "00:00", "00:00", min=2), name="lost", of="nobody"),
     [("Policy", "lost", "Ready", "False", "NoMemberSet")], ["MemberSet nobody does not exist"]),
    ("a policy of a size that is fixed", by_the_hour(hours("all", "00:00", "00:00", min=2), name="fixed", of="typo-sprout"),
     [("Policy", "fixed", "Stalled", "True", "SizeNotMovable")], ["NetworkFunction typo", "size.initial"]),
    ("a policy by what nobody measures", policy(memberSetRef={"name": "well-sprout"}), [("Policy", "load", "Stalled", "True", "NoSuchIndicator")],
     ["Role sprout of NetworkFunction well", "calls", "indicators"]),
]


def reading(**changes):
    return {"agent": {"indicators": [{"name": "calls", "low": "0", "high": "0", **changes}]}}


# By the schema, whatever an agent sends.
FLOODS = [
    ("nine indicators", {"agent": {"indicators": [{"name": f"i{number}", "low": "0", "high": "0"} for number in range(9)]}},
     ["indicators", "at most 8 items"]),
    ("an indicator with a long name", reading(name="i" * 33), ["indicators[0].name", "may not be more than 32"]),
    ("a measurement without end", reading(low="9" * 21), ["indicators[0].low", "may not be more than 20"]),
    ("a measurement that is no number", reading(high="many"), ["indicators[0].high", "should match"]),
    ("a message too long", {"conditions": [said("Serving", "True", "x" * (LONGEST + 1))]}, ["message", "may not be more than 32768"]),
    ("more conditions than there may be", {"conditions": [said(f"X{number}", "True") for number in range(17)]}, ["conditions", "at most 16 items"]),
    ("a condition that is neither", {"conditions": [said("Serving", "Perhaps")]}, ["status", "Unsupported value", "Perhaps"]),
]


@contextmanager
def beside_a_well_one(case):
    """Gives what is to be called after each bad input."""
    case.apply(network())
    case.apply(function(WELL, role(size={"initial": 2, "min": 1, "max": 4})))
    case.ready("NetworkFunction", WELL)
    mine = f"knfe.io/function={WELL}"
    before = {each["metadata"]["name"]: each["metadata"]["uid"] for each in case.api.list("Pod", case.ns, mine)}
    assert len(before) == 2, before
    with case.feed("NetworkFunction") as functions, case.feed("Pod", mine) as its:
        def undisturbed(what):
            said_so = [condition(event.object, "Ready") for event in functions.events() if event.name == WELL]
            assert all(each["status"] == "True" for each in said_so), f"{what}: the other function said {said_so}"
            moved = [(event.type, event.name) for event in its.events() if event.type != "MODIFIED"]
            now = {each["metadata"]["name"]: each["metadata"]["uid"] for each in case.api.list("Pod", case.ns, mine)}
            assert now == before and not moved, f"{what}: the other function's pods are {now} after {moved}, not {before}"
            assert case.states(WELL) == dict.fromkeys(before, "Serving"), f"{what}: {case.states(WELL)}"
        yield undisturbed


def told_at_once(case):
    with beside_a_well_one(case) as undisturbed:
        for what, document, words in REFUSED:
            try:
                refused(case, [document], words)
            except AssertionError as error:
                raise AssertionError(f"{what}: {error}") from error
            undisturbed(what)
    left = {kind: case.names(kind) for kind in ("NetworkFunction", "Network", "Policy", "NetworkService")}
    assert left == {"NetworkFunction": [WELL], "Network": ["core"], "Policy": [], "NetworkService": []}, left
    case.notes.append(f"{len(REFUSED)} rows")


def told_by_condition(case):
    with beside_a_well_one(case) as undisturbed:
        for what, document, places, words in TOLD:
            case.apply(document)
            for place in places:
                try:
                    case.says(*place, *words)
                except AssertionError as error:
                    raise AssertionError(f"{what}: {error}") from error
            undisturbed(what)
        assert case.names("Pod") == [f"{WELL}-sprout-0", f"{WELL}-sprout-1"], case.names("Pod")
        # Hours that overlap are none: of several the narrowest bounds count, and max holds where they cannot both.
        case.delete("Policy", "load")
        case.apply(by_the_hour(hours("many", "00:00", "00:00", min=4), hours("few", "00:00", "00:00", max=2)))
        case.says("Policy", "hours", "Ready", "True", "Enough")
        wanted = case.must("Policy", "hours")["status"]["wanted"]
        assert wanted == 2, f"{wanted} are wanted"
        undisturbed("hours that overlap")
        case.ready("NetworkFunction", WELL)
    case.notes.append(f"{len(TOLD)} rows")


def agents_that_lie(case):
    names = [f"bad-sprout-{number}" for number in range(2)]
    with beside_a_well_one(case) as undisturbed:
        case.apply(function("bad", role(size={"exactly": 2})))
        case.ready("NetworkFunction", "bad")
        pod, neighbour, stranger = (case.must("Pod", name) for name in (*names, f"{WELL}-sprout-0"))
        api = case.rig.api_as(case.rig.token(case.ns, "bad", pod))
        uid = pod["metadata"]["uid"]

        def says(name, of, **more):
            return lambda: send(api, case, name, report(case, name, of["metadata"]["uid"], **more))
        serving = {"conditions": [said("Serving", "True")]}
        for what, call, *words in (
                ("serving, by another pod", says(names[0], neighbour, **serving), "UID"),
                ("serving, for another member", says(names[1], neighbour, **serving), names[0]),
                ("serving, for another function", says(f"{WELL}-sprout-0", stranger, **serving), f"{WELL}-sprout-0")):
            forbidden(what, call, *words)
            undisturbed(what)
        for what, more, words in FLOODS:
            status = {**more, "agent": {"podUID": uid, **more.get("agent", {})}}
            too_much(what, lambda status=status: send(api, case, names[0], {**report(case, names[0], uid), "status": status}), *words)
            undisturbed(what)
        case.listed(dict.fromkeys(names, "Serving"), "bad")
        for name in names:
            case.actor.broken.add((case.ns, name))
            case.actor.look_again((case.ns, name))
        case.listed(dict.fromkeys(names, "Joining"), "bad")
        says(names[0], pod, **serving)()
        case.says("Member", names[0], "Ready", "False", "PodNotReady", f"Pod {names[0]} is not ready")
        case.says("NetworkFunction", "bad", "Ready", "False", "MembersNotServing", f"Member {names[0]}", "is not ready")
        case.stays("nobody serves by its word alone", lambda: case.states("bad") == dict.fromkeys(names, "Joining"))
        undisturbed("agents that vanish")
        case.actor.relax()
        case.ready("NetworkFunction", "bad")
        case.listed(dict.fromkeys(names, "Serving"), "bad")
        undisturbed("agents that come back")


def cases():
    yield "bad input: refused at admission", told_at_once
    yield "bad input: told by a condition", told_by_condition
    yield "bad input: agents that lie, flood and vanish", agents_that_lie
