"""Who has taken over a member has its token: what that can do is what the documents name, of all that the API server serves, and none
of it harms a neighbour.
"""

import json

from cases.agents import NEIGHBOUR, OWN, forbidden, report, send
from kit.actor import AGENT, members_of
from kit.api import APPLY, MERGE, Refused
from kit.case import condition
from kit.ims import BONO, SPROUT, whole
from kit.kinds import path
from kit.manifests import function, role, service
from kit.wait import until

OTHER_NAMESPACE = "knfe-system"  # where most could be gained
MEMBERS = [f"{BONO}-0", *(f"{SPROUT}-{number}" for number in range(8))]  # as many as there may be
NAMES = [OWN, NEIGHBOUR, f"{BONO}-0", SPROUT, BONO, "ims-sip", "ims-sip-peers"]  # of anything that is the function's
LONGEST = 32768  # a condition's message

# What every authenticated account may, by Kubernetes' own bindings (system:basic-user, system:discovery, system:public-info-viewer,
# system:service-account-issuer-discovery): to ask what it may itself, and what the cluster is.
ABOUT_ITSELF = {("create", "selfsubjectaccessreviews.authorization.k8s.io", ""), ("create", "selfsubjectrulesreviews.authorization.k8s.io", ""),
                ("create", "selfsubjectreviews.authentication.k8s.io", "")}
ABOUT_THE_CLUSTER = ["/api", "/api/v1", "/apis", "/apis/apps/v1", "/healthz", "/livez", "/readyz", "/version", "/openapi/v2", "/openapi/v3",
                     "/.well-known/openid-configuration", "/openid/v1/jwks"]
NOT_OF_THE_CLUSTER = ["/", "/metrics", "/metrics/slis", "/logs/", "/configz", "/flagz", "/statusz", "/debug/pprof/", "/debug/flags/v",
                      "/debug/api_priority_and_fairness/dump_requests"]


def of_members(*verbs, names=MEMBERS, resource="members.knfe.io"):
    return {(verb, resource, name) for verb in verbs for name in names}


# What docs/guest.md and docs/architecture.md name; the last by admission, which the rules do not tell of.
READS = of_members("get", "list", "watch") | of_members("get", "list", "watch", names=["ims-sip-peers"], resource="configmaps")
SCALES = of_members("get", "patch", names=[SPROUT], resource="membersets/scale.knfe.io")
BY_THE_RULES = ABOUT_ITSELF | READS | SCALES | of_members("patch", resource="members/status.knfe.io")
IN_TRUTH = ABOUT_ITSELF | READS | SCALES | of_members("patch", names=[OWN], resource="members/status.knfe.io")


def start(case, **bono):
    """The IMS, whose Sprouts may scale themselves. Returns the pod of one, and the API server as that sees it."""
    document = service()
    first, sprout = document["spec"]["functions"][0]["roles"]
    first.update(bono)
    sprout["size"]["byMembers"] = True
    case.apply(document)
    case.ready("NetworkService", "ims")
    case.listed(whole(3))
    pod = case.must("Pod", OWN)
    api = case.rig.api_as(case.rig.token(case.ns, "ims-sip", pod))
    knows(api, case.ns, BY_THE_RULES)
    return pod, api


def knows(api, namespace, wanted):
    """Waits until the API server has heard of these rights."""
    def probe():
        lacking = wanted - rules(api, namespace)[0]
        assert not lacking, sorted(lacking)
        return True
    until("rights that the API server knows of", probe)


class Door:
    """Asks for statuses alone: what is let in by mistake may be a stream without end."""

    def __init__(self, api):
        self._api = api
        self._connection = None

    def status(self, method, where, body=None, content_type="application/json", **headers):
        if not self._connection:
            self._connection = self._api.connect(30)
        data = None if body is None else json.dumps(body).encode()
        self._connection.request(method, where, data, {**self._api.headers(), "Content-Type": content_type, **headers})
        answer = self._connection.getresponse()
        if answer.status == 403:
            answer.read()
        else:
            self.close()
        assert answer.status not in (401, 429) and answer.status < 500, f"{method} {where}: {answer.status} is no answer to whether it may"
        return answer.status

    def close(self):
        if self._connection:
            self._connection.close()
            self._connection = None


def served(api):
    """(path of the version, resource, subresource or "", resource as RBAC calls it, namespaced) of all that discovery tells."""
    roots = ["/api/v1"] + [f"/apis/{version['groupVersion']}" for group in api.request("GET", "/apis")["groups"] for version in group["versions"]]
    for root in roots:
        group = root.split("/")[2] if root.startswith("/apis/") else ""
        for each in api.request("GET", root)["resources"]:
            resource, _, subresource = each["name"].partition("/")
            yield root, resource, subresource, each["name"] + (f".{group}" if group else ""), each["namespaced"]


def attempts(place, subresource, names):
    """(verb, name, method, path, body): each verb on this resource, or subresource, in one place. Nothing is changed if one is let in."""
    if not subresource:
        yield "list", "", "GET", place, None
        yield "watch", "", "GET", f"{place}?watch=1&timeoutSeconds=1", None
        yield "create", "", "POST", f"{place}?dryRun=All", {}
        yield "deletecollection", "", "DELETE", f"{place}?dryRun=All", None
        for name in names:
            yield "list", name, "GET", f"{place}?fieldSelector=metadata.name%3D{name}", None
            yield "watch", name, "GET", f"{place}?fieldSelector=metadata.name%3D{name}&watch=1&timeoutSeconds=1", None
    for name in names:
        one = "/".join(part for part in (place, name, subresource) if part)
        yield "get", name, "GET", one, None
        yield "update", name, "PUT", f"{one}?dryRun=All", {}
        yield "patch", name, "PATCH", f"{one}?dryRun=All", {}
        yield "delete", name, "DELETE", f"{one}?dryRun=All", None
        if subresource:
            yield "create", name, "POST", f"{one}?dryRun=All", {}


def first(api, place):
    """Name of an object that is there: nothing is refused for want of one."""
    try:
        return [each["metadata"]["name"] for each in api.request("GET", place, limit="1")["items"]]
    except (Refused, KeyError):  # what can only be made, such as a review
        return []


def let_in(case, api):
    """All that is not forbidden: (verb, resource, name) by place; and how often it was tried."""
    allowed, tried, there = {"its own namespace": set(), "another namespace": set(), "the cluster": set()}, 0, {}
    door = Door(api)
    for root, resource, subresource, title, namespaced in served(api):
        places = {"the cluster": f"{root}/{resource}"}
        if namespaced:
            places = {"its own namespace": f"{root}/namespaces/{case.ns}/{resource}",
                      "another namespace": f"{root}/namespaces/{OTHER_NAMESPACE}/{resource}", **places}
        for where, place in places.items():
            names = []
            if where != "the cluster" or not namespaced:  # of what is in namespaces, it has collections only
                if place not in there:
                    there[place] = first(case.api, place)
                own = NAMES if where == "its own namespace" else [OWN, "ims-sip-peers"] if namespaced else [OWN, case.ns]
                names = list(dict.fromkeys([*there[place], *own]))
            for verb, name, method, each, body in attempts(place, subresource, names):
                tried += 1
                if door.status(method, each, body, MERGE if method == "PATCH" else "application/json") != 403:
                    allowed[where].add((verb, title, name))
    door.close()
    return allowed, tried


def rules(api, namespace):
    """What the API server says the rules are: (verb, resource, name), and the paths."""
    answer = api.request("POST", "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", {
        "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectRulesReview", "spec": {"namespace": namespace}})["status"]
    found = {(verb, resource + (f".{group}" if group else ""), name)
             for rule in answer["resourceRules"] for group in rule["apiGroups"] for resource in rule["resources"]
             for name in rule.get("resourceNames") or [""] for verb in rule["verbs"]}
    return found, {(verb, each) for rule in answer["nonResourceRules"] for verb in rule["verbs"] for each in rule["nonResourceURLs"]}


def same(what, found, wanted):
    surplus, lacking = sorted(found - wanted), sorted(wanted - found)
    assert not surplus and not lacking, f"{what}: it may {surplus} besides, and may not {lacking}"


def everything_is_tried(case):
    pod, api = start(case)
    allowed, tried = let_in(case, api)
    named = {each for each in IN_TRUTH - ABOUT_ITSELF if each[2] in NAMES}
    same("in its own namespace", allowed["its own namespace"], named)
    same("in another namespace", allowed["another namespace"], set())
    same("in the cluster", allowed["the cluster"], ABOUT_ITSELF)
    # A second opinion, which knows of verbs that no request has, and of names that were not tried.
    for namespace, wanted in ((case.ns, BY_THE_RULES), (OTHER_NAMESPACE, ABOUT_ITSELF)):
        said, paths = rules(api, namespace)
        same(f"by the rules in {namespace}", said, wanted)
        assert {verb for verb, _ in paths} == {"get"}, paths
    door = Door(api)
    statuses = {each: door.status("GET", each) for each in ABOUT_THE_CLUSTER + NOT_OF_THE_CLUSTER}
    assert statuses == {**dict.fromkeys(ABOUT_THE_CLUSTER, 200), **dict.fromkeys(NOT_OF_THE_CLUSTER, 403)}, statuses
    for who in ("system:admin", "system:serviceaccount:knfe-system:knfe", f"system:serviceaccount:{case.ns}:default"):
        assert door.status("GET", path("Member", case.ns, OWN), **{"Impersonate-User": who}) == 403, f"it may act as {who}"
    door.close()
    assert case.must("Pod", OWN) == pod and case.states() == whole(3), case.states()
    case.notes.append(f"{tried} requests")


def identity(member):
    """All of a Member that its agent has no say in."""
    metadata = {key: value for key, value in member["metadata"].items() if key not in ("resourceVersion", "managedFields")}
    return metadata, member["spec"]


def owned(member):
    """What of the spec and the metadata belongs to KNFE: of nothing else could it take away what is not wanted any more."""
    return [each["fieldsV1"] for each in member["metadata"]["managedFields"] if each["manager"] == "knfe" and each.get("subresource") != "status"]


class Watched:
    """The function as it was, and must be after whatever one member does."""

    def __init__(self, case, lists):
        self._case, self._lists = case, lists
        self._addresses = case.addresses()
        self._own = case.must("Member", OWN)
        self._others = self._look()
        self._seen = len(lists.events())

    def _look(self):
        case = self._case
        return {**{f"{kind} {name}": case.must(kind, name) for kind in ("Member", "Pod") for name in (NEIGHBOUR, f"{BONO}-0")},
                **{f"{kind} {name}": case.must(kind, name)["spec"] for kind, name in (
                    ("MemberSet", BONO), ("MemberSet", SPROUT), ("NetworkFunction", "ims-sip"), ("MemberSet", "other-sprout"))}}

    def unharmed(self, what):
        now = self._look()
        changed = {key: now[key] for key, before in self._others.items() if now[key] != before}
        assert not changed, f"{what} has changed {changed}"
        own = self._case.must("Member", OWN)
        assert identity(own) == identity(self._own), f"{what}: the member is another: {own}"
        for event in self._lists.events()[self._seen:]:
            if event.name != "ims-sip-peers":
                continue
            listed = {each["name"]: each for each in members_of(event.object)}
            for name in (NEIGHBOUR, f"{BONO}-0"):
                assert listed[name]["state"] == "Serving", f"{what}: others saw {listed[name]}"
            found = {name: each["addresses"] for name, each in listed.items()}
            assert found == self._addresses, f"{what}: others saw {found}"

    def healed(self, what):
        """What it said of itself in KNFE's place is put right."""
        def probe():
            own = self._case.must("Member", OWN)
            status, before = own["status"], self._own["status"]
            assert condition(own, "Ready").get("status") == "True", own["status"]
            assert [status.get(key) for key in ("state", "addresses", "summary")] == [before[key] for key in ("state", "addresses", "summary")], status
            assert owned(own) == owned(self._own), own["metadata"]["managedFields"]
            return self._case.states() == whole(3)
        until(f"{what}: the member is as it was", probe)
        self.unharmed(what)


def said(kind, status, message="", reason=None):
    return {"type": kind, "status": status, "reason": reason or kind, "message": message, "lastTransitionTime": "2026-01-01T00:00:00Z"}


def too_much(what, call, *words):
    try:
        call()
    except Refused as answer:
        assert answer.code in (413, 422) and all(word in answer.message for word in words), f"{what}: {answer}"
    else:
        raise AssertionError(f"{what} was taken")


def harms_nobody(case):
    """Whatever a member does with the rights that it has: its neighbours serve on, and KNFE works."""
    pod, api = start(case, size={"initial": 1, "min": 1, "max": 2, "byMembers": True})
    case.apply(function("other", role(size={"initial": 1, "min": 1, "max": 3, "byMembers": True}, connectionPoints=[])))
    case.ready("NetworkFunction", "other")
    uid, other_uid = pod["metadata"]["uid"], case.must("Pod", NEIGHBOUR)["metadata"]["uid"]
    knows(api, case.ns, of_members("patch", names=[BONO, SPROUT], resource="membersets/scale.knfe.io"))

    def write(name, status, manager=AGENT):
        return send_as(api, case, name, status, manager)

    def change(kind, name, body, subresource):
        return lambda: api.request("PATCH", path(kind, case.ns, name, subresource), body, MERGE)

    def scale(name, replicas):
        return change("MemberSet", name, {"spec": {"replicas": replicas}}, "scale")
    out = [said("Serving", "False", reason="Leaving"), said("Left", "True")]
    with case.watch_list() as lists:
        watched = Watched(case, lists)
        denied = {
            "the neighbour taken out": (lambda: send(api, case, NEIGHBOUR, report(case, NEIGHBOUR, other_uid, conditions=out)), OWN),
            "the neighbour taken over": (lambda: send(api, case, NEIGHBOUR, report(case, NEIGHBOUR, uid)), OWN),
            "the neighbour's conditions, as KNFE": (lambda: write(NEIGHBOUR, {"conditions": [said("Ready", "False")]}, "knfe"), OWN),
            "the neighbour's addresses": (change("Member", NEIGHBOUR, {"status": {"addresses": None}}, "status"), OWN),
            "the neighbour's report": (change("Member", NEIGHBOUR, {"status": None}, "status"), OWN),
            "its own report for the neighbour's pod": (lambda: write(OWN, {"agent": {"podUID": other_uid}}), "UID"),
            "its own report for no pod": (lambda: write(OWN, {"agent": {"podUID": ""}}), "UID"),
            "another role, which may scale itself": (scale(BONO, 2), OWN, "its own role only"),
            "another function's role": (scale("other-sprout", 3), "other-sprout"),
            "its own role, past the scale": (change("MemberSet", SPROUT, {"spec": {"replicas": 8}}, None), SPROUT),
            "its own role's status": (change("MemberSet", SPROUT, {"status": {"replicas": 0}}, "status"), SPROUT),
        }
        for what, (call, *words) in denied.items():
            forbidden(what, call, *words)
            watched.unharmed(what)
        for what, replicas in (("no member at all", 0), ("more than there may be", 9), ("a number without sense", -1)):
            too_much(what, scale(SPROUT, replicas), "replicas")
            watched.unharmed(what)
        # The API server takes these for writes to the status, and leaves the rest as it is; but not whose it is.
        for what, body in {
                "its own spec": {"spec": {"desired": "Left", "ordinal": 1, "role": "bono"}},
                "its own labels": {"metadata": {"labels": {"knfe.io/role": "bono", "x": "y"}, "annotations": {"x": "y"}}},
                "its own finalizers": {"metadata": {"finalizers": None}},
                "its own owner": {"metadata": {"ownerReferences": None, "deletionTimestamp": "2026-01-01T00:00:00Z"}},
                "who owns its fields": {"metadata": {"managedFields": [{}]}}}.items():
            change("Member", OWN, body, "status")()
            watched.unharmed(what)
        watched.healed("what is not its own")
        # What KNFE says of it is in the same status: KNFE goes by what it knows, and says it again.
        agent, stolen = {"podUID": uid}, case.must("Member", NEIGHBOUR)["status"]["addresses"]
        pose = {"agent": agent, "addresses": stolen, "state": "Leaving", "summary": "me",
                "conditions": [said("Ready", "False"), said("Stalled", "True")]}
        for manager in ("knfe", "kubectl"):
            write(OWN, pose, manager)
            watched.healed(f"a status as if by {manager}")
        change("Member", OWN, {"status": dict.fromkeys(case.must("Member", OWN)["status"])}, "status")()
        watched.healed("an empty status")
        text = "x" * LONGEST
        for what, more, *words in (
                ("a message too long", {"conditions": [said("Joined", "True", text + "x")]}, "message", "may not be more than 32768"),
                ("more than a request may hold", {"conditions": [said("Joined", "True", text * 100)]}, "too large")):
            too_much(what, lambda more=more: write(OWN, {"agent": agent, **more}), *words)
            watched.unharmed(what)
        # As much as is taken, and much of it at once.
        for number in range(50):
            write(OWN, {"agent": agent, "conditions": [said(kind, "True", text[number:]) for kind in ("Joined", "Serving", "Left")]}, "flood")
        watched.healed("a flood")
        forbidden("conditions of other names", lambda: write(OWN, {"agent": agent, "conditions": [said("X", "True")]}, "more"), "Joined, Serving and Left")
        watched.unharmed("conditions of other names")
    case.scale(SPROUT, 5)
    case.listed(whole(5))
    scale(SPROUT, 2)()
    case.listed(whole(2))
    case.ready("NetworkService", "ims")
    assert case.must("Pod", NEIGHBOUR)["metadata"]["uid"] == other_uid, "the neighbour's pod is another"


def send_as(api, case, name, status, manager):
    body = {**report(case, name, ""), "status": status}
    return api.request("PATCH", path("Member", case.ns, name, "status"), body, APPLY, fieldManager=manager, force="true")


def cases():
    yield "rights: of all that is served, a member may what is named", everything_is_tried
    yield "rights: a member that was taken over harms nobody", harms_nobody
