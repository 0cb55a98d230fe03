"""The job as it should be done: what is made for a trial, and what must come of it (bench/job/README.md)."""

import ipaddress
import json
import re
import time

from rigs.rig import BENCH, CNI, NAD  # noqa: I001  (first: it puts the kit on the path)
from kit import kinds

TYPES = ["Ready", "Reconciling", "Stalled"]
READY = ("True", "False", "False")
INVALID = ("False", "False", "True")
WAITING = ("False", "True", "False")


def network(name, cidr="10.20.0.0/24", mtu=None):
    return {"apiVersion": BENCH, "kind": "Network", "metadata": {"name": name},
            "spec": {"cidr": cidr, **({"mtu": mtu} if mtu else {})}}


def point(name, of="core", interface="eth0"):
    return {"apiVersion": BENCH, "kind": "ConnectionPoint", "metadata": {"name": name},
            "spec": {"network": of, "interface": interface}}


def fresh_set(networks, points):
    """So many Networks, and ConnectionPoints spread over them evenly."""
    return ([network(f"net{i}", f"10.{i // 256 % 256}.{i % 256}.0/24", 1400 + i % 100) for i in range(networks)]
            + [point(f"cp{i}", f"net{i % networks}", f"eth{i // networks % 1000}") for i in range(points)])


def valid(cidr):
    address, slash, length = cidr.partition("/")
    if not slash or not re.fullmatch(r"0|[1-9]\d{0,2}", length):
        return False
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return "%" not in address and int(length) <= parsed.max_prefixlen


def child_name(primary):
    return ("net-" if primary["kind"] == "Network" else "cp-") + primary["metadata"]["uid"]


def config(primary, of):
    name = of["metadata"]["name"]
    if primary["kind"] == "ConnectionPoint":
        name += "." + primary["spec"]["interface"]
    return (f'{{"cniVersion":"1.0.0","name":"{name}","type":"bridge","mtu":{of["spec"]["mtu"]},'
            f'"ipam":{{"type":"static","subnet":"{of["spec"]["cidr"]}"}}}}')


def owner_reference(primary):
    return {"apiVersion": BENCH, "kind": primary["kind"], "name": primary["metadata"]["name"],
            "uid": primary["metadata"]["uid"], "controller": True, "blockOwnerDeletion": True}


def child(primary, of):
    """The server-side apply of a child."""
    return {"apiVersion": CNI, "kind": NAD,
            "metadata": {"name": child_name(primary), "namespace": primary["metadata"]["namespace"],
                         "labels": {"app.kubernetes.io/managed-by": "bench"},
                         "ownerReferences": [owner_reference(primary)]},
            "spec": {"config": config(primary, of)}}


def status(primary, truths, reason, attachment, at):
    """The server-side apply of a status."""
    return {"apiVersion": BENCH, "kind": primary["kind"],
            "metadata": {"name": primary["metadata"]["name"], "namespace": primary["metadata"]["namespace"]},
            "status": {"observedGeneration": primary["metadata"]["generation"],
                       **({"attachment": attachment} if attachment else {}),
                       "conditions": [{"type": kind, "status": truth, "reason": reason, "message": "The attachment is as wanted.",
                                       "lastTransitionTime": at} for kind, truth in zip(TYPES, truths)]}}


def write_bodies(primaries, file, manager, namespace):
    """The server-side applies that a contestant must send for these, a line each."""
    networks = {each["metadata"]["name"]: each for each in primaries if each["kind"] == "Network"}
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    with open(file, "w") as lines:
        for primary in primaries:
            of = primary if primary["kind"] == "Network" else networks[primary["spec"]["network"]]
            for body, sub in ((child(primary, of), None),
                              (status(primary, READY, "Ready", child_name(primary), now), "status")):
                path = kinds.path(body["kind"], namespace, body["metadata"]["name"], sub)
                lines.write(json.dumps({"path": path + f"?fieldManager={manager}&force=true", "body": body},
                                       separators=(",", ":")) + "\n")


def condition(primary, kind="Ready"):
    for each in primary.get("status", {}).get("conditions", []):
        if each["type"] == kind:
            return each
    return {}


def is_ready(primary):
    found = primary.get("status", {})
    return found.get("observedGeneration") == primary["metadata"]["generation"] and condition(primary).get("status") == "True"


def objection(primaries, children):
    """The first thing in a settled namespace that is not as the job says, in words; or None."""
    networks = {each["metadata"]["name"]: each for each in primaries if each["kind"] == "Network"}
    found = {each["metadata"]["name"]: each for each in children}
    for primary in primaries:
        name = f"{primary['kind']} {primary['metadata']['name']}"
        of = primary if primary["kind"] == "Network" else networks.get(primary["spec"]["network"])
        truths, reason = READY, "Ready"
        if of is None:
            truths, reason = WAITING, "NetworkNotFound"
        elif not valid(of["spec"]["cidr"]):
            truths, reason = (INVALID, "InvalidCIDR") if of is primary else (WAITING, "NetworkInvalid")
        mine = found.pop(child_name(primary), None)
        if reason == "Ready":
            if not mine:
                return f"{name}: no child"
            if mine["spec"]["config"] != config(primary, of):
                return f"{name}: config {mine['spec']['config']} instead of {config(primary, of)}"
            if mine["metadata"].get("ownerReferences") != [owner_reference(primary)]:
                return f"{name}: owner references {mine['metadata'].get('ownerReferences')}"
            if mine["metadata"].get("labels", {}).get("app.kubernetes.io/managed-by") != "bench":
                return f"{name}: labels {mine['metadata'].get('labels')}"
        state = primary.get("status", {})
        if state.get("observedGeneration") != primary["metadata"]["generation"]:
            return f"{name}: observedGeneration {state.get('observedGeneration')} of {primary['metadata']['generation']}"
        if state.get("attachment") != (mine["metadata"]["name"] if mine else None):
            return f"{name}: attachment {state.get('attachment')}"
        if len(state.get("conditions", [])) != len(TYPES):
            return f"{name}: {len(state.get('conditions', []))} conditions"
        for kind, truth in zip(TYPES, truths):
            each = condition(primary, kind)
            if (each.get("status"), each.get("reason")) != (truth, reason) or not each.get("message"):
                return f"{name}: {kind} is {each.get('status')} ({each.get('reason')}), not {truth} ({reason})"
    return f"surplus children: {', '.join(found)}" if found else None
