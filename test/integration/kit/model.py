"""The model of the API server that unit tests and the simulator use, beside the real one: the same requests to both."""

import copy
import json
import re
import subprocess

from kit.rig import REPOSITORY

CONTAINERS = {f"f:{each}" for each in ("metadata", "labels", "annotations", "finalizers", "ownerReferences", "data", "spec", "status",
                                       "conditions", "subnets", "networkRef")}
BINARY = REPOSITORY / "build" / "dev" / "bin" / "knfe_model"


class Model:
    def __init__(self):
        self._process = subprocess.Popen([BINARY], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, method, target="", body=None, content_type="application/json"):
        """Status and decoded body."""
        self._process.stdin.write(json.dumps({"method": method, "target": target, "type": content_type, "body": body}) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        return answer["status"], answer["body"]

    def close(self):
        self._process.stdin.close()
        self._process.wait(timeout=5)


class Masks:
    """What a server numbers and dates as it likes is left out; UIDs become the names that the other side's must have, too."""

    def __init__(self):
        self._uids = {}

    def learn(self, found):
        """Of an object that has just been made."""
        metadata = found["metadata"]
        self._uids.setdefault(metadata["uid"], f"{found['kind']}/{metadata['name']}#{len(self._uids)}")

    def mask(self, found):
        if "items" in found:
            return {"items": sorted((self.mask(each) for each in found["items"]), key=lambda each: each["metadata"]["name"])}
        out = copy.deepcopy(found)
        metadata = out.get("metadata", {})
        for key in ("resourceVersion", "creationTimestamp", "deletionGracePeriodSeconds"):
            metadata.pop(key, None)
        if "finalizers" in metadata:  # a set
            metadata["finalizers"].sort()
        if "deletionTimestamp" in metadata:
            metadata["deletionTimestamp"] = "some time"
        if out.get("kind") in ("ConfigMap", "Lease"):  # the real one counts no generations of these
            metadata.pop("generation", None)
        # Who has brought an object or an item itself into being counts for apply only.
        for entry in metadata.get("managedFields", []):
            if entry["operation"] == "Update":
                _without_dots(entry["fieldsV1"])
        managers = [{key: entry.get(key, "") for key in ("manager", "operation", "subresource", "fieldsV1")}
                    for entry in metadata.pop("managedFields", []) if entry["fieldsV1"]]
        metadata["managers"] = sorted(managers, key=json.dumps)
        for key in ("apiVersion", "kind"):  # not in the items of a list
            out.pop(key, None)
        text = json.dumps(_unordered(out), sort_keys=True)
        for uid, name in self._uids.items():
            text = text.replace(uid, name)
        return json.loads(text)


def _without_dots(fields):
    for key, each in list(fields.items()):
        _without_dots(each)
        if key == "." or (key in CONTAINERS and not each):
            del fields[key]


def _unordered(value):
    """Lists of objects are list-maps here: their order is nobody's."""
    if isinstance(value, dict):
        return {key: _unordered(each) for key, each in value.items()}
    if isinstance(value, list):
        out = [_unordered(each) for each in value]
        return sorted(out, key=lambda each: json.dumps(each, sort_keys=True)) if all(isinstance(each, dict) for each in out) else out
    return value


def reason(status, body):
    """Of a refusal."""
    return (status, body.get("reason")) if status >= 300 else (status, None)


def difference(real, model, path=""):
    """Where two masked bodies differ, in words; empty if nowhere."""
    if isinstance(real, dict) and isinstance(model, dict):
        out = [difference(real.get(key), model.get(key), f"{path}/{key}") for key in sorted(real.keys() | model.keys())]
        return "; ".join(each for each in out if each)
    if isinstance(real, list) and isinstance(model, list):
        real, model = [each for each in real if each not in model], [each for each in model if each not in real]
    return "" if real == model else f"{path}: the real one has {json.dumps(real)}, the model {json.dumps(model)}"


def version(found):
    """resourceVersion as a number."""
    return int(re.sub(r"\D", "", found["metadata"]["resourceVersion"]))
