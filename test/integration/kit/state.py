"""What is in a namespace, and the same with everything masked that differs from one run to the next.

Names, UIDs and addresses are replaced by what they stand for - "<v4 of ims-sip-bono-0-core>" - wherever they occur, in texts and
annotations, too: so two states are equal only if everybody speaks of the same thing.
"""

import json
import re

from kit.kinds import MADE, MANAGED, OURS

KNFE = {**dict.fromkeys(OURS), **dict.fromkeys(MADE, MANAGED)}
BY_AGENT = {"Joined", "Serving", "Left"}


def snapshot(api, namespace, kinds=KNFE):
    """(kind, object) of these kinds, each with the label selector by which it is known."""
    return [(kind, each) for kind, selector in kinds.items() for each in api.list(kind, namespace, selector)]


def versions(objects):
    return {(kind, each["metadata"]["name"]): each["metadata"]["resourceVersion"] for kind, each in objects}


def masked(objects, namespace):
    """Kind/name -> text."""
    names = {namespace: "<namespace>"}
    for kind, each in objects:
        metadata = each["metadata"]
        names[metadata["uid"]] = f"<{kind} {metadata['name']}>"
        for owner in metadata.get("ownerReferences", []):
            if owner["uid"] in metadata["name"]:
                names[metadata["name"]] = f"<{kind} of {owner['name']}>"
        if kind == "Allocation":
            stands_for = f"<{each['spec']['subnet']} of {each['spec']['owner']}>"
            names[each["spec"]["ip"]] = names[metadata["name"]] = stands_for
        elif kind == "ConnectionPoint" and each.get("status", {}).get("mac"):
            names[each["status"]["mac"]] = f"<mac of {metadata['name']}>"
    # Whole words only: 10.20.0.1 is not the beginning of 10.20.0.12.
    pattern = re.compile(r"(?<![\w.:-])(" + "|".join(sorted(map(re.escape, names), key=len, reverse=True)) + r")(?![\w:-])"
                         + r"|kn[0-9a-f]{12}|(?<=kube-api-access-)\w{5}")
    out = {}
    for kind, each in objects:
        text = pattern.sub(lambda found: names.get(found[0], "<random>"), json.dumps(_plain(each), sort_keys=True))
        key = pattern.sub(lambda found: names.get(found[0], "<random>"), each["metadata"]["name"])
        assert f"{kind}/{key}" not in out, f"two of {kind} {key}"
        out[f"{kind}/{key}"] = text
    return out


def _plain(found):
    """Without what the API server adds and what tells of time."""
    found = json.loads(json.dumps(found))
    metadata, status = found["metadata"], found.get("status", {})
    generation = metadata.get("generation")
    for key in ("resourceVersion", "creationTimestamp", "managedFields", "generation", "uid"):
        metadata.pop(key, None)
    for part in [status, *status.get("conditions", [])]:
        part.pop("lastTransitionTime", None)
        seen = part.pop("observedGeneration", None)
        if seen not in (None, generation) and part.get("type") not in BY_AGENT:
            part["observedGeneration"] = "of an older spec"
    if "conditions" in status:
        status["conditions"].sort(key=lambda each: each["type"])
    return found


def difference(wanted, found):
    """What differs, in words."""
    out = [f"missing: {key}" for key in sorted(wanted.keys() - found.keys())]
    out += [f"surplus: {key}" for key in sorted(found.keys() - wanted.keys())]
    for key in sorted(wanted.keys() & found.keys()):
        if wanted[key] != found[key]:
            at = next((i for i, (a, b) in enumerate(zip(wanted[key], found[key])) if a != b), min(len(wanted[key]), len(found[key])))
            start = max(at - 80, 0)
            out.append(f"{key}: ...{found[key][start:at + 120]}... instead of ...{wanted[key][start:at + 120]}...")
    return "\n".join(out)
