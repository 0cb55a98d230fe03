"""Rig R2: the null API server as a process, with what a contestant needs of a rig, and what the server itself has counted."""

import json
import os
import re
import shutil
import subprocess
import tempfile
import types
import urllib.request
from pathlib import Path


class NullRig:
    def __init__(self, program, networks, points, processor):
        self.state = Path(tempfile.mkdtemp(prefix="knfe-bench-"))
        (self.state / "log").mkdir()
        self._file = self.state / "kubeconfig"
        self.cluster = types.SimpleNamespace(environment=lambda: dict(os.environ))
        environment = {key: value for key, value in os.environ.items() if not re.fullmatch(r"GO\w+", key)}
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "taskset", "--cpu-list", str(processor), program, "--kubeconfig", self._file,
             "--networks", str(networks), "--points", str(points)],
            env={**environment, "GOGC": "400"}, stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        assert line, "the null API server did not start"
        self._control = json.loads(line)["control"]

    def kubeconfig(self, _namespace=None):
        return self._file

    def _call(self, path, method="GET"):
        request = urllib.request.Request(self._control + path, method=method)
        with urllib.request.urlopen(request, timeout=600) as answer:  # noqa: S310 (a server of our own on loopback)
            return json.load(answer)

    def stats(self):
        return self._call("/stats")

    def objects(self, plural):
        return self._call(f"/objects/{plural}")["items"]

    def push(self, rate, count):
        return self._call(f"/push?rate={rate}&count={count}", "POST")

    def cpu(self):
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        shutil.rmtree(self.state)


def _sum(requests, *, accepted=None, without_effect=False, code=None):
    total = 0
    for key, number in requests.items():
        resource, verb, answer = key.split(" ")[0], key.split(" ")[1], int(key.rsplit(" ", 1)[1])
        if verb not in ("APPLY", "PUT") or ("without effect" in key) != without_effect:
            continue
        if resource == "elsewhere" or (code is not None and answer != code) or (accepted and answer >= 300):
            continue
        total += number
    return total


def writes(stats):
    """Accepted by the server, without effect, refused as conflicts."""
    requests = stats["requests"]
    return {"accepted": _sum(requests, accepted=True), "without_effect": _sum(requests, without_effect=True),
            "conflicts": _sum(requests, code=409)}
