"""What a guest agent's token may: report on its own Member, read two things, and nothing else."""

from kit.actor import AGENT
from kit.api import APPLY, MERGE, Refused
from kit.case import condition
from kit.ims import BONO, SPROUT, start
from kit.kinds import KNFE, path
from kit.manifests import function, machine_role, network, role
from kit.wait import until

OWN, NEIGHBOUR = f"{SPROUT}-0", f"{SPROUT}-1"


def report(case, name, pod_uid, **more):
    return {"apiVersion": KNFE, "kind": "Member", "metadata": {"namespace": case.ns, "name": name},
            "status": {"agent": {"podUID": pod_uid}, **more}}


def send(api, case, name, body):
    return api.request("PATCH", path("Member", case.ns, name, "status"), body, APPLY, fieldManager=AGENT, force="true")


def forbidden(what, call, *words):
    try:
        call()
    except Refused as answer:
        assert answer.code == 403, f"{what}: {answer}"
        assert all(word in answer.message for word in words), f"{what}: {answer}"
    else:
        raise AssertionError(f"{what} was allowed")


def reports_on_itself_only(case):
    start(case)
    pods = {name: case.must("Pod", name) for name in (OWN, NEIGHBOUR)}
    uids = {name: pod["metadata"]["uid"] for name, pod in pods.items()}
    api = case.rig.api_as(case.rig.token(case.ns, "ims-sip", pods[OWN]))
    conditions = {"conditions": [{"type": "Joined", "status": "True", "reason": "Joined", "message": "by its own token",
                                  "lastTransitionTime": "2026-01-01T00:00:00Z"}]}
    answer = send(api, case, OWN, report(case, OWN, uids[OWN], **conditions))
    assert condition(answer, "Joined")["message"] == "by its own token", answer["status"]
    forbidden("a report on the neighbour", lambda: send(api, case, NEIGHBOUR, report(case, NEIGHBOUR, uids[NEIGHBOUR])), OWN)
    forbidden("a report on Bono", lambda: send(api, case, f"{BONO}-0", report(case, f"{BONO}-0", uids[OWN])), OWN)
    forbidden("a report in another pod's name", lambda: send(api, case, OWN, report(case, OWN, uids[NEIGHBOUR])), "UID")
    unbound = case.rig.api_as(case.rig.token(case.ns, "ims-sip"))
    forbidden("a report by a token without a pod", lambda: send(unbound, case, OWN, report(case, OWN, uids[OWN])))


def token_dies_with_its_pod(case):
    """A pod that was replaced under the same name reports no more."""
    start(case)
    pod = case.must("Pod", OWN)
    api = case.rig.api_as(case.rig.token(case.ns, "ims-sip", pod))
    case.delete("Pod", OWN)
    case.promptly("another pod", lambda: (found := case.get("Pod", OWN)) and found["metadata"]["uid"] != pod["metadata"]["uid"])
    try:
        send(api, case, OWN, report(case, OWN, pod["metadata"]["uid"]))
    except Refused as answer:
        assert answer.code in (401, 403), answer
    else:
        raise AssertionError("the token of a pod that is gone still works")


def may_nothing_else(case):
    start(case)
    case.apply(network())
    case.apply(function("other", role()))
    case.ready("NetworkFunction", "other")
    pod = case.must("Pod", OWN)
    api = case.rig.api_as(case.rig.token(case.ns, "ims-sip", pod))
    api.request("GET", path("Member", case.ns, OWN))
    api.request("GET", path("ConfigMap", case.ns, "ims-sip-peers"))
    api.request("GET", path("ConfigMap", case.ns), fieldSelector="metadata.name=ims-sip-peers")  # as it watches

    def patch(kind, name, body, subresource=None):
        return lambda: api.request("PATCH", path(kind, case.ns, name, subresource), body, MERGE)

    def get(kind, name=None, namespace=case.ns):
        return lambda: api.request("GET", path(kind, namespace, name))

    def delete(kind, name):
        return lambda: api.request("DELETE", path(kind, case.ns, name))

    claim = case.names("Allocation")[0]
    denied = {
        "its own spec": patch("Member", OWN, {"spec": {"desired": "Left"}}),
        "its own labels": patch("Member", OWN, {"metadata": {"labels": {"x": "y"}}}),
        "deleting itself": delete("Member", OWN),
        "replacing its status": lambda: api.request("PUT", path("Member", case.ns, OWN, "status"), case.must("Member", OWN)),
        "the scale of its role": patch("MemberSet", SPROUT, {"spec": {"replicas": 5}}, "scale"),
        "its role": patch("MemberSet", SPROUT, {"spec": {"replicas": 5}}),
        "reading its role": get("MemberSet", SPROUT),
        "the member list": patch("ConfigMap", "ims-sip-peers", {"data": {"members.json": "[]"}}),
        "its own pod": patch("Pod", OWN, {"metadata": {"labels": {"x": "y"}}}),
        "reading its own pod": get("Pod", OWN),
        "deleting its own pod": delete("Pod", OWN),
        "deleting the neighbour's pod": delete("Pod", NEIGHBOUR),
        "its connection point": patch("ConnectionPoint", f"{OWN}-core", {"metadata": {"labels": {"x": "y"}}}),
        "its claim": delete("Allocation", claim),
        "a member of another function": get("Member", "other-sprout-0"),
        "reporting on a member of another function": patch("Member", "other-sprout-0", {"status": {"observedGeneration": 7}}, "status"),
        "the list of another function": get("ConfigMap", "other-peers"),
        "its own Role": patch("Role", "ims-sip", {"rules": []}),
        "making a RoleBinding": lambda: api.request("POST", path("RoleBinding", case.ns), {
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "x"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "admin"}}),
        "a token of another account": lambda: api.request("POST", f"/api/v1/namespaces/{case.ns}/serviceaccounts/default/token", {
            "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}),
        "namespaces": get("Namespace", None, None),
        **{f"all {kind}s": get(kind) for kind in ("NetworkService", "NetworkFunction", "MemberSet", "Member", "Network", "ConnectionPoint",
                                                 "Allocation", "Pod", "ConfigMap", "Secret", "ServiceAccount", "Role", "Event", "Lease")},
    }
    for what, call in denied.items():
        forbidden(what, call)
    case.notes.append(f"{len(denied)} ways tried")


def machine_has_its_own(case):
    """The agent of a virtual machine has an account under the member's name: what it may, its token may without a pod."""
    case.apply(network())
    case.apply(function("vm", machine_role(size={"exactly": 2})))
    own, neighbour = "vm-sprout-0", "vm-sprout-1"
    until("both accounts and their rights", lambda: all(case.get(kind, name) for kind in ("ServiceAccount", "Role", "RoleBinding")
                                                        for name in (own, neighbour)))
    api = case.rig.api_as(case.rig.token(case.ns, own))
    until("rights that the API server knows of", lambda: code_of(lambda: api.request("GET", path("Member", case.ns, own))) == 200)
    api.request("GET", path("ConfigMap", case.ns, "vm-peers"))
    send(api, case, own, report(case, own, "of an instance"))
    asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 7 * 24 * 3600}}

    def tokens_of(account):
        return lambda: api.request("POST", f"/api/v1/namespaces/{case.ns}/serviceaccounts/{account}/token", asked)
    renewed = case.rig.api_as(tokens_of(own)()["status"]["token"])
    renewed.request("GET", path("Member", case.ns, own))
    for what, call in {
            "a report on the neighbour": lambda: send(api, case, neighbour, report(case, neighbour, "of an instance")),
            "reading the neighbour": lambda: api.request("GET", path("Member", case.ns, neighbour)),
            "a token of the neighbour": tokens_of(neighbour),
            "a token of the default account": tokens_of("default"),
            "its own Role": lambda: api.request("PATCH", path("Role", case.ns, own), {"rules": []}, MERGE),
            "its own spec": lambda: api.request("PATCH", path("Member", case.ns, own), {"spec": {"desired": "Left"}}, MERGE),
            "all members": lambda: api.list("Member", case.ns),
            "secrets": lambda: api.list("Secret", case.ns)}.items():
        forbidden(what, call)
    case.delete("NetworkFunction", "vm")
    case.gone("Member", own)
    until("its tokens end with it", lambda: code_of(lambda: renewed.request("GET", path("Member", case.ns, own))) == 401)


def code_of(call):
    """Of the answer: 200 where it is done."""
    try:
        call()
    except Refused as answer:
        return answer.code
    return 200


def machine_without_kubevirt(case):
    """Says what is missing, and is made once that is there."""
    case.apply(network())
    case.apply(function("vm", machine_role(), role("pod")))
    case.says("Member", "vm-sprout-0", "Ready", "False", "Refused", "virtualmachines", "does not serve")
    case.says("Member", "vm-pod-0", "Ready", "True", "Serving")
    case.delete("NetworkFunction", "vm")
    case.gone("NetworkFunction", "vm")


def operators_right_is_enough(case):
    """And no more than it needs: what it could do to others' objects it must not be able to."""
    start(case)
    operator = case.rig.api_as(case.rig.token("knfe-system", "knfe"))
    for what, call in {
            "secrets": lambda: operator.list("Secret", case.ns),
            "nodes": lambda: operator.request("GET", "/api/v1/nodes"),
            "deleting a service": lambda: operator.request("DELETE", path("NetworkService", case.ns, "ims")),
            "deleting a ConfigMap": lambda: operator.request("DELETE", path("ConfigMap", case.ns, "ims-sip-peers")),
            "changing a service": lambda: operator.request("PATCH", path("NetworkService", case.ns, "ims"), {"metadata": {"labels": {"x": "y"}}}, MERGE),
            "changing a pod": lambda: operator.request("PATCH", path("Pod", case.ns, OWN), {"metadata": {"labels": {"x": "y"}}}, MERGE),
            "another image": lambda: operator.request("PATCH", path("Pod", case.ns, OWN), [
                {"op": "replace", "path": "/spec/containers/0/image", "value": "evil:1"}], "application/json-patch+json"),
            "taking a pod from its owner": lambda: operator.request("PATCH", path("Pod", case.ns, OWN), {"metadata": {"ownerReferences": None}}, MERGE),
            "deleting a volume": lambda: operator.request("DELETE", path("PersistentVolumeClaim", case.ns, "x")),
            "another lease": lambda: operator.request("GET", path("Lease", "kube-system", "x")),
    }.items():
        forbidden(what, call)


def rights_go(case):
    """With the last agent, and there are none where nobody is; never are there rights on all by a rule without names."""
    case.apply(network())
    case.apply(function("sip", role()))
    case.ready("NetworkFunction", "sip")
    assert case.must("Role", "sip")["rules"] and case.must("RoleBinding", "sip")["subjects"]

    def nothing():
        return not case.must("Role", "sip").get("rules") and not case.must("RoleBinding", "sip").get("subjects")
    case.apply(function("sip", role(membership={"agent": "None"})))
    until("no rights without agents", nothing)
    case.quiet()
    case.apply(function("sip", role(size={"exactly": 0})))
    until("no rules without members", lambda: not case.names("Member") and not case.must("Role", "sip").get("rules"))
    case.quiet()


def cases():
    yield "rights: an agent reports on itself only", reports_on_itself_only
    yield "rights: a token dies with its pod", token_dies_with_its_pod
    yield "rights: an agent may nothing else", may_nothing_else
    yield "rights: an agent of a virtual machine", machine_has_its_own
    yield "virtual machine: without KubeVirt", machine_without_kubevirt
    yield "rights: the operator's own are narrow", operators_right_is_enough
    yield "rights: gone with the last agent", rights_go
