"""A node: a root file system of its own, with containerd, kubelet, kube-proxy and Multus in it.

Node 1 shares the network namespace of the control plane; each further node has its own.
"""

import json
import os
import shutil
import socket
import subprocess
import tarfile
import time
from pathlib import Path

from lib import builds, cgroups, namespaces, network, processes
from lib.api import healthy
from lib.progress import Failure

CONFIG = builds.DEV / "node"
INIT = "/node-init"

# What programs of the host expect in /etc to run at all.
ETC = ["alternatives", "group", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime", "machine-id", "os-release",
       "passwd", "protocols", "services"]
PROGRAMS = ["containerd", "kubelet", "kube-proxy"]


class Node:
    def __init__(self, number, state, cgroup, pki, start):
        """start(role, command, ...) starts a process of the cluster: see Cluster.start."""
        self.number, self.state, self.pki, self.start = number, state, pki, start
        self.name = f"node-{number}"
        self.address = network.node_address(number)
        self.folder = state / self.name
        self.root = self.folder / "root"
        self.cgroup = cgroup if number == 1 else f"{cgroup}-{number}"

    def role(self, program):
        """What a program of this node is called among the cluster's components."""
        return program if self.number == 1 else f"{program}@{self.name}"

    @property
    def roles(self):
        return [self.role(program) for program in ("node-init", *PROGRAMS)]

    def create(self):
        """Makes the node's namespaces and root file system and starts containerd in them; the caller is in the control plane's
        network namespace."""
        self.folder.mkdir()
        cgroups.create(self.cgroup)
        self._fill_root()
        binaries = {name: builds.path(name).parent for name in ("kubelet", "multus", "bridge")}
        new = namespaces.NEWNS | namespaces.NEWPID | namespaces.NEWUTS
        self.start(self.role("node-init"), ["/bin/sh", CONFIG / "root.sh", self.root, *binaries.values(), INIT, self.state],
                   new=new if self.number == 1 else new | namespaces.NEWNET, name="node-init", hostname=self.name)
        self._wait("node-init", lambda: self._init_command() == INIT)
        if self.number > 1:
            network.add_node(self.number, self.init())
        self._start("containerd", "/usr/bin/containerd")
        self._wait("containerd", lambda: self._ctr("version").returncode == 0)

    def _fill_root(self):
        for folder in ("etc/cni/net.d", "etc/cni/pods.d", "etc/containerd", "etc/kubernetes", "opt/cni/bin",
                       "var/lib/cni", "var/lib/containerd", "var/lib/kubelet", "var/log/containers", "var/log/pods"):
            (self.root / folder).mkdir(parents=True)
        shutil.copy2(builds.path(builds.PAUSE), self.root / INIT[1:])
        etc = self.root / "etc"
        for name in ETC:
            source = Path("/etc", name)
            if source.is_dir():
                shutil.copytree(source, etc / name, symlinks=True)
            elif source.exists():
                shutil.copy2(source, etc / name, follow_symlinks=False)
        (etc / "hosts").write_text(f"127.0.0.1 localhost\n::1 localhost\n{self.address} {self.name}\n")
        (etc / "hostname").write_text(f"{self.name}\n")
        (etc / "nsswitch.conf").write_text("passwd: files\ngroup: files\nhosts: files dns\n")
        (etc / "resolv.conf").write_text("")
        # Multus is given the folder of the pod network, not the file: that it re-encodes without the fields of the
        # single plugins, and then cannot tear down a sandbox whose set-up has failed ("no IP ranges specified").
        for name, target in (("containerd.toml", "containerd/config.toml"), ("kubelet.yaml", "kubernetes"),
                             ("kube-proxy.yaml", "kubernetes"), ("00-multus.conf", "cni/net.d")):
            shutil.copy(CONFIG / name, etc / target)
        pods = (CONFIG / "pods.conflist").read_text().replace("POD_SUBNET", network.pod_subnet(self.number))
        (etc / "cni/pods.d/pods.conflist").write_text(pods)
        # A folder that pods may add to; the kept binaries themselves stay read-only.
        for module in ("multus", "cni-plugins"):
            for name in next(each for each in builds.MODULES if each.name == module).packages:
                (self.root / "opt/cni/bin" / name).symlink_to(f"/opt/knfe/{module}/{name}")

    def run(self, numbers):
        """Starts the kubelet and kube-proxy of one node of `numbers`; the API server answers, and containerd has the pause image."""
        namespaces.run_inside(self.init(), "net", lambda: network.route_pods(self.number, numbers))
        secrets = {"ca.crt": "ca.crt", "kubelet-serving.crt": f"{self.name}-serving.crt", "kubelet-serving.key": f"{self.name}-serving.key",
                   "kubelet.kubeconfig": f"{self.name}.kubeconfig", "kube-proxy.kubeconfig": "kube-proxy.kubeconfig",
                   "multus.kubeconfig": "multus.kubeconfig"}
        for name, source in secrets.items():
            shutil.copy2(self.pki.file(source), self.root / "etc/kubernetes" / name)
        self._start("kubelet", "/opt/knfe/kubernetes/kubelet", "--config=/etc/kubernetes/kubelet.yaml",
                    "--kubeconfig=/etc/kubernetes/kubelet.kubeconfig", f"--node-ip={self.address}",
                    f"--cgroup-root=/{self.cgroup}")
        self._start("kube-proxy", "/opt/knfe/kubernetes/kube-proxy", "--config=/etc/kubernetes/kube-proxy.yaml",
                    f"--hostname-override={self.name}")

    def ready(self, program):
        """Whether the kubelet or kube-proxy says so, and the latter leads to the API server."""
        def inside():
            return healthy(program) and (program != "kube-proxy" or _service_reachable())
        return namespaces.run_inside(self.init(), "net", inside)

    def _start(self, program, *command):
        self.start(self.role(program), command, inside=self.init())

    def _init_command(self):
        init = processes.components(self.state).get(self.role("node-init"))
        return init and init.command[0]

    def init(self):
        init = processes.components(self.state).get(self.role("node-init"))
        if not init:
            raise Failure(f"{self.name} does not run; its log: {self.state}/log/{self.role('node-init')}.log")
        return init.pid

    def _wait(self, program, arrived, seconds=30):
        role = self.role(program)
        deadline = time.monotonic() + seconds
        while True:
            if not processes.is_starting(self.state, role):
                raise ComponentFailed(self.state, role, "ended")
            if arrived():
                return
            if time.monotonic() > deadline:
                raise ComponentFailed(self.state, role, f"is not ready after {seconds} s")
            time.sleep(0.05)

    def _ctr(self, *arguments, **options):
        pid = self.init()
        return subprocess.run(["ctr", "--namespace", "k8s.io", *arguments], text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False, env=processes.environment(self.state),
                              preexec_fn=lambda: (namespaces.join(pid, "mnt"), os.chdir("/")), **options)

    def load(self, archive):
        """Imports an image archive; false when containerd has the same content under the same name already."""
        wanted = image_digests(archive)
        listing = self._ctr("images", "list")
        if listing.returncode:
            raise Failure(f"containerd of {self.name} does not answer: {listing.stdout.strip()}")
        present = {(row.split()[0], row.split()[2]) for row in listing.stdout.splitlines()[1:] if len(row.split()) > 2}
        if wanted and wanted <= present:
            return False
        with open(archive, "rb") as content:
            result = self._ctr("images", "import", "-", stdin=content)
        if result.returncode:
            raise Failure(f"cannot import {archive}: {result.stdout.strip()}")
        return True


def _service_reachable():
    try:
        socket.create_connection((network.SERVICE_ADDRESS, 443), timeout=1).close()
        return True
    except OSError:
        return False


class ComponentFailed(Failure):
    """A component that ended or does not get ready, with the end of its log."""

    def __init__(self, state, role, what):
        log = state / "log" / f"{role}.log"
        try:
            last = "\n".join(line[:300] for line in log.read_text(errors="replace").splitlines()[-10:])
        except OSError:
            last = "(no log)"
        super().__init__(f"{role} {what}; its log {log} ends with\n{last}")


def image_digests(archive):
    """The (name, digest) pairs that an OCI archive says it brings; empty for another kind of archive."""
    try:
        with tarfile.open(archive) as content:
            index = json.load(content.extractfile("index.json"))
    except KeyError:
        return set()
    except (OSError, tarfile.TarError, ValueError) as error:
        raise Failure(f"{archive} is no image archive: {error}") from error
    pairs = {(each.get("annotations", {}).get("io.containerd.image.name"), each.get("digest"))
             for each in index.get("manifests", [])}
    return set() if any(name is None for name, _ in pairs) else pairs
