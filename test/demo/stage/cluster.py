"""The cluster that the demo runs on: the one of $KUBECONFIG, or the project's own."""

import json
import os
import subprocess
import threading
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]


class Problem(Exception):
    """What went wrong, and what to do: the demo ends with it."""


class Cluster:
    def __init__(self):
        self.own = not os.environ.get("KUBECONFIG")
        self.dev = REPOSITORY / "dev" / "cluster"
        self.prefix = [str(self.dev), "kubectl"] if self.own else ["kubectl"]
        self.binary = REPOSITORY / "build" / "bin" / "knfe"

    def up(self, *options):
        if not self.own:
            self.kubectl("get", "--raw", "/readyz")  # fails with a word if that cluster is not there
        elif subprocess.run([self.dev, "up", *options], check=False).returncode:
            raise Problem("the cluster does not start; what went wrong stands above: `make demo-down`, then once more")

    def down(self):
        if self.own:
            subprocess.run([self.dev, "down"], check=True)

    def load(self, archives):
        if self.own:
            subprocess.run([self.dev, "load", *archives], check=True)

    def run(self, *words, text=None, timeout=120):
        return subprocess.run([*self.prefix, *map(str, words)], input=text, capture_output=True, text=True, timeout=timeout)

    def kubectl(self, *words, text=None, timeout=120):
        return _output("kubectl", words, self.run(*words, text=text, timeout=timeout))

    def knfe(self, *words, timeout=60):
        """What `knfe` on this machine prints, with the kubeconfig that kubectl has."""
        command = [*([self.dev, "exec"] if self.own else []), self.binary, *words]
        return _output("knfe", words, subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=timeout))

    def get(self, *words):
        return json.loads(self.kubectl("get", *words, "-o", "json"))

    def names(self, kind, selector):
        return [item["metadata"]["name"] for item in self.get(kind, "-l", selector)["items"]]

    def wait(self, what, condition, seconds):
        """Polls: for what no single object tells. -> the seconds that it took"""
        begin = time.monotonic()
        while not condition():
            if time.monotonic() - begin > seconds:
                raise Problem(f"{what}: not within {seconds} s; see: knfe status")
            time.sleep(0.2)
        return time.monotonic() - begin


class Watch(threading.Thread):
    """Objects of one kind as they change: calls `changed(time, type, object)` from its own thread until stopped."""

    def __init__(self, cluster, kind, selector, changed):
        super().__init__(daemon=True)
        self.changed = changed
        self.process = subprocess.Popen(
            [*cluster.prefix, "get", kind, "-l", selector, "-w", "--output-watch-events", "-o", "json"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.start()

    def run(self):
        text = ""
        for line in self.process.stdout:
            text += line
            try:
                event = json.loads(text)
            except ValueError:
                continue  # an event of several lines that is not complete yet
            text = ""
            self.changed(time.time(), event["type"], event["object"])

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.join(5)


def _output(program, words, done):
    if done.returncode != 0:
        raise Problem(f"{program} {' '.join(map(str, words))}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout
