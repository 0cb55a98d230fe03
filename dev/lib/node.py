"""A node: a root file system of its own, with containerd, kubelet, kube-proxy and Multus in it."""

import json
import os
import shutil
import subprocess
import tarfile
import time
from pathlib import Path

from lib import builds, namespaces, processes
from lib.network import NODE_ADDRESS
from lib.progress import Failure

NAME = "node-1"  # also in node/kube-proxy.yaml
CONFIG = builds.DEV / "node"
INIT = "/node-init"

# What programs of the host expect in /etc to run at all.
ETC = ["alternatives", "group", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime", "machine-id", "os-release",
       "passwd", "protocols", "services"]
SECRETS = ["ca.crt", "kubelet-serving.crt", "kubelet-serving.key", "kubelet.kubeconfig", "kube-proxy.kubeconfig",
           "multus.kubeconfig"]


class Node:
    def __init__(self, state, cgroup, pki, start):
        """start(role, command, ...) starts a process of the cluster: see Cluster.start."""
        self.state, self.cgroup, self.pki, self.start = state, cgroup, pki, start
        self.root = state / "node" / "root"

    def create(self):
        """Makes the node's namespaces and root file system and starts containerd in them."""
        self._fill_root()
        binaries = {name: builds.path(name).parent for name in ("kubelet", "multus", "bridge")}
        self.start("node-init", ["/bin/sh", CONFIG / "root.sh", self.root, *binaries.values(), INIT, self.state],
                   new=namespaces.NEWNS | namespaces.NEWPID | namespaces.NEWUTS, name="node-init",
                   hostname=NAME)
        self._wait("node-init", lambda: self._init_command() == INIT)
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
        (etc / "hosts").write_text(f"127.0.0.1 localhost\n::1 localhost\n{NODE_ADDRESS} {NAME}\n")
        (etc / "hostname").write_text(f"{NAME}\n")
        (etc / "nsswitch.conf").write_text("passwd: files\ngroup: files\nhosts: files dns\n")
        (etc / "resolv.conf").write_text("")
        # Multus is given the folder of the pod network, not the file: that it re-encodes without the fields of the
        # single plugins, and then cannot tear down a sandbox whose set-up has failed ("no IP ranges specified").
        for name, target in (("containerd.toml", "containerd/config.toml"), ("kubelet.yaml", "kubernetes"),
                             ("kube-proxy.yaml", "kubernetes"), ("pods.conflist", "cni/pods.d"),
                             ("00-multus.conf", "cni/net.d")):
            shutil.copy(CONFIG / name, etc / target)
        # A folder that pods may add to; the kept binaries themselves stay read-only.
        for module in ("multus", "cni-plugins"):
            for name in next(each for each in builds.MODULES if each.name == module).packages:
                (self.root / "opt/cni/bin" / name).symlink_to(f"/opt/knfe/{module}/{name}")

    def run(self):
        """Starts the kubelet and kube-proxy; the API server answers, and containerd has the pause image."""
        for name in SECRETS:
            shutil.copy2(self.pki.file(name), self.root / "etc/kubernetes" / name)
        self._start("kubelet", "/opt/knfe/kubernetes/kubelet", "--config=/etc/kubernetes/kubelet.yaml",
                    "--kubeconfig=/etc/kubernetes/kubelet.kubeconfig", f"--node-ip={NODE_ADDRESS}",
                    f"--cgroup-root=/{self.cgroup}")
        self._start("kube-proxy", "/opt/knfe/kubernetes/kube-proxy", "--config=/etc/kubernetes/kube-proxy.yaml")

    def _start(self, role, *command):
        self.start(role, command, inside=self._init())

    def _init_command(self):
        init = processes.components(self.state).get("node-init")
        return init and init.command[0]

    def _init(self):
        init = processes.components(self.state).get("node-init")
        if not init:
            raise Failure(f"the cluster has no running node; its log: {self.state}/log/node-init.log")
        return init.pid

    def _wait(self, role, arrived, seconds=30):
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
        pid = self._init()
        return subprocess.run(["ctr", "--namespace", "k8s.io", *arguments], text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False, env=processes.environment(self.state),
                              preexec_fn=lambda: (namespaces.join(pid, "mnt"), os.chdir("/")), **options)

    def load(self, archive):
        """Imports an image archive; false when containerd has the same content under the same name already."""
        wanted = image_digests(archive)
        listing = self._ctr("images", "list")
        if listing.returncode:
            raise Failure(f"containerd of the node does not answer: {listing.stdout.strip()}")
        present = {(row.split()[0], row.split()[2]) for row in listing.stdout.splitlines()[1:] if len(row.split()) > 2}
        if wanted and wanted <= present:
            return False
        with open(archive, "rb") as content:
            result = self._ctr("images", "import", "-", stdin=content)
        if result.returncode:
            raise Failure(f"cannot import {archive}: {result.stdout.strip()}")
        return True


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
