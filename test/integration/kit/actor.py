"""Moves members' pods where there is no kubelet: runs them, plays their guest agents, ends them when they are deleted.

Like both it looks at what is there now, whatever the event was, so that events may come late, twice or not at all.
"""

import json
import queue
import threading
import time

from kit.api import Refused
from kit.feed import Feed
from kit.kinds import KNFE, MANAGED

AGENT = "knfe-guest"  # the guest agent's field manager


class Actor:
    """For all namespaces. What a test wants different it says by pod, as (namespace, name)."""

    def __init__(self, api, workers=2):
        self._api = api
        self._objects = {"Pod": {}, "Member": {}, "ConfigMap": {}}
        self._lock = threading.Lock()
        self._queue = queue.SimpleQueue()
        self._queued = set()
        self.broken = set()     # their containers do not get ready
        self.draining = set()   # their calls do not end: they do not report Left
        self.stuck = set()      # their pods do not end
        self.clumsy = set()     # what they are asked to do fails
        self._loads = {}        # what their agents measure: name -> (low, high)
        self.errors = []
        self._feeds = []
        for _ in range(workers):
            threading.Thread(target=self._work, daemon=True, name="actor").start()
        for kind, selector in (("ConfigMap", MANAGED), ("Member", None), ("Pod", "knfe.io/member")):
            self._feeds.append(Feed(api, kind, selector=selector, replay=True,
                                    on_event=lambda event, kind=kind: self._note(kind, event)))

    def close(self):
        for feed in self._feeds:
            feed.close()
        self._queue.put(None)

    def relax(self):
        """All is well again."""
        keys = self.broken | self.draining | self.stuck
        for each in (self.broken, self.draining, self.stuck, self.clumsy):
            each.clear()
        for key in keys:
            self.look_again(key)

    def measures(self, namespace, name, **indicators):
        """From now on: the least and the most of each, as texts."""
        self._loads[namespace, name] = indicators
        self.look_again((namespace, name))

    def look_again(self, key):
        """After broken, draining or stuck have changed."""
        with self._lock:
            if key in self._queued:
                return
            self._queued.add(key)
        self._queue.put(key)

    def _note(self, kind, event):
        metadata = event.object["metadata"]
        key = (metadata["namespace"], metadata["name"])
        with self._lock:
            if event.type == "DELETED":
                self._objects[kind].pop(key, None)
            else:
                self._objects[kind][key] = event.object
            # A new member list concerns every member that is on its way out, or has something to do, or had.
            leaving = [each for each, member in self._objects["Member"].items() if each[0] == key[0] and
                       (_asked_to_leave(member) or "actions.json" in event.object["data"] or
                        member.get("status", {}).get("agent", {}).get("actions"))] if kind == "ConfigMap" else []
        for each in leaving if kind == "ConfigMap" else [key]:
            self.look_again(each)

    def _work(self):
        while (key := self._queue.get()) is not None:
            with self._lock:
                self._queued.discard(key)
                pod = self._objects["Pod"].get(key)
                member = self._objects["Member"].get(key)
            if not pod:
                continue
            try:
                self._move(key, pod, member)
            except Refused as refused:
                if refused.code in (429, 500, 503, 504):
                    time.sleep(0.1)
                    self.look_again(key)
                # Gone or changed meanwhile: an event comes. Anything else is a fault of the test or of the rights.
                elif refused.code not in (404, 409):
                    self.errors.append(f"{key}: {refused}")
            except OSError:
                time.sleep(0.1)
                self.look_again(key)
        self._queue.put(None)

    def _move(self, key, pod, member):
        metadata = pod["metadata"]
        if metadata.get("deletionTimestamp"):
            ended = pod["status"].get("phase") in ("Succeeded", "Failed")
            # As kubelet: first it says that nothing runs any more. What was given to no node, is none of its business.
            if key not in self.stuck and pod["spec"].get("nodeName") and not ended:
                self._api.patch("Pod", *key, {"metadata": {"uid": metadata["uid"]}, "status": {"phase": "Succeeded", "conditions": [
                    {"type": "Ready", "status": "False", "lastTransitionTime": _now()}]}}, "status")
            elif ended and metadata.get("deletionGracePeriodSeconds"):
                self._api.delete("Pod", *key, gracePeriodSeconds=0, preconditions={"uid": metadata["uid"]})
            return
        if not pod["spec"].get("nodeName"):
            # A pod without node is deleted at once, not gracefully.
            self._api.request("POST", f"/api/v1/namespaces/{key[0]}/pods/{key[1]}/binding", {
                "apiVersion": "v1", "kind": "Binding", "metadata": {"name": key[1], "uid": metadata["uid"]},
                "target": {"apiVersion": "v1", "kind": "Node", "name": "actor"}})
            return
        ready = key not in self.broken
        if pod["status"].get("phase") in ("Succeeded", "Failed"):
            return
        if pod["status"].get("phase") != "Running" or _is_ready(pod) != ready:
            status = {"phase": "Running", "conditions": [
                {"type": kind, "status": "True" if ready else "False", "lastTransitionTime": _now()}
                for kind in ("Ready", "ContainersReady", "Initialized", "PodScheduled")]}
            self._api.patch("Pod", *key, {"metadata": {"uid": metadata["uid"]}, "status": status}, "status")
            return
        if member and ready and member["spec"]["membership"]["agent"] == "Sidecar":
            self._report(key, pod["metadata"]["uid"], member)

    def _report(self, key, pod_uid, member):
        """As guest/agent.cc: Left only after the others can see it leave."""
        leaving = _asked_to_leave(member)
        left = leaving and key not in self.draining and self._listed_as_leaving(key, member)
        wanted = {"Joined": ("True", "Joined"),
                  "Serving": ("False", "Leaving") if leaving else ("True", "Serving"),
                  "Left": ("True", "Left") if left else ("False", "Draining" if leaving else "Serving")}
        status = member.get("status", {})
        before = {each["type"]: (each["status"], each["reason"]) for each in status.get("conditions", [])}
        agent = {"podUID": pod_uid}
        if loads := {} if leaving else self._loads.get(key, {}):
            agent["indicators"] = [{"name": name, "low": low, "high": high} for name, (low, high) in loads.items()]
        if asked := self._asked(key, member):
            known = {each["uid"]: each for each in status.get("agent", {}).get("actions", [])}
            agent["actions"] = [known.get(each["uid"]) or self._done(key, each) for each in asked]
        if status.get("agent") == agent and wanted.items() <= before.items():
            return
        self._api.apply({
            "apiVersion": KNFE, "kind": "Member",
            "metadata": {"namespace": key[0], "name": key[1], "uid": member["metadata"]["uid"]},
            "status": {"agent": agent, "conditions": [
                {"type": kind, "status": truth, "reason": reason, "message": f"{reason}.",
                 "lastTransitionTime": _now(), "observedGeneration": member["metadata"]["generation"]}
                for kind, (truth, reason) in wanted.items()]}}, AGENT, "status")

    def _list_of(self, key, member):
        with self._lock:
            return self._objects["ConfigMap"].get((key[0], member["spec"]["function"] + "-peers"))

    def _asked(self, key, member):
        """The Actions that it is to do."""
        listed = self._list_of(key, member)
        asked = json.loads(listed["data"].get("actions.json", "[]")) if listed else []
        return [each for each in asked if member["metadata"]["uid"] in each["members"]]

    def _done(self, key, asked):
        """What a member reports that has done it at once; of a broken one, that it failed."""
        failed = key in self.clumsy
        return {"uid": asked["uid"], "started": _now(), "finished": _now(), "exitCode": 3 if failed else 0,
                "output": f"{asked['action']} {json.dumps(asked.get('parameters', {}))}"}

    def _listed_as_leaving(self, key, member):
        listed = self._list_of(key, member)
        return bool(listed) and any(
            each["name"] == key[1] and each["state"] == "Leaving" for each in members_of(listed))


def members_of(config_map):
    """The member list in a peers ConfigMap."""
    return json.loads(config_map["data"]["members.json"])["members"]


def _asked_to_leave(member):
    return member["spec"]["desired"] != "Serving" or bool(member["metadata"].get("deletionTimestamp"))


def _is_ready(pod):
    return any(each["type"] == "Ready" and each["status"] == "True" for each in pod["status"].get("conditions", []))


def _now():
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
