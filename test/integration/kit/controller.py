"""`knfe controller` as a process of the machine, with the rights of KNFE's ServiceAccount."""

import contextlib
import os
import re
import signal
import subprocess
from pathlib import Path

from kit import probe
from kit.wait import until

PORT = 18080
READS = {"get", "list", "watch"}


class Controller:
    """It holds the lease under one identity, as a restarted container of one pod does: so it goes on at once."""

    def __init__(self, binary, rig):
        # It ends with this process, however that ends.
        self._command = ["setpriv", "--pdeathsig", "KILL", str(binary), "controller", f"--kubeconfig={rig.kubeconfig()}", "--lease=knfe-system/knfe",
                         "--identity=itest", "--profiling", f"--listen=127.0.0.1:{PORT}"]
        self.binary = str(binary)
        self._environment = rig.cluster.environment()  # carries the mark by which `down` finds what is left over
        self.log = rig.state / "log" / "knfe.log"
        self._process = None

    def start(self, **environment):
        with open(self.log, "ab") as log:
            self._process = subprocess.Popen(self._command, env={**self._environment, **environment}, stdin=subprocess.DEVNULL,
                                             stdout=log, stderr=log)
        until("knfe is ready", self._ready)
        self._must_run()

    def run(self, *arguments, **environment):
        """Exit code and output of another command of the same binary."""
        done = subprocess.run([self.binary, *arguments], env={**self._environment, **environment}, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        return done.returncode, done.stdout

    def _ready(self):
        self._must_run()
        return probe.get(PORT, "/readyz") is not None

    def _must_run(self):
        if self._process.poll() is not None:
            raise RuntimeError(f"knfe ended with {self._process.returncode}; see {self.log}")

    def metrics(self):
        """Value by metric line, such as 'workqueue_depth{name="knfe"}'."""
        text = probe.get(PORT, "/metrics")
        assert text, "no metrics"
        return {name: float(value) for name, value in re.findall(r"^([^#\s].*) (\S+)$", text, re.M)}

    def calls(self, resource=None):
        """Requests so far that were to change something, leases aside."""
        total = 0
        for line, value in self.metrics().items():
            found = re.fullmatch(r'knfe_api_requests_total\{verb="(\w+)",resource="([\w/]+)",code="\d+"\}', line)
            if found and found[1] not in READS and found[2] != "leases" and resource in (None, found[2]):
                total += int(value)
        return total

    def connections(self):
        """How many it has opened to the API server and holds."""
        process = Path("/proc") / str(self._process.pid)
        own = set()
        for each in (process / "fd").iterdir():
            with contextlib.suppress(FileNotFoundError):  # closed meanwhile
                own.add(os.readlink(each))
        established = [line.split() for line in (process / "net/tcp").read_text().splitlines()[1:]]
        return sum(1 for line in established if line[3] == "01" and f"socket:[{line[9]}]" in own and int(line[1].split(":")[1], 16) != PORT)

    def stop(self):
        """SIGTERM; it must end by itself, and well."""
        self._process.send_signal(signal.SIGTERM)
        code = self._process.wait(timeout=20)
        assert code == 0, f"knfe ended with {code} at SIGTERM; see {self.log}"

    def kill(self):
        os.kill(self._process.pid, signal.SIGKILL)
        self._process.wait(timeout=20)

    @property
    def runs(self):
        return self._process is not None and self._process.poll() is None
