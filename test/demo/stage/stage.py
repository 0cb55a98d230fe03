"""What the demos share: a cluster with KNFE, an IMS and its subscribers on it, calls, a report with what was seen."""

import json
import shutil
import subprocess
import tarfile
import threading
import time

from stage.cluster import REPOSITORY, Cluster, Problem
from stage.operator import Operator
from stage.report import Report

FUNCTION, BONO, SPROUTS = "ims-sip", "ims-sip-bono-0", "ims-sip-sprout"
SELECT = f"knfe.io/function={FUNCTION}"
CALLER = "subscribers-sipp-0"
SUBSCRIBERS = 200
BEGIN = time.monotonic()


def say(text):
    print(f"{time.monotonic() - BEGIN:6.1f} s  {text}", flush=True)


class Calls(threading.Thread):
    """So many calls through Bono, placed at this rate, each of this length. `figures` are sipp's own, once they have ended."""

    def __init__(self, cluster, bono, name, rate, count, hold):
        super().__init__(daemon=True)
        self.cluster, self.name_of_run, self.figures, self.trouble = cluster, name, {}, None
        self.words = ["--name", name, "--bono", bono, "--rate", rate, "--calls", count, "--hold", hold]
        self.expected = count / rate + hold
        self.start()

    def run(self):
        done = self.cluster.run("exec", CALLER, "-c", "sipp", "--", "/opt/sipp/calls", *self.words, timeout=600)
        try:
            self.figures = json.loads(done.stdout.strip().splitlines()[-1])
        except (ValueError, IndexError):
            self.trouble = done.stderr.strip() or "it printed nothing"

    def finish(self):
        begin = time.monotonic()
        while self.is_alive():
            self.join(10)
            if self.is_alive():
                say(f"{self.name_of_run}: calls go on, {time.monotonic() - begin:.0f} s more; {self.expected:.0f} s in all")
        if self.trouble:
            raise Problem(f"{self.name_of_run}: sipp did not run: {self.trouble}")
        return self.figures


class Stage:
    IMAGES = ["knfe", "ims", "sipp"]
    OPTIONS = []  # of the cluster

    def __init__(self, name):
        self.cluster, self.report = Cluster(), Report(name)
        self.kept = REPOSITORY / "build" / name
        self.operator = Operator(self.cluster)

    def set_up(self):
        shutil.rmtree(self.kept, ignore_errors=True)
        archives = [REPOSITORY / "build" / "images" / f"{name}.tar" for name in self.IMAGES]
        self.timed("cluster up", lambda: self.cluster.up(*self.OPTIONS))
        self.timed("images", lambda: self.cluster.load(archives))
        self.timed("knfe installed", self.install)

    def timed(self, name, work):
        say(name)
        begin = time.monotonic()
        work()
        self.report.step(name, seconds=round(time.monotonic() - begin, 1))

    def install(self):
        k = self.cluster.kubectl
        k("apply", "-k", REPOSITORY / "deploy")
        pod = self.operator.pod()
        if self.cluster.own and pod and self.stale(pod):
            k("rollout", "restart", "-n", "knfe-system", "deployment/knfe")  # the same tag, another image
        k("rollout", "status", "-n", "knfe-system", "deployment/knfe", "--timeout=60s")

    def stale(self, pod):
        """Whether the pod runs another image than the one just built."""
        with tarfile.open(REPOSITORY / "build" / "images" / "knfe.tar") as archive:
            manifest = json.load(archive.extractfile("index.json"))["manifests"][0]["digest"]
            config = json.load(archive.extractfile("blobs/" + manifest.replace(":", "/")))["config"]["digest"]
        running = "".join(status.get("imageID", "") for status in pod.get("status", {}).get("containerStatuses", []))
        return bool(running) and manifest not in running and config not in running

    def create(self, example="ims"):
        self.cluster.kubectl("apply", "-f", REPOSITORY / "examples" / example)
        self.cluster.kubectl("wait", "--for=condition=Ready", "networkservice/ims", "--timeout=240s", timeout=270)

    def subscribe(self):
        k = self.cluster.kubectl
        k("apply", "-f", REPOSITORY / "test" / "demo" / "subscribers.yaml")
        k("wait", "--for=condition=Ready", "networkfunction/subscribers", "--timeout=60s")
        member = self.cluster.get("member", BONO)
        addresses = {entry["connectionPoint"]: entry["ips"] for entry in member["status"]["addresses"]}
        self.bono = addresses["access"][0]
        for bono in addresses["core"]:  # dual stack: a Sprout reaches Bono over IPv4 and over IPv6
            k("exec", f"{SPROUTS}-0", "-c", "kamailio", "--", "/opt/ims/probe", f"[{bono}]" if ":" in bono else bono)
        say(f"Sprout reaches Bono at {' and '.join(addresses['core'])}")
        answer = json.loads(k("exec", CALLER, "-c", "sipp", "--", "/opt/sipp/register", SUBSCRIBERS, "--bono", self.bono))
        say(f"registered {answer['registered']} subscribers, held by {answer['held']}")
        if answer["registered"] != SUBSCRIBERS or len(answer["held"]) < 2:
            raise Problem(f"not all subscribers were registered at different Sprouts: {answer}")

    def settled(self, count, member_set=SPROUTS):
        def all_serve():
            status = self.cluster.get("memberset", member_set)["status"]
            return status["replicas"] == count and status["readyReplicas"] == count
        return all_serve

    def keep_files(self):
        kept = self.kept
        shutil.rmtree(kept, ignore_errors=True)
        kept.mkdir(parents=True)
        raw = subprocess.run([*self.cluster.prefix, "exec", CALLER, "-c", "sipp", "--", "tar", "-C", "/run/sipp", "-cf", "-", "."], capture_output=True)
        unpacked = subprocess.run(["tar", "-C", kept, "-xf", "-"], input=raw.stdout, capture_output=True)
        if (raw.returncode or unpacked.returncode) and not self.report.error:
            self.report.error = f"sipp's files could not be kept: {(raw.stderr or unpacked.stderr).decode().strip()}"
        self.keep_objects("knfe,pods")

    def keep_objects(self, kinds):
        for name, words in {"knfe.log": ("logs", "-n", "knfe-system", "deployment/knfe"), "events.txt": ("get", "events", "-A"),
                            "objects.txt": ("get", kinds, "-A", "-o", "wide")}.items():
            (self.kept / name).write_text(self.cluster.run(*words).stdout)

    def finish(self):
        if not self.kept.exists() or self.report.error:
            self.keep_files()
        path = self.report.write()
        print(f"\n{self.report.table()}\n\nwritten: {path.relative_to(REPOSITORY)}; what else is kept: build/{self.report.name}/")
        return self.report.ok

    def perform(self, play, down=False):
        """Runs `play`, reports whatever came of it, removes the cluster if asked. -> the exit status"""
        try:
            try:
                play()
            except (Problem, subprocess.SubprocessError, KeyError, ValueError, OSError) as problem:
                self.report.error = str(problem) or repr(problem)
            except KeyboardInterrupt:
                self.report.error = "interrupted; `make demo-down` removes the cluster"
            ok = self.finish()
        finally:
            if down:
                self.cluster.down()
        if not down and any(step["name"] == "ims ready" for step in self.report.steps):
            self.hints()
        return 0 if ok else 1

    def hints(self):
        kubectl = "dev/cluster kubectl" if self.cluster.own else "kubectl"
        print(f"\nThe cluster stays up. Try:\n  {kubectl} knfe status ims\n  {kubectl} scale memberset/{SPROUTS} --replicas=4\n"
              f"  {kubectl} exec {SPROUTS}-0 -c kamailio -- cat /run/knfe/hosts")
