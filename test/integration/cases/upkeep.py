"""What is there is kept: identities, addresses, children; and nothing is written without need."""

from kit.actor import members_of
from kit.api import Refused
from kit.case import condition
from kit.ims import SPROUT, check_addresses, start, whole
from kit.kinds import MADE, MANAGED, OURS
from kit.manifests import manifest, network, point, service, subnet
from kit.wait import until

LAST = f"{SPROUT}-2"


def another_pod(case, name, uid):
    """Waits until the pod of this name is not the one with this UID."""
    def probe():
        found = case.get("Pod", name)
        return found and found["metadata"]["uid"] != uid
    case.promptly(f"another pod {name}", probe)


def pod_deleted(case):
    start(case)
    before, uid = case.addresses(), case.must("Pod", LAST)["metadata"]["uid"]
    case.actor.stuck.add((case.ns, LAST))
    case.delete("Pod", LAST)
    case.listed({**whole(3), LAST: "Leaving"})
    case.stays("no second pod while the first may run", lambda: case.must("Pod", LAST)["metadata"]["uid"] == uid)
    case.actor.relax()
    another_pod(case, LAST, uid)
    case.listed(whole(3))
    assert case.addresses() == before
    check_addresses(case)


def pod_failed(case):
    """Evicted by its node, say: such a pod stays until somebody removes it. Another comes after a pause."""
    start(case)
    before, uid = case.addresses(), case.must("Pod", LAST)["metadata"]["uid"]
    case.patch("Pod", LAST, {"status": {"phase": "Failed", "reason": "Evicted", "conditions": None}}, "status")
    case.says("Member", LAST, "Ready", "False", "PodEnded", f"Pod {LAST}", "Failed", "another takes its place")
    case.stays("it is not listed as serving", lambda: case.states()[LAST] != "Serving")
    until("another pod", lambda: case.must("Pod", LAST)["metadata"]["uid"] != uid)
    case.listed(whole(3))
    assert case.addresses() == before


def member_restarts(case):
    """Its containers die and come again: the list follows, the pod and its addresses stay."""
    start(case)
    before, uid = case.addresses(), case.must("Pod", LAST)["metadata"]["uid"]
    case.actor.broken.add((case.ns, LAST))
    case.actor.look_again((case.ns, LAST))
    case.listed({**whole(3), LAST: "Joining"})
    case.says("NetworkService", "ims", "Ready", "False", "PartsNotReady", f"Member {LAST}", "not ready")
    case.actor.relax()
    case.listed(whole(3))
    case.ready("NetworkService", "ims")
    assert case.addresses() == before and case.must("Pod", LAST)["metadata"]["uid"] == uid


def report_of_a_predecessor(case):
    """What the agent of an earlier pod said does not make the new pod a serving one."""
    start(case)
    case.actor.broken.add((case.ns, LAST))
    case.delete("Pod", LAST)
    case.listed({**whole(3), LAST: "Joining"})
    assert condition(case.must("Member", LAST), "Serving")["status"] == "True", "there is no old report"
    case.patch("Pod", LAST, {"status": {"conditions": [{"type": "Ready", "status": "True"}]}}, "status")
    case.stays("it joins", lambda: case.states()[LAST] == "Joining")
    case.actor.relax()
    case.listed(whole(3))


def of_template(label):
    document = service()
    document["spec"]["functions"][0]["roles"][1]["workload"]["pod"]["labels"] = {"tier": label}
    return document


def fewest_serving(lists):
    """Over all versions of the member list that were seen."""
    return min(sum(each["state"] == "Serving" for each in members_of(event.object)) for event in lists.events()
               if event.name == "ims-sip-peers")


def template_rolls(case):
    """One at a time, each with its address."""
    start(case)
    before = case.addresses()
    with case.watch_list() as lists:
        case.apply(of_template("two"))
        until("all Sprouts are of the new template",
              lambda: len(case.names("Pod", "tier=two")) == 3 and case.states() == whole(3), 30)
        assert fewest_serving(lists) == 3, f"at one time only {fewest_serving(lists)} of 4 members served"
    assert case.addresses() == before
    case.ready("NetworkService", "ims")
    case.quiet()


def bad_template_stops(case):
    """A template that does not work costs one member; a better one repairs that."""
    start(case)
    case.actor.broken.add((case.ns, LAST))
    with case.watch_list() as lists:
        case.apply(of_template("bad"))
        until("one pod of the bad template", lambda: case.names("Pod", "tier=bad"))
        case.stays("only one", lambda: len(case.names("Pod", "tier=bad")) == 1, 1.5)
        assert fewest_serving(lists) == 3
    case.actor.relax()
    case.apply(of_template("good"))
    until("all Sprouts are of the good template",
          lambda: len(case.names("Pod", "tier=good")) == 3 and case.states() == whole(3), 30)


def versions(case):
    """Of everything that KNFE has to do with: kind/name -> resourceVersion."""
    return {f"{kind}/{each['metadata']['name']}": each["metadata"]["resourceVersion"]
            for kind in OURS + MADE for each in case.api.list(kind, case.ns, None if kind in OURS else MANAGED)}


def restart_writes_nothing(case):
    start(case)
    case.quiet()
    before = versions(case)
    for stop in (case.controller.stop, case.controller.kill):
        stop()
        case.controller.start()
        case.stays("no call that changes anything", lambda: case.controller.calls() == 0, 1.5)
    assert versions(case) == before
    metrics = case.controller.metrics()
    # What is not served, as KubeVirt's kinds here, is asked for again and again.
    served = {line.partition("{")[2] for line, value in metrics.items() if line.startswith("knfe_resource_served") and value == 1}
    reads = {line: value for line, value in metrics.items() if line.startswith("knfe_lists_total") and line.partition("{")[2] in served}
    assert len(reads) > 10 and set(reads.values()) == {1}, reads


def edits_are_repaired(case):
    """Of what KNFE owns in its children, field by field."""
    start(case)
    edits = [
        ("NetworkAttachmentDefinition", "ims-core", {"spec": {"config": "{}"}}),
        ("ConfigMap", "ims-sip-peers", {"data": {"members.json": "[]"}}),
        ("Role", "ims-sip", {"rules": []}),
        ("Member", LAST, {"spec": {"desired": "Left"}}),
        ("MemberSet", SPROUT, {"spec": {"size": {"max": 9}}}),
        ("NetworkFunction", "ims-sip", {"metadata": {"labels": {"knfe.io/service": "mine"}}}),
        ("Network", "ims-core", {"spec": {"mtu": 1400}}),
    ]
    kept = {(kind, name): case.must(kind, name) for kind, name, _ in edits}

    def part(found):
        metadata = found["metadata"]
        return {**{key: found.get(key) for key in ("spec", "data", "rules")},
                "labels": metadata.get("labels"), "owners": metadata.get("ownerReferences")}
    for kind, name, patch in edits:
        if kind == "Network":
            continue  # below: that is a field which KNFE has not named
        case.patch(kind, name, patch)
        case.promptly(f"{kind} {name} is as it was",
                      lambda kind=kind, name=name: part(case.must(kind, name)) == part(kept[kind, name]))
    case.patch("Network", "ims-core", {"spec": {"mtu": 1400}})
    case.promptly("what nobody else said stays said", lambda: '"mtu":1400' in case.must("NetworkAttachmentDefinition", "ims-core")["spec"]["config"])
    case.listed(whole(3))
    case.ready("NetworkService", "ims")
    case.quiet()


def children_deleted(case):
    """A child that somebody deletes is there again."""
    start(case)
    for kind, name in (("NetworkAttachmentDefinition", "ims-core"), ("ConfigMap", "ims-sip-peers"), ("ServiceAccount", "ims-sip"),
                       ("Role", "ims-sip"), ("RoleBinding", "ims-sip")):
        uid = case.must(kind, name)["metadata"]["uid"]
        case.delete(kind, name)
        case.promptly(f"another {kind}", lambda kind=kind, name=name, uid=uid: (found := case.get(kind, name)) and found["metadata"]["uid"] != uid)
    case.listed(whole(3))
    case.ready("NetworkService", "ims")


def point_of_a_member_deleted(case):
    """It stays, and its addresses with it, for as long as the pod carries them; another comes with the next pod."""
    start(case)
    name = f"{LAST}-core"
    uid = case.must("ConnectionPoint", name)["metadata"]["uid"]
    case.delete("ConnectionPoint", name)
    case.says("ConnectionPoint", name, "DeletionBlocked", "True", "InUse", f"Pod {LAST}")
    case.stays("the member serves", lambda: case.states() == whole(3))
    check_addresses(case)
    case.delete("Pod", LAST)
    until("another connection point", lambda: (found := case.get("ConnectionPoint", name)) and found["metadata"]["uid"] != uid)
    case.listed(whole(3))
    check_addresses(case)
    case.quiet()


def own_words_are_kept(case):
    """Labels and annotations of users on KNFE's children, and fields that KNFE does not name."""
    start(case)
    children = [(kind, name) for kind in OURS[1:] + MADE for name in case.names(kind, None if kind in OURS else MANAGED)]
    mine = {"labels": {"team": "voice"}, "annotations": {"ticket": "4711"}}
    for kind, name in children:
        if kind != "Allocation":
            case.patch(kind, name, {"metadata": mine})
    case.patch("ConfigMap", "ims-sip-peers", {"data": {"notes": "mine"}})
    case.apply(service())
    case.scale(SPROUT, 4)
    case.listed(whole(4))
    case.ready("NetworkService", "ims")
    for kind, name in children:
        metadata = case.must(kind, name)["metadata"]
        if kind != "Allocation":
            assert metadata["labels"]["team"] == "voice" and metadata["annotations"]["ticket"] == "4711", f"{kind} {name}: {metadata}"
    assert case.must("ConfigMap", "ims-sip-peers")["data"]["notes"] == "mine"


def claims_for_all(case):
    """Thirty ConnectionPoints and thirty addresses: a claim costs at most three calls, and each gets one."""
    count = 30
    case.apply(network(subnets=[subnet(pools=[{"start": "10.20.0.10", "end": "10.20.0.39"}])]))
    case.ready("Network", "core")
    with case.stopped():  # so that it meets all of them at once, and counts anew
        for i in range(count):
            case.apply(point(f"cp-{i}"))
    for i in range(count):
        case.ready("ConnectionPoint", f"cp-{i}")
    ips = {each["spec"]["ip"] for each in case.api.list("Allocation", case.ns)}
    assert len(ips) == count, f"{len(ips)} addresses"
    case.quiet(0.5)
    per_claim = calls_for_claims(case) / count
    case.notes.append(f"{per_claim:.2f} calls a claim")
    assert per_claim <= 3, f"{per_claim} calls a claim"
    assert len(case.names("Allocation")) == count


def calls_for_claims(case):
    return sum(value for line, value in case.controller.metrics().items()
               if line.startswith("knfe_api_requests_total") and 'resource="allocations"' in line)


def claims_are_released(case):
    """A claim goes with its owner, and with nothing else."""
    case.apply(network())
    for name in ("a", "b"):
        case.apply(point(name))
        case.ready("ConnectionPoint", name)
    before = {each["spec"]["owner"]: each["metadata"]["uid"] for each in case.api.list("Allocation", case.ns)}
    case.delete("ConnectionPoint", "a")
    case.promptly("a's claim is gone", lambda: {each["spec"]["owner"]: each["metadata"]["uid"] for each in case.api.list("Allocation", case.ns)}
                  == {"b": before["b"]})
    case.apply(point("a"))
    case.ready("ConnectionPoint", "a")


def claim_deleted(case):
    """By somebody's hand: it stays a claim until its connection point goes; by force, it is claimed again before anybody else can."""
    case.apply(network(subnets=[subnet(pools=[{"start": "10.20.0.10", "end": "10.20.0.10"}])]))
    case.apply(point())
    case.ready("ConnectionPoint", "cp")
    name, = case.names("Allocation")
    uid = case.must("Allocation", name)["metadata"]["uid"]
    case.delete("Allocation", name)
    case.stays("the claim", lambda: case.must("Allocation", name)["metadata"]["uid"] == uid)
    case.patch("Allocation", name, {"metadata": {"finalizers": None}})
    case.promptly("it is claimed again", lambda: (found := case.get("Allocation", name)) and found["metadata"]["uid"] != uid)
    case.ready("ConnectionPoint", "cp")


def specs_are_fixed(case):
    """What cannot change says so."""
    case.apply(network())
    case.apply(point())
    case.ready("ConnectionPoint", "cp")
    claim, = case.names("Allocation")
    for kind, name, patch, word in (
            ("Network", "core", {"spec": {"subnets": [subnet(cidr="10.99.0.0/24")]}}, "create another network"),
            ("Network", "core", {"spec": {"addressSpace": "site"}}, "addressSpace cannot change"),
            ("ConnectionPoint", "cp", {"spec": {"interface": "other"}}, "create another one"),
            ("Allocation", claim, {"spec": {"ip": "10.20.0.99"}}, "a claim never changes")):
        try:
            case.patch(kind, name, patch)
        except Refused as answer:
            assert answer.code == 422 and word in answer.message, answer
        else:
            raise AssertionError(f"{kind} took {patch}")


def unlabelled_child(case):
    """A user who takes KNFE's label from a child does not make KNFE lose it."""
    case.apply(network())
    case.ready("Network", "core")
    case.patch("NetworkAttachmentDefinition", "core", {"metadata": {"labels": {"app.kubernetes.io/managed-by": None}}})
    case.promptly("it has its label again", lambda: case.names("NetworkAttachmentDefinition", MANAGED))
    case.ready("Network", "core")


def adopts_nothing(case):
    """An object of KNFE's kind that a user made is left as it is."""
    mine = manifest("Member", "sip-sprout-0", {"function": "sip", "role": "sprout", "ordinal": 0, "workload": {"pod": {"spec": {"containers": []}}}})
    case.apply(mine)
    case.says("Member", "sip-sprout-0", "Stalled", "True", "Refused", "spec.containers")
    assert "ownerReferences" not in case.must("Member", "sip-sprout-0")["metadata"]
    case.delete("Member", "sip-sprout-0")
    case.gone("Member", "sip-sprout-0")


def cases():
    yield "upkeep: a pod that was deleted has the same address again", pod_deleted
    yield "upkeep: a pod that failed is replaced", pod_failed
    yield "upkeep: a member restarts", member_restarts
    yield "upkeep: the report of an earlier pod does not count", report_of_a_predecessor
    yield "upkeep: a new template rolls, one at a time", template_rolls
    yield "upkeep: a bad template stops at the first member", bad_template_stops
    yield "upkeep: a restart writes nothing", restart_writes_nothing
    yield "upkeep: edits of children are repaired", edits_are_repaired
    yield "upkeep: children that were deleted are there again", children_deleted
    yield "upkeep: a member's connection point was deleted", point_of_a_member_deleted
    yield "upkeep: a child without KNFE's label", unlabelled_child
    yield "upkeep: users' own words are kept", own_words_are_kept
    yield "upkeep: users' own Members are left alone", adopts_nothing
    yield "claims: thirty for thirty addresses", claims_for_all
    yield "claims: released with their owner", claims_are_released
    yield "claims: one that was deleted", claim_deleted
    yield "specs that are fixed", specs_are_fixed
