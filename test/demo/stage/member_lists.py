"""How long after each change at the API every other member's list was right.

What is true is derived from the Members and pods as a watch tells of them; what each member had is in its agent's log, which
has a line with time and content for every list written. All clocks are this machine's, when the cluster is.
"""

import json
from datetime import datetime

from stage.cluster import Watch


def condition(object_, kind):
    for entry in object_.get("status", {}).get("conditions", []):
        if entry["type"] == kind:
            return entry
    return {}


def seconds(stamp):
    return datetime.fromisoformat(stamp.replace("Z", "+00:00")).timestamp()


class MemberLists:
    def __init__(self, cluster, function, machines=False):
        self.cluster, self.function = cluster, function
        self.members, self.runs, self.truth = {}, {}, {}
        self.changes = []  # (time, member, state or None when it is gone)
        selector = f"knfe.io/function={function}"
        self.watches = [Watch(cluster, "members", selector, self.on_member), Watch(cluster, "pods", selector, self.on_run)]
        if machines:
            self.watches.append(Watch(cluster, "virtualmachineinstances", selector, self.on_run))
        self.logs = {}  # pod UID -> [(time, {member: state})]
        self.owners = {}  # pod UID -> member

    def on_member(self, now, kind, member):
        self.take(self.members, now, kind, member)

    def on_run(self, now, kind, pod_or_instance):
        self.take(self.runs, now, kind, pod_or_instance)

    def take(self, into, now, kind, object_):
        name = object_["metadata"]["name"]
        if kind == "DELETED":
            # A successor of the same name may be known already.
            if into.get(name, object_)["metadata"]["uid"] == object_["metadata"]["uid"]:
                into.pop(name, None)
        else:
            into[name] = object_
        state = self.state(name)
        if self.truth.get(name) != state:
            self.truth[name] = state
            self.changes.append((now, name, state))

    def state(self, name):
        member, run = self.members.get(name), self.runs.get(name)
        if member is None:
            return None
        gone = "deletionTimestamp"
        if member["spec"].get("desired", "Serving") != "Serving" or gone in member["metadata"] or (run and gone in run["metadata"]):
            return "Leaving"
        if run is None or condition(run, "Ready").get("status") != "True":
            return "Joining"
        if member.get("status", {}).get("agent", {}).get("podUID") != run["metadata"]["uid"]:
            return "Joining"
        serving = condition(member, "Serving")
        if serving.get("reason") == "Leaving":
            return "Leaving"
        return "Serving" if serving.get("status") == "True" else "Joining"

    def read_logs(self):
        """Call while the pods are there: what a pod logged is gone with it."""
        for pod in self.cluster.get("pods", "-l", f"knfe.io/function={self.function}")["items"]:
            meta = pod["metadata"]
            # A virtual machine's agent says it on the console; its clock is its own, so kubelet's counts.
            machine = meta["name"] != meta["labels"]["knfe.io/member"]
            container = "guest-console-log" if machine else "knfe"
            lines = []
            for line in self.cluster.run("logs", meta["name"], "-c", container, "--timestamps").stdout.splitlines():
                heard, _, said = line.partition(" ")
                if '"member list written"' in said:
                    entry = json.loads(said[said.index("{"):])
                    stamp = heard if machine else entry["time"]
                    lines.append((seconds(stamp), dict(pair.split("=") for pair in entry["members"].split(",") if pair)))
            if lines:
                self.logs[meta["uid"]] = lines
                self.owners[meta["uid"]] = meta["labels"]["knfe.io/member"]

    def slowest(self, begin, end):
        """-> seconds until the last list was right, over all changes between two times, and how many times that was looked at"""
        delays = self.delays(begin, end)
        worst = max(delays, default=0.0)
        return (round(worst, 3) if worst < float("inf") else None), len(delays)

    def delays(self, begin, end):
        """-> of each change between two times, and each list that had to show it, the seconds until it did

        A list that was never right counts as wrong for ever."""
        out = []
        for index, (at, name, state) in enumerate(self.changes):
            if not begin <= at <= end:
                continue
            until = next((time for time, other, _ in self.changes[index + 1:] if other == name), end)
            if until - at < 1.0:
                continue  # overtaken: nobody had to show it
            for uid, lines in self.logs.items():
                owner = self.owners[uid]
                gone = next((time for time, other, new in self.changes if time > lines[0][0] and other == owner and new in ("Leaving", None)),
                            float("inf"))
                if lines[0][0] > at or gone < until or owner == name:
                    continue  # it was not there all the time
                # The watch of this process may be behind: a list may have been right shortly before.
                before = [list_ for time, list_ in lines if time <= at]
                right = before and before[-1].get(name) == state
                told = at if right else next((time for time, list_ in lines if at < time <= until and list_.get(name) == state), None)
                out.append((told if told is not None else float("inf")) - at)
        return out

    def stop(self):
        for watch in self.watches:
            watch.stop()
