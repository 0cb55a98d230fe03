"""An operator and the faultproxy before it, as processes: both end with this one, however that ends."""

import json
import os
import re
import signal
import subprocess
import threading

from kit import probe
from kit.wait import until
from lib import builds, pki

WITHOUT_WRITES = {"get", "list", "watch"}
ASIDE = {"events", "leases"}  # resources whose writes belong to no job


class Proxy:
    """`told` is called with each line that it says, on a thread of its own."""

    def __init__(self, rig, token_file, folder, told=None, elsewhere=None):
        """`elsewhere`: URL of another API server, for rules that send requests there."""
        self.kubeconfig, self._trace = folder / "kubeconfig", folder / "trace.jsonl"
        command = ["setpriv", "--pdeathsig", "KILL", builds.path(builds.FAULTPROXY), f"--upstream={pki.SERVER}",
                   f"--upstream-ca={rig.cluster.pki.file('ca.crt')}", f"--token-file={token_file}", f"--kubeconfig={self.kubeconfig}",
                   f"--trace={self._trace}", "--record", *([f"--elsewhere={elsewhere}"] if elsewhere else [])]
        with open(folder / "proxy.log", "ab") as log:
            self._process = subprocess.Popen(command, env=dict(rig.cluster.environment(), GOMAXPROCS="1"), text=True, bufsize=1,
                                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)
        self._told = told or (lambda line: None)
        self._answers = threading.Semaphore(0)
        self.problem = None
        self.fired = []
        self._lock = threading.Lock()
        self._read_to, self._entries, self._writes = 0, [], []
        threading.Thread(target=self._listen, daemon=True, name="proxy").start()
        assert self._answers.acquire(timeout=30), "faultproxy does not start"

    def _listen(self):
        for text in self._process.stdout:
            line = json.loads(text)
            if "fired" in line:
                self.fired.append(line)
            elif "error" in line:
                self.problem = line["error"]
            if {"ready", "loaded", "error"} & line.keys():
                self._answers.release()
            self._told(line)

    def rules(self, phase, rules=(), watches=""):
        """From now on these, and no others."""
        self._ask({"phase": phase, "rules": list(rules), "watches": watches})

    def rotate(self, token, milliseconds):
        """Another certificate of another authority, and this token; the files follow so much later."""
        self._ask({"rotate": {"token": token, "ms": milliseconds}})

    def _ask(self, what):
        self._process.stdin.write(json.dumps(what) + "\n")
        assert self._answers.acquire(timeout=30), "faultproxy does not answer"
        assert not self.problem, self.problem

    def trace(self):
        """All that has passed so far."""
        with self._lock:
            self._read()
            return list(self._entries)

    def _read(self):
        with open(self._trace, encoding="utf-8") as file:
            file.seek(self._read_to)
            whole = file.read().rpartition("\n")[0]
        if not whole:
            return
        self._read_to += len(whole.encode()) + 1
        fresh = [json.loads(line) for line in whole.split("\n")]
        self._entries += fresh
        self._writes += [each for each in fresh if each["kind"] == "request" and each["verb"] not in WITHOUT_WRITES
                         and each["resource"] not in ASIDE]

    def writes(self):
        """What was to change something, by whomever it was answered; leases and events aside. Not to be changed."""
        with self._lock:
            self._read()
            return self._writes

    def close(self):
        self._process.kill()
        self._process.wait()


class Operator:
    """`command` has the words {kubeconfig}, {namespace}, {port} and {identity} in it. At the port it serves /readyz and /metrics;
    without a port it says `synced` on a line of its own once its caches are filled."""

    def __init__(self, command, environment, log, port, **values):
        self._values = {"port": port, **values}
        self.command = command
        self._environment, self.log = environment, log
        self._port = port if any("{port}" in word for word in command) else None
        self._process = None
        self._said_before = 0  # octets of the log, by earlier lives
        self.peak_kib = 0

    def start(self, log=None, **environment):
        self._said_before = self.log.stat().st_size if self.log.exists() else 0
        with open(log or self.log, "ab") as out:
            command = ["setpriv", "--pdeathsig", "KILL", *(word.format(**self._values) for word in self.command)]
            self._process = subprocess.Popen(command, env={**self._environment, **environment}, stdin=subprocess.DEVNULL,
                                             stdout=out, stderr=out)

    def wait_ready(self, seconds=60):
        def ready():
            self.must_run()
            if self._port:
                return probe.get(self._port, "/readyz") is not None
            return b"synced\n" in self.log.read_bytes()[self._said_before:]
        until("the operator is ready", ready, seconds, every=0.05)

    @property
    def ended(self):
        """Its exit status, or None while it runs."""
        return self._process.poll()

    def must_run(self):
        if self.ended is not None:
            raise RuntimeError(f"the operator has ended with {self.ended}")

    def limit(self, resource, soft):
        """As prlimit(1) names it; the hard limit stays."""
        if self.ended is None:
            subprocess.run(["prlimit", f"--pid={self._process.pid}", f"--{resource}={soft}:"], check=True)

    def address_space(self):
        """In octets, as it is."""
        with open(f"/proc/{self._process.pid}/statm", encoding="utf-8") as file:
            return int(file.read().split()[0]) * 4096

    def metrics(self):
        """As text; empty where it has none."""
        return self._port and probe.get(self._port, "/metrics") or ""

    def queued(self):
        """How much waits in its queues; 0 where it does not say."""
        return sum(float(value) for value in re.findall(r"^workqueue_depth\S* (\S+)$", self.metrics(), re.M))

    def _status_kib(self, what):
        try:
            with open(f"/proc/{self._process.pid}/status", encoding="utf-8") as file:
                found = re.search(rf"^{what}:\s+(\d+)", file.read(), re.M)
        except OSError:
            return 0
        return int(found[1]) if found else 0

    def measure(self):
        self.peak_kib = max(self.peak_kib, self._status_kib("VmHWM"))

    def rss_kib(self):
        return self._status_kib("VmRSS")

    def files(self):
        """How many it has open."""
        return len(os.listdir(f"/proc/{self._process.pid}/fd"))

    def signal(self, number):
        self._process.send_signal(number)

    def kill(self):
        self.measure()
        self._process.kill()
        self._process.wait(timeout=20)

    def stop(self):
        """SIGTERM; it must end by itself."""
        self.measure()
        self.signal(signal.SIGTERM)
        code = self._process.wait(timeout=20)
        assert code == 0, f"the operator ended with {code} at SIGTERM"

    def end(self):
        if self._process and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
