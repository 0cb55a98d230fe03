"""What test_cluster drives a cluster with, and how it sees what a cluster leaves behind."""

import os
import shutil
import subprocess
import time
from pathlib import Path

from lib import builds, processes
from lib.builds import DEV
from lib.cluster import Cluster
from lib.progress import Failure

IMAGE = "knfe.io/probe:dev"


class Rig:
    """One cluster under test, driven through the command line only."""

    def __init__(self, name, folder):
        self.environment = dict(os.environ, KNFE_CLUSTER=name, KNFE_CLUSTER_DIR=str(folder))
        os.environ["KNFE_CLUSTER_DIR"] = str(folder)
        self.cluster = Cluster(name)

    def run(self, *arguments, text=None, status=0):
        """Output of dev/cluster with these arguments; fails unless the exit status is `status` (None: any)."""
        result = subprocess.run([DEV / "cluster", *arguments], input=text, text=True, env=self.environment, check=False,
                                stdin=None if text is not None else subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if status is not None and result.returncode != status:
            raise Failure(f"dev/cluster {' '.join(arguments)}: exit status {result.returncode}\n{result.stdout}")
        return result.stdout

    def kubectl(self, *arguments, text=None):
        return self.run("kubectl", *arguments, text=text)

    def start(self, *arguments):
        return subprocess.Popen([DEV / "cluster", *arguments], env=self.environment, stdin=subprocess.DEVNULL,
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


class Traces:
    """What a cluster could leave on the host."""

    def __init__(self, rig):
        self.state, self.cgroup = rig.cluster.state, rig.cluster.cgroup
        self.networks = {}  # network namespace -> open handle, so that the kernel does not give its number to another

    def learn(self):
        """Notes the network namespaces that the cluster has made."""
        own = os.readlink("/proc/self/ns/net")
        for process in processes.of_cluster(self.state):
            try:
                handle = os.open(f"/proc/{process.pid}/ns/net", os.O_RDONLY)
            except OSError:
                continue
            name = os.readlink(f"/proc/self/fd/{handle}")
            if name == own or name in self.networks:
                os.close(handle)
            else:
                self.networks[name] = handle

    def found(self):
        text = str(self.state)
        for process in processes.of_cluster(self.state):
            yield f"process {process.pid} {process.command}"
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                if text in (entry / "mountinfo").read_text():
                    yield f"mount seen by process {entry.name}"
                if os.readlink(entry / "ns/net") in self.networks:
                    yield f"network namespace held by process {entry.name} {(entry / 'comm').read_text().strip()}"
            except OSError:
                continue
        for folder, folders, _ in os.walk("/sys/fs/cgroup"):
            yield from (f"cgroup {folder}/{name}" for name in folders if name == self.cgroup or name.startswith(f"{self.cgroup}-"))
        for link in os.listdir("/sys/class/net"):
            if link in ("node0", "wire1", "fabric0", "pods0", "core0", "lan0"):
                yield f"link {link}"
        if self.state.exists():
            yield f"state {self.state}"

    def must_be_none(self):
        left = list(self.found())
        while self.networks:
            os.close(self.networks.popitem()[1])
        if left:
            raise Failure("left behind: " + "; ".join(left))


def eventually(what, holds, seconds=30):
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise Failure(f"not within {seconds} s: {what}")
        time.sleep(0.1)


def probe_image(scratch):
    """An image with busybox, from Debian's package, and kubectl."""
    kept = builds.CACHE / "probe-image" / "busybox"
    if not kept.exists():
        folder = scratch / "package"
        folder.mkdir()
        subprocess.run(["apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", "busybox-static"], cwd=folder,
                       check=True, stdout=subprocess.DEVNULL)
        subprocess.run(["dpkg-deb", "-x", *folder.glob("*.deb"), folder / "x"], check=True)
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(folder / "x/bin/busybox", scratch / "busybox")
        shutil.copy2(scratch / "busybox", kept)
    root = scratch / "root"
    (root / "bin").mkdir(parents=True)
    shutil.copy2(kept, root / "bin/busybox")
    shutil.copy2(builds.path("kubectl"), root / "bin/kubectl")
    for applet in ("sh", "cat", "echo", "httpd", "ip", "mkdir", "nc", "ping", "ping6", "printf", "sleep"):
        (root / "bin" / applet).symlink_to("busybox")
    outputs = [scratch / "probe.tar", scratch / "again.tar"]
    for output in outputs:
        subprocess.run([DEV / "oci", "--root", root, "--name", IMAGE, "--out", output, "--env", "PATH=/bin"],
                       check=True, stdout=subprocess.DEVNULL)
    if outputs[0].read_bytes() != outputs[1].read_bytes():
        raise Failure("dev/oci wrote two different archives of one folder")
    return outputs[0]
