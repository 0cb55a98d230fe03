"""Whether each of the judges of history.py speaks up: made-up histories, each with one thing in it that must not be, and one without."""

import itertools
import json

from faults.history import KnfeReplay
from lib.progress import Failure


def _object(name, uid=None, **more):
    return {"metadata": {"name": name, "uid": uid or name, **more.pop("metadata", {})}, **more}


def _pod(name, ip, **metadata):
    networks = json.dumps([{"interface": "core", "ips": [f"{ip}/24"]}])
    return _object(name, metadata={"annotations": {"k8s.v1.cni.cncf.io/networks": networks}, "ownerReferences": [{"uid": "member"}],
                                   **metadata})


def _claim(ip, owner="a-core"):
    return _object(ip, spec={"ip": ip, "owner": owner})


def _point(name, ip, network="core"):
    return _object(name, spec={"networkRef": {"name": network}}, status={"addresses": [{"ip": ip}]})


def _member(desired, left="False"):
    return _object("a", "member", spec={"desired": desired}, status={"conditions": [{"type": "Left", "status": left}]})


def _signed(fields):
    return _object("core", metadata={"managedFields": [{"manager": "test", "fieldsV1": {"f:spec": fields}}]})


LIFE = [("ADDED", "Member", _member("Serving")), ("ADDED", "Allocation", _claim("10.0.0.1")), ("ADDED", "Pod", _pod("a", "10.0.0.1"))]
LEFT = [("MODIFIED", "Member", _member("Left", "True")), ("MODIFIED", "Pod", _pod("a", "10.0.0.1", deletionTimestamp="now")),
        ("DELETED", "Pod", _pod("a", "10.0.0.1")), ("DELETED", "Allocation", _claim("10.0.0.1")),
        ("DELETED", "Member", _member("Left", "True"))]
# What must be said -> the history in which it must be.
WRONG = {
    "Member a is gone while its pod is there": [*LIFE, ("DELETED", "Member", _member("Serving"))],
    "address 10.0.0.1 is free while pod a carries it": [*LIFE, ("DELETED", "Allocation", _claim("10.0.0.1"))],
    "pods b and a carry ['10.0.0.1']": [*LIFE, ("ADDED", "Pod", _pod("b", "10.0.0.1"))],
    "pod b carries ['10.0.0.9'] that nobody holds": [*LIFE, ("ADDED", "Pod", _pod("b", "10.0.0.9"))],
    "pod a is deleted before its agent has said that it left": [
        *LIFE, ("MODIFIED", "Member", _member("Left")), ("MODIFIED", "Pod", _pod("a", "10.0.0.1", deletionTimestamp="now"))],
    "b and a both have ['10.0.0.1']": [("ADDED", "ConnectionPoint", _point("a", "10.0.0.1")), ("ADDED", "ConnectionPoint", _point("b", "10.0.0.1"))],
    "d and c both have ['10.0.0.1']": [
        *(("ADDED", "Network", _object(name, spec={"addressSpace": "one"})) for name in ("core", "edge")),
        ("ADDED", "ConnectionPoint", _point("c", "10.0.0.1")), ("ADDED", "ConnectionPoint", _point("d", "10.0.0.1", "edge"))],
    "Network core lost what its user had set: ['/f:spec/f:mtu']": [
        ("ADDED", "Network", _signed({"f:mtu": {}, "f:x": {}})), ("MODIFIED", "Network", _signed({"f:x": {}}))],
}
RIGHT = [*LIFE, *LEFT, ("ADDED", "ConnectionPoint", _point("a", "10.0.0.1")), ("ADDED", "ConnectionPoint", _point("b", "10.0.0.1", "edge")),
         ("ADDED", "Network", _signed({"f:x": {}}))]


def prove():
    """Fails if a judge sleeps, or speaks without a cause."""
    for wanted, history in [*WRONG.items(), ("", RIGHT)]:
        said = KnfeReplay().run([(version, *event) for version, event in zip(itertools.count(1), history)])
        if [text.partition(": ")[2] for text in said] != [wanted] * bool(wanted):
            raise Failure(f"the oracles do not see what is there: {said} instead of {wanted or 'nothing'}")
