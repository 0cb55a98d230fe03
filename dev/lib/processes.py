"""Which processes belong to a cluster: asked of the kernel each time, never kept in PID files.

Everything that a cluster starts on purpose carries the cluster's state folder in its environment, which its children
inherit. What containers start lives in the PID namespace of the cluster's init and dies with it.
"""

import os
import select
import signal
import time
from dataclasses import dataclass
from pathlib import Path

MARK = "KNFE_CLUSTER_STATE"
ROLE = "KNFE_CLUSTER_ROLE"


@dataclass(frozen=True)
class Process:
    pid: int
    role: str  # of the component that it is or that started it; "" for what came by `exec`
    command: tuple

    @property
    def is_component(self):
        """Whether it is the component itself and not a child, such as a shim of containerd. A role is a program's name, or such a
        name@node."""
        return bool(self.role) and bool(self.command) and Path(self.command[0]).name == self.role.partition("@")[0]

    @property
    def rss_mib(self):
        try:
            for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
                if line.startswith("VmRSS:"):
                    return int(line.split()[1]) / 1024
        except OSError:
            pass
        return 0.0

    @property
    def age_seconds(self):
        try:
            ticks = int(_stat(self.pid)[19])
        except OSError:
            return 0.0
        return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")


def environment(state, role=""):
    """What a component starts with; nothing of the user's, so that no proxy setting gets in. Small heaps are not to be swept all the
    time: processors are what is scarce here."""
    return {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C.UTF-8",
            "GOGC": "400", MARK: str(state), ROLE: role}


def of_cluster(state):
    """The living processes that carry the mark of this state folder."""
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            try:
                variables = _environment(entry.name)
                # A zombie has no environment, but a process may become one right here.
                if variables.get(MARK) == str(state) and _stat(entry.name)[0] not in "ZX":
                    command = Path(entry.path, "cmdline").read_bytes().rstrip(b"\0").split(b"\0")
                    yield Process(int(entry.name), variables.get(ROLE, ""), tuple(map(os.fsdecode, command)))
            except OSError:
                continue


def components(state):
    """The running components by role."""
    return {process.role: process for process in of_cluster(state) if process.is_component}


def is_starting(state, role):
    """Whether something of this role is there that may not be the component yet: a shell on its way to becoming it."""
    return any(process.role == role for process in of_cluster(state))


def _environment(pid):
    for _ in range(20):
        block = os.fsdecode(Path(f"/proc/{pid}/environ").read_bytes())
        if block:
            break
        # Empty for a moment in the middle of an exec; what has no program (OSError) is a zombie or a kernel thread.
        os.readlink(f"/proc/{pid}/exe")
        time.sleep(0.001)
    return dict(part.split("=", 1) for part in block.split("\0") if "=" in part)


def _stat(pid):
    """The fields of /proc/PID/stat after the command name, which may itself hold blanks and brackets."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def ancestors():
    """The PIDs of this process and all above it."""
    found, pid = set(), os.getpid()
    while pid:
        found.add(pid)
        pid = int(_stat(pid)[1])
    return found


def kill(state, chosen, seconds=20):
    """Kills the processes of the cluster for which chosen(process) holds; returns how many outlived `seconds`.

    Each is held by a handle and looked at again before the signal, so that a reused PID is never hit. The end of a
    PID 1 is seen only after the last process of its namespace has ended.
    """
    handles = []
    try:
        for process in list(of_cluster(state)):
            if not chosen(process):
                continue
            try:
                handle = os.pidfd_open(process.pid)
                handles.append(handle)
                if _environment(process.pid).get(MARK) == str(state):
                    signal.pidfd_send_signal(handle, signal.SIGKILL)
            except (ProcessLookupError, FileNotFoundError):
                continue
        deadline = time.monotonic() + seconds
        return sum(not select.select([each], [], [], max(0, deadline - time.monotonic()))[0] for each in handles)
    finally:
        for handle in handles:
            os.close(handle)
