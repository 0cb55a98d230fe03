"""From the trace of undisturbed lives to plans: one fault at one place, each."""

import re
import zlib
from collections import Counter
from dataclasses import dataclass, field

# What becomes of a write. Name -> (rule, seconds that it takes at most, matrix row)
ON_WRITES = {
    "kill-before": ({"do": "hold-before"}, 1, "P1"),
    "kill-after": ({"do": "hold-after"}, 1, "P2"),
    "cut-before": ({"do": "cut-before"}, 0, "A5"),
    "cut-after": ({"do": "cut-after"}, 0, "A5"),
    "go-away": ({"do": "go-away"}, 0, "A5"),
    "lost-as-500": ({"do": "status-after", "status": 500}, 0, "A5"),
    "conflict": ({"do": "status", "status": 409}, 0, "A1"),
    "gone": ({"do": "status", "status": 410}, 0, "A3"),
    "too-many": ({"do": "status", "status": 429, "retry_after": "1"}, 1, "A2"),
    "too-large": ({"do": "status", "status": 413}, 2, "A6"),
    "invalid": ({"do": "status", "status": 422}, 2, "A6"),
    "forbidden": ({"do": "status", "status": 403}, 2, "A6"),
    "unauthorized": ({"do": "status", "status": 401}, 2, "A5"),
    "internal": ({"do": "status", "status": 500}, 0, "A3"),
    "unavailable": ({"do": "status", "status": 503, "retry_after": "1"}, 1, "A3"),
    "slow": ({"do": "delay", "ms": 1500}, 2, "A4"),
    "late": ({"do": "late", "ms": 1500}, 2, "A4"),
    "trickle": ({"do": "trickle", "ms": 1000}, 1, "A4"),
    "garbage": ({"do": "garbage"}, 0, "A4"),
}
EVERYWHERE = {"kill-before", "kill-after"}  # at every single write; others at each kind's first
ENDS = {"cut-before", "cut-after"}          # and these at its last, too
# These take long.
ON_FIRST_WRITES = {
    "silent": ({"do": "late", "ms": 33_000}, 35, "A4"),
    "cut-thrice": ({"do": "cut-after", "times": 3}, 2, "A5"),
    "quota": ({"do": "status", "status": 403, "times": 4}, 15, "A6"),
    "too-many-long": ({"do": "status", "status": 429, "retry_after": "3", "times": 3}, 10, "A2"),
}
DENIED = {"denied": ({"do": "status", "status": 403, "times": -1}, 40, "A5")}
ON_READS = {key: ON_WRITES[key] for key in ("cut-before", "internal", "slow", "garbage")}
ON_EVENTS = {
    "drop": ({"do": "drop", "relist_ms": 1500}, 2, "W2"),
    "drop-all": ({"do": "drop", "relist_ms": 1500, "times": -1}, 4, "W2"),
    "duplicate": ({"do": "duplicate"}, 0, "W3"),
    "pause": ({"do": "pause", "ms": 2000}, 2, "W3"),
    "pause-long": ({"do": "pause", "ms": 12_000}, 13, "W4"),
    "cut": ({"do": "cut"}, 1, "W1"),
    "gone": ({"do": "gone"}, 1, "W1"),
    "error": ({"do": "error"}, 1, "W1"),
    "garbage": ({"do": "garbage"}, 0, "W1"),
    "instead": ({"do": "instead"}, 2, "W1"),
}
FIRST_AND_LAST = {"drop", "pause"}
# What becomes of all watches of a phase: (rule, what ends those that are open, seconds, row)
ON_WATCHES = {
    "close-each-second": ({"do": "close", "ms": 1000, "times": -1}, "end", 4, "W1"),
    "gone-at-once": ({"do": "status", "status": 410, "times": 3}, "end", 4, "W1"),
    "refused": ({"do": "cut-before", "times": 20}, "end", 4, "A3"),
    "unavailable": ({"do": "status", "status": 503, "retry_after": "1", "times": 20}, "end", 5, "A3"),
    "too-many": ({"do": "status", "status": 429, "retry_after": "1", "times": 20}, "end", 5, "A2"),
    "unauthorized": ({"do": "status", "status": 401, "times": 3}, "end", 4, "A5"),
    "not-ready": ({"do": "status", "status": 429, "retry_after": "1", "times": 20, "relist": True}, "gone", 6, "W6"),
    "too-large-version": ({"do": "status", "status": 504, "retry_after": "1", "times": 20}, "end", 5, "W6"),
    "unstreamed": ({"do": "status", "status": 422, "relist": True, "times": -1}, "gone", 4, "W6"),
    "unmarked": ({"do": "unmarked", "times": -1}, "end", 2, "W6"),
    "lag-1s": ({"do": "lag", "ms": 1000, "times": -1}, "end", 15, "W4"),
    "lag-3s": ({"do": "lag", "ms": 3000, "times": -1}, "end", 45, "W4"),
    "relist": ({"do": "lag", "ms": 50, "times": -1}, "gone", 2, "W1"),
    "outage": ({"do": "cut-before", "times": -1}, "end", 10, "A3"),
}
STALE = {"start": 0.0, "half": 0.5, "late": 0.9}


# What becomes of the operator's process; see troubles.py. Name -> (seconds, row, what becomes of the watches)
ON_PROCESS = {
    "crash-loop": (15, "P3", ""),
    "clock-jumps": (6, "P6", ""),
    "no-memory": (4, "P7", "end"),
    "no-files": (4, "P7", "end"),
    "no-room-for-logs": (2, "P7", ""),
    # Certificates are looked at twice a minute.
    "rotation": (35, "A5", ""),
    "rotation-late": (35, "A5", ""),
}
# Reads are answered by a second API server that does not hear of what changes (lag), or reaches etcd for nothing at all (cut-off).
ELSEWHERE = ("lag", "cut-off")
LIFTED = {"watch-outage": 6.0, "denied": 8.0}  # seconds: one without end lets nobody converge


@dataclass(frozen=True)
class Plan:
    job: str
    phase: str
    fault: str
    place: str
    row: str
    seconds: int
    rules: tuple = field(compare=False)
    watches: str = ""
    trouble: str = ""

    @property
    def lifted(self):
        """After so many seconds its rules hold no more; 0: they hold on."""
        return LIFTED.get(self.fault, 0)

    @property
    def name(self):
        return f"{self.job}/{self.phase} {self.fault} {self.place}"

    @property
    def kills(self):
        return any(rule["do"].startswith("hold-") for rule in self.rules)


def place_of(entry):
    """What a request or event is, whatever the namespace: names that follow from UIDs are left out."""
    resource = entry["resource"] + ("/" + entry["subresource"] if entry.get("subresource") else "")
    name = entry.get("name", "")
    if resource.startswith(("allocations", "events")) or re.search(r"[0-9a-f]{12}", name):
        name = ""
    return entry["verb"] if entry["kind"] == "request" else entry["type"], resource, name


def _common(lives, chosen, key):
    """How often each place is met in every one of the lives."""
    counts = [Counter(key(entry) for entry in life if chosen(entry)) for life in lives]
    return {place: count for place in sorted(counts[0]) if (count := min(each[place] for each in counts))}


def plans(job, phases, lives):
    """`lives`: what has passed in undisturbed lives."""
    out = []
    for phase in phases:
        traces = [[entry for entry in life if entry.get("phase") == phase] for life in lives]
        out += _write_plans(job, phase, traces) + _event_plans(job, phase, traces) + _watch_plans(job, phase, traces)
        out += _upgrade_plans(job, phase, traces)
        for trouble, (seconds, row, watches) in ON_PROCESS.items():
            out.append(Plan(job, phase, trouble, "process", row, seconds, (), watches, trouble))
    return out


def _on_request(place, nth, rule, number):
    verb, resource, name = place
    return {"id": f"f{number}", "on": "request", "verb": verb, "resource": resource, "name": name, "nth": nth, **rule}


def _write_plans(job, phase, traces):
    out = []

    def add(faults, place, nth):
        for number, (fault, (rule, seconds, row)) in enumerate(faults.items()):
            out.append(Plan(job, phase, fault, f"{' '.join(place).strip()} #{nth}", row, seconds,
                            (_on_request(place, nth, rule, number),)))

    def is_request(entry):
        return entry["kind"] == "request" and entry["verb"] not in ("list", "watch") and entry["resource"] != "leases"

    places = [(place, nth) for place, count in _common(traces, is_request, place_of).items()
              for nth in range(1, min(count, 3 if place[1] == "events" else count) + 1)]
    kinds = {}
    for place, nth in places:
        kinds.setdefault(place[:2], []).append((place, nth))
        if place[0] != "get":
            add({fault: ON_WRITES[fault] for fault in sorted(EVERYWHERE)}, place, nth)
    for (verb, _), alike in kinds.items():
        if verb == "get":
            add(ON_READS, *alike[0])
            continue
        add({fault: what for fault, what in ON_WRITES.items() if fault not in EVERYWHERE} | ON_FIRST_WRITES, *alike[0])
        if alike[0][0][1] != "events":  # which nobody waits for
            add(DENIED, *alike[0])
        if len(alike) > 1:
            add({fault: ON_WRITES[fault] for fault in sorted(ENDS)}, *alike[-1])
    return out


def _event_plans(job, phase, traces):
    out = []

    def is_event(entry):
        return entry["kind"] == "event" and entry["type"] in ("ADDED", "MODIFIED", "DELETED")

    for (kind, resource, _), count in _common(traces, is_event, lambda entry: (*place_of(entry)[:2], "")).items():
        for fault, (rule, seconds, row) in ON_EVENTS.items():
            for nth in sorted({1, count}) if fault in FIRST_AND_LAST else [1]:
                out.append(Plan(job, phase, f"event-{fault}", f"{kind} {resource} #{nth}", row, seconds, (
                    {"id": "f0", "on": "event", "resource": resource, "type": kind, "nth": nth, **rule},)))
    return out


def _watch_plans(job, phase, traces):
    out = []
    for fault, (rule, watches, seconds, row) in ON_WATCHES.items():
        out.append(Plan(job, phase, f"watch-{fault}", "all", row, seconds, ({"id": "f0", "on": "watch", **rule},), watches))
    reads = tuple({"id": f"e{number}", "on": on, "verb": verb, "do": "elsewhere", "times": -1}
                  for number, (on, verb) in enumerate([("watch", "watch"), ("request", "list"), ("request", "get")]))
    for trouble in ELSEWHERE:
        out.append(Plan(job, phase, f"moved-elsewhere-{trouble}", "all", "W5", 10, reads, "end", trouble))
    # The process dies at a write, and the next one hears of the past first.
    writes = _common(traces, lambda entry: entry["kind"] == "request" and entry["verb"] not in ("get", "list", "watch")
                     and entry["resource"] != "events", place_of)
    for place in list(writes)[::4]:
        for when, part in STALE.items():
            out.append(Plan(job, phase, f"restart-in-the-past-{when}", f"{' '.join(place).strip()} #1", "W5", 5, (
                _on_request(place, 1, {"do": "hold-after"}, 0),
                {"id": "f1", "on": "watch", "do": "stale", "relist": True, "after": "f0", "times": -1, "for_ms": 2500, "at": part,
                 "ms": 2500})))
    # The same with a real server, which does not tell of the past to who asks for the present.
    for place in list(writes)[1::8]:
        for trouble in ELSEWHERE:
            out.append(Plan(job, phase, f"restarted-elsewhere-{trouble}", f"{' '.join(place).strip()} #1", "W5", 25, (
                _on_request(place, 1, {"do": "hold-after"}, 0), *({**rule, "after": "f0"} for rule in reads)), "", trouble))
    return out


def _upgrade_plans(job, phase, traces):
    """Killed after a write, and once more after the third one from there."""
    writes = list(_common(traces, lambda entry: entry["kind"] == "request" and entry["verb"] not in ("get", "list", "watch")
                          and entry["resource"] not in ("events", "leases"), place_of))
    again = {"id": "f1", "on": "request", "verb": "write", "nth": 3, "after": "f0", "do": "hold-after"}
    return [Plan(job, phase, "upgrade", f"{' '.join(place).strip()} #1", "P8", 10, (
        _on_request(place, 1, {"do": "hold-after"}, 0), again), "", "upgrade") for place in writes[::max(1, len(writes) // 3)]]


def sample(all_plans, number):
    """So many of them, the same ones each time: each fault of each phase before any of them twice."""
    groups = {}
    for plan in sorted(all_plans, key=lambda each: zlib.crc32(each.name.encode())):
        groups.setdefault((plan.job, plan.phase, plan.fault), []).append(plan)
    ranked = sorted((rank, zlib.crc32(plan.name.encode()), plan.name, plan)
                    for group in groups.values() for rank, plan in enumerate(group))
    return [each[-1] for each in ranked[:number]]
