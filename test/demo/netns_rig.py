"""Pods without Kubernetes: a network namespace, a read-only root out of an image archive, volumes, one process.

To be used by a process that has mount, network and process namespaces of its own; nothing here cleans up.
"""
import json
import os
import re
import shutil
import signal
import subprocess
import tarfile
import time
from pathlib import Path

HOME = Path("/run/rig")
USER = 1000


def command(*words, **options):
    return subprocess.run([str(word) for word in words], check=True, text=True, **options)


def ip(*lines):
    command("ip", "-batch", "-", input="\n".join(lines) + "\n")


def unpack(archive, root):
    """-> the entry point of the image; its layers go into root"""
    with tarfile.open(archive) as outer:
        def blob(descriptor):
            return outer.extractfile("blobs/" + descriptor["digest"].replace(":", "/"))
        manifest = json.load(blob(json.load(outer.extractfile("index.json"))["manifests"][0]))
        for layer in manifest["layers"]:
            with tarfile.open(fileobj=blob(layer), mode="r|*") as inner:
                inner.extractall(root)
        return json.load(blob(manifest["config"]))["config"]["Entrypoint"]


class Rig:
    """One bridge for each network; images unpacked once."""

    def __init__(self, images, networks):
        # Names of network namespaces live in /run/netns: on a /run of our own nobody else sees them.
        command("mount", "-t", "tmpfs", "-o", "mode=0755", "rig", "/run")
        HOME.mkdir()
        self.images, self.networks, self.entrypoints, self.pods = images, networks, {}, []
        ip("link set lo up")
        for network in networks:
            ip(f"link add br-{network} type bridge", f"link set br-{network} up")

    def root(self, image):
        root = HOME / "images" / image
        if image not in self.entrypoints:
            root.mkdir(parents=True)
            self.entrypoints[image] = unpack(self.images / f"{image}.tar", root)
        return root

    def keep_logs(self, into):
        for pod in self.pods:
            shutil.copy(pod.log, into / f"{pod.name}.log")


class Pod:
    def __init__(self, rig, name, image, environment, addresses, volumes):
        self.rig, self.name, self.image, self.process = rig, name, image, None
        self.home = HOME / "pods" / f"{name}.{len(rig.pods)}"
        self.log = self.home / "log"
        self.root = self.home / "root"
        self.root.mkdir(parents=True)
        self.environment = [f"{key}={value}" for key, value in environment.items()]
        self.environment.append("PATH=/usr/sbin:/usr/bin:/sbin:/bin")
        self.mount(rig.root(image), volumes)
        self.attach(addresses)
        rig.pods.append(self)

    def volume(self, name):
        return self.home / "volumes" / name

    def mount(self, image_root, volumes):
        for name in volumes:
            (image_root / "run" / name).mkdir(exist_ok=True)
            self.volume(name).mkdir(parents=True)
            # As the kubelet makes an emptyDir.
            self.volume(name).chmod(0o777)
        command("mount", "--bind", image_root, self.root)
        command("mount", "-o", "remount,bind,ro", self.root)
        command("mount", "--bind", "/dev", self.root / "dev")
        for name in volumes:
            command("mount", "--bind", self.volume(name), self.root / "run" / name)

    def attach(self, addresses):
        command("ip", "netns", "add", self.netns)
        command("ip", "-n", self.netns, "link", "set", "lo", "up")
        for network, list_ in addresses.items():
            peer = f"{network[0]}{len(self.rig.pods)}"
            ip(f"link add {peer} type veth peer name {network} netns {self.netns}",
               f"link set {peer} master br-{network} up")
            for address in list_:
                length = 64 if ":" in address else 24
                command("ip", "-n", self.netns, "address", "add", f"{address}/{length}", "dev", network)
            command("ip", "-n", self.netns, "link", "set", network, "up")

    @property
    def netns(self):
        return self.home.name

    def inside(self, *words, enter=()):
        """The command line that runs words with the pod's network, root and user, and no way to gain rights."""
        return ["nsenter", f"--net=/run/netns/{self.netns}", *enter, "env", "-i", *self.environment,
                "setpriv", "--no-new-privs", "chroot", f"--userspec={USER}:{USER}", "--groups=", self.root, *words]

    def start(self):
        words = self.inside(*self.rig.entrypoints[self.image])
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(["unshare", "--pid", "--fork", "--kill-child", *words],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def first_process(self):
        """-> the container's process 1, as seen from here"""
        pid = self.process.pid
        while self.process.poll() is None:
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
            if children:
                return int(children[0])
            time.sleep(0.01)
        raise AssertionError(f"{self.name} is not running")

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def kill(self):
        os.kill(self.first_process(), signal.SIGKILL)
        self.process.wait()

    def stop(self):
        """-> the seconds it took to end after SIGTERM"""
        begin = time.monotonic()
        os.kill(self.first_process(), signal.SIGTERM)
        self.process.wait(timeout=30)
        return time.monotonic() - begin

    def remove(self):
        """Takes the pod off its networks: its address may be somebody else's from now on."""
        command("ip", "netns", "delete", self.netns)

    def run(self, *words, enter=(), timeout=120):
        return subprocess.run(self.inside(*words, enter=enter), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=timeout)

    def execute(self, *words, timeout=120):
        """As kubectl exec: among the processes of the container."""
        return self.run(*words, enter=(f"--pid=/proc/{self.first_process()}/ns/pid",), timeout=timeout)

    def hook(self, name, *words):
        """-> exit status. A hook runs beside the container: same image, network and volumes, other processes."""
        done = self.run(f"/opt/ims/{name}", *words)
        with open(self.log, "a") as log:
            log.write(f"hook {name}: {done.returncode} {done.stdout}{done.stderr}\n")
        return done.returncode

    def memory_mib(self):
        if not self.alive():
            return 0
        first = self.first_process()
        pids = [first] + [int(pid) for pid in Path(f"/proc/{first}/task/{first}/children").read_text().split()]
        texts = (Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in pids)
        return round(sum(int(re.search(r"^Pss: +(\d+)", text, re.M)[1]) for text in texts) / 1024, 1)
