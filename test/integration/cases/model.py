"""The model of the API server is held against the real one: requests by a seed go to both, and the answers must be the same.

KNFE's operators rest meanwhile. What the model does not claim is not asked: see docs/reliability.md.
"""

import json
import random
import time

from kit.api import APPLY, MERGE
from kit.kinds import KINDS, path
from kit.model import Masks, Model, difference, reason, version
from kit.wait import until

ROUND = 120  # requests
MANAGERS = ["a", "b", "knfe"]
NAMES = ["x", "y"]
ASKED = ["Network", "ConnectionPoint", "Allocation", "ConfigMap", "Lease"]
WITH_STATUS = {"Network", "ConnectionPoint"}


class Round:
    """One seed: both servers hear the same."""

    def __init__(self, case, seed):
        self.case, self.seed = case, seed
        self.random = random.Random(seed)
        self.model = Model()
        self.masks = {"real": Masks(), "model": Masks()}
        self.live = {}   # (kind, name) -> the object at both, as it was answered last
        self.trace = []
        self.begin = version(case.api.create({"apiVersion": "v1", "kind": "ConfigMap",
                                              "metadata": {"namespace": case.ns, "name": f"begin-{seed}"}}))
        self.model_begin = 100

    def ask(self, method, target, body=None, content_type="application/json"):
        """To both; `body` is a function of the side, since UIDs and versions differ."""
        bodies = {side: body(side) if callable(body) else body for side in ("real", "model")}
        self.trace.append(f"{method} {target} {json.dumps(bodies['real'])}")
        status, text = self.case.api.exchange(method, target, bodies["real"], content_type)
        real = json.loads(text) if text.startswith(b"{") else {"reason": None}
        model_status, model = self.model.ask(method, target, bodies["model"], content_type)
        if reason(status, real) != reason(model_status, model):
            self.fail(f"the real one answers {status} {real.get('reason')} ({real.get('message', '')[:300]}), "
                      f"the model {model_status} {model.get('reason')} ({model.get('message', '')})")
        if status >= 300:
            return None
        return {"real": real, "model": model}

    def fail(self, problem):
        raise AssertionError(f"seed {self.seed}, request {len(self.trace)}: {problem}\n" + "\n".join(self.trace[-10:]))

    def same(self, bodies, what=""):
        masked = {side: self.masks[side].mask(body) for side, body in bodies.items()}
        if found := difference(masked["real"], masked["model"]):
            self.fail(what + found)

    def remember(self, kind, name, bodies):
        before = self.live.get((kind, name))
        if not before or before["real"]["metadata"]["uid"] != bodies["real"]["metadata"]["uid"]:
            for side, body in bodies.items():
                self.masks[side].learn(body)
        else:
            moved = {side: version(bodies[side]) != version(before[side]) for side in bodies}
            if moved["real"] != moved["model"]:
                changed = difference(before["real"], bodies["real"])
                self.fail(f"a new version: real {moved['real']}, model {moved['model']}; at the real one, before and now: {changed}")
        self.same(bodies)
        self.live[kind, name] = bodies

    # -- what is asked --

    def manifest(self, kind, name, side, mentions_spec):
        metadata = {"name": name, "namespace": self.case.ns}
        pick = self.random_state
        if pick("labels", 2) and any(pick(key, 2) for key in ("l", "m", "n")):
            metadata["labels"] = {key: pick("value", 3) * "v" or "w" for key in ("l", "m", "n") if pick(key, 2)}
        if pick("annotations", 3) == 0:
            metadata["annotations"] = {"example.com/note": str(pick("note", 3))}
        if pick("finalizers", 4) == 0 and (pick("f", 2) or pick("g", 2)):
            metadata["finalizers"] = [f"example.com/{each}" for each in ("f", "g") if pick(each, 2)]
        if pick("owner", 3) == 0 and (owner := self.live.get(("ConfigMap", "owner"))):
            metadata["ownerReferences"] = [{"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "controller": True,
                                            "uid": owner[side]["metadata"]["uid"]}]
        out = {"apiVersion": KINDS[kind][0], "kind": kind, "metadata": metadata}
        if kind == "ConfigMap":
            out["data"] = {key: str(pick(f"data {key}", 3)) for key in ("k", "l") if key == "k" or pick("has l", 2)}
        elif mentions_spec:
            out["spec"] = self.spec(kind)
        return out

    def spec(self, kind):
        pick = self.random_state
        if kind == "Network":
            out = {"subnets": [{"name": "v4", "cidr": "10.0.0.0/24"}]}
            if pick("mtu", 2):
                out["mtu"] = 1400 + pick("size", 3)
            return out
        if kind == "ConnectionPoint":
            return {"networkRef": {"name": "net"}, "interface": "net0"}
        if kind == "Allocation":
            return {"network": "net", "owner": "x", "ownerUID": "u", "subnet": "v4", "ip": "10.0.0.1"}
        return {"holderIdentity": f"h{pick('holder', 2)}", "leaseDurationSeconds": 15}

    def random_state(self, what, sides):
        """The same for both servers: drawn once a request."""
        if what not in self.drawn:
            self.drawn[what] = self.random.randrange(sides)
        return self.drawn[what]

    def step(self):
        self.drawn = {}
        kind, name = self.random.choice(ASKED), self.random.choice(NAMES)
        verbs = [self.create, self.apply, self.apply, self.apply, self.patch, self.patch, self.delete, self.read, self.list]
        if kind in WITH_STATUS:
            verbs += [self.status, self.status]
        if kind == "Lease":
            verbs = [self.create, self.replace, self.replace, self.delete, self.read]
        self.random.choice(verbs)(kind, name)

    def write(self, kind, name, method, target, body, content_type="application/json"):
        if answer := self.ask(method, target, body, content_type):
            self.remember(kind, name, answer)

    def create(self, kind, name):
        self.write(kind, name, "POST", path(kind, self.case.ns) + f"?fieldManager={self.random.choice(MANAGERS)}",
                   lambda side: self.manifest(kind, name, side, True))

    def apply(self, kind, name):
        force = "&force=true" if self.random.random() < 0.5 else ""
        target = path(kind, self.case.ns, name) + f"?fieldManager={self.random.choice(MANAGERS)}{force}"
        mentions = (kind, name) not in self.live or self.random.random() < 0.6
        self.write(kind, name, "PATCH", target, lambda side: self.conditional(kind, name, side, self.manifest(kind, name, side, mentions)), APPLY)

    def conditional(self, kind, name, side, body):
        """Sometimes with the UID, right or not, and the version, known last or before."""
        live = self.live.get((kind, name))
        if live and (which := self.random_state("condition", 8)) < 3:
            body = {**body, "metadata": {**body.get("metadata", {})}}
            if which == 0:
                body["metadata"]["uid"] = live[side]["metadata"]["uid"]
            elif which == 1:
                body["metadata"]["resourceVersion"] = live[side]["metadata"]["resourceVersion"]
            else:
                body["metadata"]["resourceVersion"] = "1"
        return body

    def patch(self, kind, name):
        pick = self.random_state
        metadata = {}
        if pick("what", 3) == 0:
            metadata["labels"] = {"l": [None, "p", "q"][pick("l", 3)]}
        elif pick("what", 3) == 1:
            metadata["annotations"] = {"example.com/note": [None, "p"][pick("note", 2)]}
        else:
            metadata["finalizers"] = [f"example.com/{each}" for each in ("f", "g") if pick(each, 2)]
        target = path(kind, self.case.ns, name) + f"?fieldManager={self.random.choice(MANAGERS)}"
        self.write(kind, name, "PATCH", target, lambda side: self.conditional(kind, name, side, {"metadata": metadata}), MERGE)

    def status(self, kind, name):
        target = path(kind, self.case.ns, name, "status") + f"?fieldManager={self.random.choice(MANAGERS)}&force=true"
        conditions = [{"type": each, "status": ["True", "False"][self.random.randrange(2)], "reason": "R", "message": "m",
                       "lastTransitionTime": "2026-01-01T00:00:00Z"} for each in ("Ready", "Stalled") if each == "Ready" or self.random.random() < 0.7]
        body = {"apiVersion": KINDS[kind][0], "kind": kind, "metadata": {"name": name, "namespace": self.case.ns},
                "status": {"observedGeneration": self.random.randrange(1, 3), "conditions": conditions}}
        self.write(kind, name, "PATCH", target, body, APPLY)

    def replace(self, kind, name):
        live = self.live.get((kind, name))
        stale = self.random.random() < 0.3
        holder = f"h{self.random.randrange(4)}"

        def body(side):
            metadata = {"name": name, "namespace": self.case.ns}
            if live:
                metadata["resourceVersion"] = "1" if stale else live[side]["metadata"]["resourceVersion"]
            return {"apiVersion": KINDS[kind][0], "kind": kind, "metadata": metadata, "spec": {"holderIdentity": holder}}
        self.write(kind, name, "PUT", path(kind, self.case.ns, name) + "?fieldManager=a", body)

    def delete(self, kind, name):
        live = self.live.get((kind, name))
        which = self.random.randrange(5)

        def body(side):
            options = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"}
            if live and which < 4:
                right = live[side]["metadata"]
                options["preconditions"] = [{"uid": right["uid"]}, {"uid": "another"}, {"resourceVersion": right["resourceVersion"]},
                                            {"uid": right["uid"], "resourceVersion": "1"}][which]
            return options
        if self.ask("DELETE", path(kind, self.case.ns, name), body):
            self.look(kind, name)

    def read(self, kind, name):
        self.look(kind, name)

    def look(self, kind, name):
        answer = self.ask("GET", path(kind, self.case.ns, name))
        if answer:
            self.remember(kind, name, answer)
        else:
            self.live.pop((kind, name), None)

    def list(self, kind, _):
        selector = self.random.choice(["", "?labelSelector=l", "?labelSelector=l%3Dv", "?labelSelector=l,m"])
        if selector == "" and kind == "ConfigMap":  # every namespace has one of the cluster's own
            selector = "?labelSelector=m"
        self.same(self.ask("GET", path(kind, self.case.ns) + selector))

    # -- from begin to end --

    def run(self):
        try:
            self.write("ConfigMap", "owner", "POST", path("ConfigMap", self.case.ns) + "?fieldManager=a",
                       {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "owner", "namespace": self.case.ns}})
            for _ in range(ROUND):
                self.step()
            self.events()
            self.owner_goes()
        finally:
            self.model.close()

    def events(self):
        """A watch from the beginning tells of the same, in the same order."""
        for kind in ASKED:
            told = f"{path(kind, self.case.ns)}?watch=1&timeoutSeconds=1&resourceVersion="
            _, text = self.case.api.exchange("GET", told + str(self.begin))
            real = [json.loads(line) for line in text.splitlines() if line]
            _, model = self.model.ask("GET", told + str(self.model_begin))
            real = [each for each in real if each["object"]["metadata"]["name"] in (*NAMES, "owner")]
            for number, (one, other) in enumerate(zip(real, model, strict=False)):
                where = f"event {number} of {kind}: "
                if one["type"] != other["type"]:
                    self.fail(f"{where}the real one has {one['type']}, the model {other['type']}")
                self.same({"real": one["object"], "model": other["object"]}, where)
            if len(real) != len(model):
                self.fail(f"events of {kind}: the real one has {len(real)}, the model {len(model)}")

    def owner_goes(self):
        """What it owned is collected, unless finalizers hold it."""
        self.ask("DELETE", path("ConfigMap", self.case.ns, "owner"),
                 {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"})
        self.model.ask("COLLECT")
        self.live.clear()

        def settled():
            for kind in ASKED:
                selector = "?labelSelector=l" if kind == "ConfigMap" else ""
                self.same(self.ask("GET", path(kind, self.case.ns) + selector))
            return True
        until("the garbage collector has done the same", settled)
        for kind in ASKED:
            for name in NAMES:
                self.case.api.exchange("PATCH", path(kind, self.case.ns, name), {"metadata": {"finalizers": []}}, MERGE)
                self.case.api.exchange("DELETE", path(kind, self.case.ns, name))
        for kind in ASKED:
            until(f"no {kind} is left", lambda kind=kind: not set(self.case.names(kind)) & {*NAMES, "owner"})


def held_against(case):
    case.controller.stop()
    try:
        end, rounds = time.monotonic() + case.rig.model_seconds, 0
        while time.monotonic() < end:
            Round(case, case.rig.model_seed + rounds).run()
            rounds += 1
        case.notes.append(f"{rounds} rounds of {ROUND} requests")
    finally:
        case.controller.start()


def cases():
    yield "model: the same answers as the real API server's", held_against
