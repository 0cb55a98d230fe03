"""A contestant as a process: started, waited for, measured from outside, ended."""

import os
import re
import select
import signal
import subprocess
import time
from pathlib import Path

from lib.progress import Misuse


class Contestant:
    def __init__(self, name, binary, settings=None):
        self.name, self.binary, self.settings = name, binary, settings or {}
        self.process = None
        self.log = None

    def start(self, rig, namespace, processor=None):
        """Returns once its program runs; `synced_after` then waits for its word."""
        self.log = rig.state / "log" / f"{self.name}.log"
        # Settings of the user's that would change a runtime must not get in; the mark lets `down` find what is left.
        environment = {key: value for key, value in rig.cluster.environment().items()
                       if not re.fullmatch(r"GO\w+|KUBE_FEATURE_\w+|MALLOC_\w+|KUBECONFIG", key)} | self.settings
        # It ends with this process, however that ends.
        command = ["setpriv", "--pdeathsig", "KILL"]
        if processor is not None:
            command += ["taskset", "--cpu-list", str(processor)]
        kubeconfig = rig.kubeconfig(namespace)
        with open(self.log, "ab") as log:
            self.started = time.monotonic()
            self.process = subprocess.Popen(
                [*command, self.binary, "--kubeconfig", str(kubeconfig), "--namespace", namespace],
                env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log)
        self.output = b""
        return self

    def synced_after(self, seconds=120):
        """Seconds from its start to the line `synced`."""
        deadline = self.started + seconds
        while b"synced\n" not in self.output:
            left = deadline - time.monotonic()
            readable = left > 0 and select.select([self.process.stdout], [], [], left)[0]
            piece = os.read(self.process.stdout.fileno(), 4096) if readable else b""
            if not piece:
                raise AssertionError(f"{self.name} did not say that it is synced; see {self.log}")
            self.output += piece
        return time.monotonic() - self.started

    @property
    def runs(self):
        return self.process is not None and self.process.poll() is None

    def memory(self):
        """Of now, in MiB: peak, rss, pss."""
        folder = Path("/proc", str(self.process.pid))
        status, rollup = (folder / "status").read_text(), (folder / "smaps_rollup").read_text()

        def value(name, text):
            return int(re.search(rf"^{name}:\s+(\d+) kB", text, re.M)[1]) / 1024
        return {"peak": value("VmHWM", status), "rss": value("VmRSS", status), "pss": value("Pss", rollup)}

    def cpu(self):
        """Seconds of processor time so far. The kernel tells it finely of threads that live, and to 10 ms of all."""
        folder = Path(f"/proc/{self.process.pid}")
        fields = (folder / "stat").read_text().rpartition(")")[2].split()
        coarse, fine = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"), 0
        for task in (folder / "task").iterdir():
            try:
                fine += int((task / "schedstat").read_text().split()[0])
            except OSError:
                continue  # the thread has ended
        return max(fine / 1e9, coarse - 0.01)

    def stop(self, seconds=30):
        """SIGTERM; it must end by itself, with exit status 0. Returns the processor time of its whole life."""
        self.process.send_signal(signal.SIGTERM)
        return self._reap(seconds)

    def _reap(self, seconds):
        handle = os.pidfd_open(self.process.pid)
        try:
            if not select.select([handle], [], [], seconds)[0]:
                self.process.kill()
                self.process.wait()
                raise AssertionError(f"{self.name} did not end within {seconds} s of SIGTERM")
        finally:
            os.close(handle)
        _, status, usage = os.wait4(self.process.pid, 0)
        self.process.returncode = os.waitstatus_to_exitcode(status)
        self.output += self.process.stdout.read()
        self.process.stdout.close()
        if self.process.returncode != 0:
            raise AssertionError(f"{self.name} ended with {self.process.returncode} at SIGTERM; see {self.log}")
        return usage.ru_utime + usage.ru_stime

    def kill(self):
        """For the way out after a failure."""
        if self.runs:
            self.process.kill()
            self.process.wait()
        if self.process and self.process.stdout:
            self.process.stdout.close()


def contestants(words):
    """From words NAME=PATH."""
    out = []
    for word in words:
        name, equals, path = word.partition("=")
        if not equals or not re.fullmatch(r"[a-z0-9][a-z0-9-]*", name):
            raise Misuse(f"{word}: name a contestant as NAME=PATH, such as g1=build/bench/g1")
        if not os.access(path, os.X_OK) or os.path.isdir(path):
            raise Misuse(f"{path} is no program; build it (the Go ones: bench/peers/go/build)")
        out.append(Contestant(name, os.path.abspath(path)))
    if len({each.name for each in out}) != len(out):
        raise Misuse("two contestants have the same name")
    return out


def observe(seconds):
    """Lets time pass in which something is to happen to nobody: an interval of measurement, not a way to wait."""
    select.select([], [], [], seconds)
