"""One test case: a namespace of its own, and the words in which cases are written."""

import copy
import time
from contextlib import contextmanager

from kit.actor import members_of
from kit.feed import Feed
from kit.kinds import MADE, MANAGED, OURS
from kit.wait import until

PROMPT = 1.0  # seconds that KNFE may take to react to anything,
TRIPS = 50    # or so many round trips of a write, where the machine is that slow


class Case:
    def __init__(self, rig, actor, controller, namespace):
        self.rig, self.api, self.actor, self.controller, self.ns = rig, rig.api, actor, controller, namespace
        self.reactions = []  # seconds
        self.notes = []      # what is worth telling beside the name

    # -- objects --

    def apply(self, manifest, dry=False):
        manifest = copy.deepcopy(manifest)
        manifest["metadata"]["namespace"] = self.ns
        if dry:
            return self.api.create(manifest, dryRun="All")
        return self.api.apply(manifest)

    def get(self, kind, name):
        return self.api.get(kind, self.ns, name)

    def must(self, kind, name):
        found = self.get(kind, name)
        assert found, f"{kind} {name} is not there"
        return found

    def names(self, kind, selector=None):
        return sorted(each["metadata"]["name"] for each in self.api.list(kind, self.ns, selector))

    def delete(self, kind, name):
        assert self.api.delete(kind, self.ns, name), f"{kind} {name} is not there"

    def patch(self, kind, name, patch, subresource=None):
        return self.api.patch(kind, self.ns, name, patch, subresource)

    def delete_namespace(self):
        """Where pods had to be ended, the namespace controller looks again after 15 s only."""
        self.api.delete("Namespace", None, self.ns)
        until(f"namespace {self.ns} gone", lambda: not self.api.get("Namespace", None, self.ns), 60)

    def scale(self, name, replicas):
        return self.patch("MemberSet", name, {"spec": {"replicas": replicas}}, "scale")

    def feed(self, kind, selector=None):
        return Feed(self.api, kind, self.ns, selector)

    def watch_list(self, function="ims-sip"):
        """Every version of a function's member list from now on."""
        return Feed(self.api, "ConfigMap", self.ns, f"knfe.io/function={function}")

    # -- waiting --

    def ready(self, kind, name, seconds=30):
        """Waits until it is Ready and says so of the newest spec."""
        def probe():
            found = self.must(kind, name)
            current = found["status"]["observedGeneration"] if found.get("status") else 0
            why = condition(found, "Ready")
            assert current == found["metadata"]["generation"] and why.get("status") == "True", why
            return found
        return until(f"{kind} {name} Ready", probe, seconds)

    def gone(self, kind, name, seconds=20):
        until(f"{kind} {name} gone", lambda: not self.get(kind, name), seconds)

    def promptly(self, what, probe):
        """Waits for what KNFE owes within a second, and keeps the time that it took."""
        started = time.monotonic()
        answer = until(what, probe, 20, every=0.02)
        self.reacted(what, time.monotonic() - started)
        return answer

    def reacted(self, what, seconds):
        self.reactions.append(seconds)
        if seconds > PROMPT:
            allowed = TRIPS * self.rig.round_trip()
            assert seconds <= allowed, f"{what}: only after {seconds:.2f} s"

    def says(self, kind, name, wanted, status, reason, *words):
        """Waits for a condition of this status and reason whose message has all of the words."""
        def probe():
            found = condition(self.must(kind, name), wanted)
            assert found.get("status") == status and found.get("reason") == reason, found
            lacking = [word for word in words if word not in found["message"]]
            assert not lacking, f"{lacking} not in: {found['message']}"
            return found
        return self.promptly(f"{kind} {name} says {wanted}={status} {reason}", probe)

    def stays(self, what, probe, seconds=0.7):
        """Fails unless probe() holds for a while in which KNFE could have done wrong."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            assert probe(), f"{what}: not any more"
            time.sleep(0.05)

    def quiet(self, seconds=1.0):
        """Waits until no call changes anything any more, and fails if one comes after that. Earlier cases must be gone."""
        until("earlier cases are gone", lambda: self.rig.alone(self.ns), 60)

        def settled():
            before = self.controller.calls()
            time.sleep(0.4)
            return self.controller.calls() == before
        until("knfe rests", settled, 20)
        before = self.controller.calls()
        time.sleep(seconds)
        assert self.controller.calls() == before, "knfe writes at rest"

    # -- the IMS --

    def members(self, function="ims-sip"):
        """Name -> entry of the member list, or {} if there is none."""
        listed = self.get("ConfigMap", function + "-peers")
        return {each["name"]: each for each in members_of(listed)} if listed else {}

    def states(self, function="ims-sip"):
        return {name: each["state"] for name, each in self.members(function).items()}

    def addresses(self, function="ims-sip"):
        return {name: each["addresses"] for name, each in self.members(function).items()}

    def listed(self, expected, function="ims-sip"):
        """Waits until the member list says exactly this: name -> state."""
        def probe():
            states = self.states(function)
            assert states == expected, states
            return True
        until(f"the list of {function} is {expected}", probe)

    def nothing_left(self, seconds=30):
        """Waits until of all that KNFE makes nothing is in the namespace."""
        def probe():
            left = {kind: found for kind in OURS + MADE
                    if (found := self.names(kind, None if kind in OURS else MANAGED))}
            assert not left, left
            return True
        until("nothing is left", probe, seconds)

    @contextmanager
    def stopped(self):
        """KNFE is down meanwhile."""
        self.controller.stop()
        try:
            yield
        finally:
            self.controller.start()


def condition(found, wanted):
    """The condition of this type, or {}."""
    return next((each for each in found.get("status", {}).get("conditions", []) if each["type"] == wanted), {})
