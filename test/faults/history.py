"""Every version of every object, seen past the proxy, and what must hold over all of it, whatever goes wrong meanwhile."""

import json
import threading

from kit.feed import Feed

KNFE = {"Pod": "knfe.io/member", "Member": None, "MemberSet": None, "NetworkFunction": None, "NetworkService": None, "Network": None,
         "ConnectionPoint": None, "Allocation": None, "NetworkAttachmentDefinition": None}


class History:
    """Of all namespaces, from now on. `kinds`: with their label selectors; `replay`: what must hold over it; `whole`: what is there
    already belongs to it."""

    def __init__(self, api, kinds, replay, whole=False):
        self._replay = replay
        self._lock = threading.Lock()
        self._events = {}  # namespace -> [(version, type, kind, object)]
        self._moved = {}   # namespace -> when something last changed in it
        self._feeds = [Feed(api, kind, selector=selector, replay=whole, on_event=lambda event, kind=kind: self._note(kind, event), keep=False)
                       for kind, selector in kinds.items()]

    def _note(self, kind, event):
        metadata = event.object["metadata"]
        with self._lock:
            self._moved[metadata["namespace"]] = event.at
            self._events.setdefault(metadata["namespace"], []).append(
                (int(metadata["resourceVersion"]), event.type, kind, event.object))

    def moved(self, namespace):
        """When something last changed there, by time.monotonic()."""
        with self._lock:
            return self._moved.get(namespace, 0.0)

    def breaches(self, namespace):
        """What must not have been, in words; forgets the namespace."""
        for feed in self._feeds:
            feed.events()  # fails if it is not alive any more
        with self._lock:
            events = self._events.pop(namespace, [])
        # One etcd numbers the changes of all kinds: so this is the order in which they were.
        return self._replay().run(sorted(events, key=lambda each: each[0]))

    def close(self):
        for feed in self._feeds:
            feed.close()


class Replay:
    """What must hold of any operator: what users have set stays theirs."""

    def __init__(self):
        self._there = {}    # kind -> uid -> object
        self._signed = {}   # uid -> fields that the user has set
        self._breaches = []

    def run(self, events):
        for version, event, kind, found in events:
            objects = self._there.setdefault(kind, {})
            uid = found["metadata"]["uid"]
            before = objects.get(uid)
            if event == "DELETED":
                self._removed(version, kind, found)
                objects.pop(uid, None)
                self._signed.pop(uid, None)
                continue
            objects[uid] = found
            self._users_fields(version, kind, found)
            self._changed(version, kind, before, found)
        return list(dict.fromkeys(self._breaches))

    def _removed(self, version, kind, found):
        pass

    def _changed(self, version, kind, before, found):
        pass

    def _breach(self, version, text):
        self._breaches.append(f"at version {version}: {text}")

    def _users_fields(self, version, kind, found):
        """What the user's own manager has set stays the user's, with its value: taking it over shows in managedFields."""
        uid = found["metadata"]["uid"]
        mine = set()
        for entry in found["metadata"].get("managedFields", []):
            if entry["manager"] == "test" and entry.get("subresource") in (None, "scale"):
                mine |= set(_leaves(entry.get("fieldsV1", {})))
        lost = self._signed.get(uid, set()) - mine
        if lost and not found["metadata"].get("deletionTimestamp"):
            self._breach(version, f"{kind} {found['metadata']['name']} lost what its user had set: {sorted(lost)[:3]}")
        self._signed[uid] = mine


class KnfeReplay(Replay):
    """And what must hold of addresses, pods and members."""

    def _changed(self, version, kind, before, found):
        if kind == "Pod":
            self._pod(version, before, found)
        elif kind == "ConnectionPoint":
            self._point(version, found)

    def _removed(self, version, kind, found):
        name, uid = found["metadata"]["name"], found["metadata"]["uid"]
        pods = [pod for pod in self._there.get("Pod", {}).values() if not _ended(pod)]
        if kind == "Member":
            for pod in pods:
                if uid in _owners(pod):
                    self._breach(version, f"Member {name} is gone while its pod is there")
        elif kind == "Allocation":
            for pod in pods:
                if found["spec"]["owner"] in {f"{pod['metadata']['name']}-{network}" for network in _networks(pod)} and \
                        found["spec"]["ip"] in _addresses(pod):
                    self._breach(version, f"address {found['spec']['ip']} is free while pod {pod['metadata']['name']} carries it")

    def _pod(self, version, before, pod):
        name = pod["metadata"]["name"]
        if not before:
            mine = _addresses(pod)
            for other in self._there["Pod"].values():
                if other is not pod and not _ended(other) and mine & _addresses(other):
                    self._breach(version, f"pods {name} and {other['metadata']['name']} carry {sorted(mine & _addresses(other))}")
            held = {each["spec"]["ip"] for each in self._there.get("Allocation", {}).values()}
            if mine - held:
                self._breach(version, f"pod {name} carries {sorted(mine - held)} that nobody holds")
        elif pod["metadata"].get("deletionTimestamp") and not before["metadata"].get("deletionTimestamp"):
            for member in self._there.get("Member", {}).values():
                leaving = member["spec"]["desired"] != "Serving" and not member["metadata"].get("deletionTimestamp")
                if member["metadata"]["uid"] in _owners(pod) and leaving and not _said(member, "Left"):
                    self._breach(version, f"pod {name} is deleted before its agent has said that it left")

    def _point(self, version, point):
        mine = {each["ip"] for each in point.get("status", {}).get("addresses", [])}
        for other in self._there["ConnectionPoint"].values():
            same = self._space(other) == self._space(point)
            shared = mine & {each["ip"] for each in other.get("status", {}).get("addresses", [])}
            if other is not point and same and shared:
                self._breach(version, f"{point['metadata']['name']} and {other['metadata']['name']} both have {sorted(shared)}")

    def _space(self, point):
        """Within which no address is twice."""
        name = point["spec"]["networkRef"]["name"]
        network = next((each for each in self._there.get("Network", {}).values() if each["metadata"]["name"] == name), {})
        return network.get("spec", {}).get("addressSpace") or "network " + name


def _leaves(fields, path=""):
    for key, below in fields.items():
        if below:
            yield from _leaves(below, f"{path}/{key}")
        else:
            yield f"{path}/{key}"


def _ended(pod):
    return pod.get("status", {}).get("phase") in ("Succeeded", "Failed")


def _owners(found):
    return {each["uid"] for each in found["metadata"].get("ownerReferences", [])}


def _annotation(pod):
    return json.loads(pod["metadata"].get("annotations", {}).get("k8s.v1.cni.cncf.io/networks", "[]"))


def _networks(pod):
    return [each["interface"] for each in _annotation(pod)]


def _addresses(pod):
    return {ip.split("/")[0] for each in _annotation(pod) for ip in each.get("ips", [])}


def _said(member, wanted):
    return any(each["type"] == wanted and each["status"] == "True" for each in member.get("status", {}).get("conditions", []))
