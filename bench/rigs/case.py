"""One case of the conformance suite: a namespace, a contestant, and the API server's audit log of what that asks for."""

import copy
import json
import re
from collections import Counter

from kit.api import Refused
from kit.wait import until
from rigs import job
from rigs.contestant import observe
from rigs.rig import ACCOUNT, NAD, PRIMARIES

READS = {"get", "list", "watch"}
QUIET = 1.5  # seconds within which whoever has more to write would have written


class Audit:
    """The requests of the contestant in a namespace, since mark()."""

    def __init__(self, file, namespace):
        self._file, self._user = file, f"system:serviceaccount:{namespace}:{ACCOUNT}"
        self._start = 0
        self.mark()

    def mark(self):
        self._start = self._file.stat().st_size if self._file.exists() else 0

    def events(self):
        out = []
        if self._file.exists():
            with open(self._file, "rb") as log:
                log.seek(self._start)
                for line in log:
                    if line.endswith(b"\n") and self._user.encode() in line:
                        event = json.loads(line)
                        if event["user"]["username"] == self._user and event["stage"] == "ResponseComplete":
                            out.append(event)
        return out


class Case:
    def __init__(self, rig, contestant, namespace):
        self.rig, self.api, self.contestant, self.ns = rig, rig.api, contestant, namespace
        self.audit = Audit(rig.audit_log, namespace)
        self.notes = []

    # -- objects --

    def put(self, manifest):
        manifest = copy.deepcopy(manifest)
        manifest["metadata"]["namespace"] = self.ns
        return self.api.apply(manifest)

    def must(self, kind, name):
        found = self.api.get(kind, self.ns, name)
        assert found, f"{kind} {name} is not there"
        return found

    def patch(self, kind, name, patch):
        return self.api.patch(kind, self.ns, name, patch)

    def delete(self, kind, name):
        assert self.api.delete(kind, self.ns, name), f"{kind} {name} is not there"

    def child_of(self, kind, name):
        return self.api.get(NAD, self.ns, job.child_name(self.must(kind, name)))

    def primaries(self):
        out = []
        for kind in PRIMARIES:
            out += [{**each, "kind": kind} for each in self.api.list(kind, self.ns)]
        return out

    def children(self):
        return self.api.list(NAD, self.ns)

    # -- the contestant --

    def start(self):
        self.contestant.start(self.rig, self.ns)
        self.contestant.synced_after()

    def stop(self):
        self.contestant.stop()

    # -- what must come --

    def settled(self, seconds=20, surplus=None):
        """Waits until all is as the job says, and then for a while in which nobody should do anything."""
        def holds():
            try:
                why = job.objection(self.primaries(), self.children())
            except Refused as refused:  # an API server that has just started has no cache yet (429)
                raise AssertionError(refused) from refused
            assert not why or (surplus and why.startswith(surplus)), why
            return True
        until("all is as the job says", holds, seconds)
        observe(QUIET)

    def says(self, kind, name, reason):
        def holds():
            found = job.condition(self.must(kind, name)).get("reason")
            assert found == reason, f"it says {found}"
            return True
        until(f"{kind} {name} says {reason}", holds)

    def count(self):
        """Accepted writes since the mark by what they are of; refused ones go to the notes."""
        accepted, refused = Counter(), Counter()
        for event in self.audit.events():
            if event["verb"] in READS:
                continue
            of = event["objectRef"]
            what = "/".join(part for part in (of["resource"], of.get("subresource")) if part)
            code = event["responseStatus"]["code"]
            if code < 300:
                accepted[what] += 1
            else:
                refused[f"{what} {code}"] += 1
        if refused:
            self.notes.append("refused: " + ", ".join(f"{number} {what}" for what, number in sorted(refused.items())))
        return accepted

    def wrote(self, children=0, networks=0, points=0, exactly=False):
        """Asserts that so many writes were made since the mark, and marks anew. Whoever decides on a cache that does not show
        its last write yet may repeat it, which changes nothing: told, and unless `exactly` not held against it."""
        wanted = Counter({"network-attachment-definitions": children, "networks/status": networks,
                          "connectionpoints/status": points})
        found = self.count()
        fits = +found == +wanted or (not exactly and all(wanted[what] <= found[what] <= 2 * wanted[what]
                                                         for what in wanted | found))
        assert fits, f"writes {dict(found)} instead of {dict(+wanted)}"
        if surplus := found - wanted:
            self.notes.append("repeated: " + ", ".join(f"{number} {what}" for what, number in sorted(surplus.items())))
        self.audit.mark()

    def versions(self):
        return {each["metadata"]["uid"]: each["metadata"]["resourceVersion"] for each in self.primaries() + self.children()}


def masked(case):
    """What is in the namespace, with everything left out that differs from one contestant to the next."""
    names = {case.ns: "<namespace>", f"bench-{case.contestant.name}": "<contestant>"}
    objects = case.primaries() + [{**each, "kind": NAD} for each in case.children()]
    for each in objects:
        if each["kind"] != NAD:
            names[each["metadata"]["uid"]] = f"<{each['kind']} {each['metadata']['name']}>"
    out = {}
    for each in objects:
        metadata = each["metadata"]
        for key in ("resourceVersion", "creationTimestamp", "managedFields", "generation"):
            metadata.pop(key, None)
        if each["kind"] == NAD:
            metadata.pop("uid")
        status = each.get("status", {})
        status.pop("observedGeneration", None)
        for condition in status.get("conditions", []):
            for key in ("lastTransitionTime", "observedGeneration", "message"):
                condition.pop(key, None)
        status.get("conditions", []).sort(key=lambda one: one["type"])
        text = json.dumps(each, sort_keys=True)
        for name, stands_for in names.items():
            text = re.sub(rf"(?<![\w]){re.escape(name)}(?![\w])", stands_for, text)
        out[f"{each['kind']}/{json.loads(text)['metadata']['name']}"] = text
    return out

