"""KubeVirt, unmodified, from its Go module and Debian's QEMU and libvirt: its images, and the way into a cluster.

The images are kept in the user's cache under a key of everything that is ours to choose; of Debian's packages they have whatever
version there was when they were made.
"""

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from lib import builds, namespaces
from lib.progress import Failure, Progress

HERE = builds.DEV / "kubevirt"
VERSION = "v1.7.0"
REPOSITORY = "knfe.io/kubevirt"
# Image -> its one program.
SERVERS = ("virt-operator", "virt-api", "virt-controller")
IN_LAUNCHER = ("virt-launcher", "virt-launcher-monitor", "virt-handler", "virt-chroot", "virt-tail", "virt-probe", "virt-freezer")
LAUNCHER = "virt-launcher"  # one image for this and virt-handler
PROGRAMS = [*SERVERS, *IN_LAUNCHER, "virtctl", "resource-generator"]
PACKAGES = ["libvirt-dev", "pkg-config"]  # to link with
QEMU = 107  # user and group that KubeVirt counts on


def _words(name):
    return [word for line in (HERE / name).read_text().splitlines() if not line.startswith("#") for word in line.split()]


def _folder():
    digest = hashlib.sha256(str(builds.KUBEVIRT.directory).encode())
    for file in [*sorted(each for each in HERE.rglob("*") if each.is_file()), builds.DEV / "oci", Path(__file__)]:
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return builds.CACHE / f"kubevirt-images-{digest.hexdigest()[:16]}"


def archives():
    """The images, made if they are not there."""
    folder = _folder()
    out = [folder / f"{name}.tar" for name in (*SERVERS, LAUNCHER)]
    if all(each.exists() for each in out):
        return out
    lacking = [name for name in PACKAGES if subprocess.run(["dpkg-query", "-W", name], capture_output=True, check=False).returncode]
    if lacking:
        raise Failure(f"missing {', '.join(lacking)}; install with: dev/install-packages kubevirt")
    builds.build(PROGRAMS)
    folder.mkdir(parents=True, exist_ok=True)
    for archive in out:
        if archive.exists():
            continue
        with Progress(f"building the image {archive.stem}") as progress, tempfile.TemporaryDirectory(dir=folder, prefix=".") as scratch:
            root = Path(scratch) / "root"
            (root / "usr/bin").mkdir(parents=True)
            if archive.stem == LAUNCHER:
                _fill_launcher(root, Path(scratch), progress)
                options = ["--name", _name("virt-handler"), "--entrypoint", "/usr/bin/virt-launcher-monitor",
                           "--low-ports", "usr/bin/virt-launcher-monitor"]
            else:
                shutil.copy2(builds.path(archive.stem), root / "usr/bin")
                options = ["--entrypoint", f"/usr/bin/{archive.stem}", "--user", "1001"]
            progress.detail = "packing"
            partial = Path(scratch) / archive.name
            builds.run([builds.DEV / "oci", "--root", root, "--name", _name(archive.stem), "--out", partial, "--env",
                        "PATH=/usr/sbin:/usr/bin", *options])
            partial.rename(archive)
    return out


def _name(program):
    return f"{REPOSITORY}/{program}:{VERSION}"


def _fill_launcher(root, scratch, progress):
    for name in ("bin", "sbin", "lib", "lib64"):
        (root / "usr" / name).mkdir(exist_ok=True)
        (root / name).symlink_to(f"usr/{name}")
    progress.detail = "Debian packages"
    for package in _debian_packages(scratch):
        with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", package], stdout=subprocess.PIPE) as content:
            builds.run(["tar", "-x", "--keep-directory-symlink", "--no-same-owner", "-C", root, "-f", "-"], stdin=content.stdout)
        if content.returncode:
            raise Failure(f"dpkg-deb cannot read {package}")
    for pattern in _words("trimmed"):
        for found in root.glob(pattern):
            shutil.rmtree(found) if found.is_dir() and not found.is_symlink() else found.unlink()
    for found in root.glob("usr/lib/x86_64-linux-gnu/libvirt/connection-driver/*.so"):
        if found.name != "libvirt_driver_qemu.so":
            found.unlink()
    home = root / "usr/lib/kubevirt"
    home.mkdir()
    (root / "usr/sbin/libvirtd").rename(home / "virtqemud")
    shutil.rmtree(root / "var/run", ignore_errors=True)
    for name in ("run", "tmp", "var/lib/libvirt", "var/cache/libvirt", "usr/lib64/qemu-kvm", "etc/libvirt/hooks"):
        (root / name).mkdir(parents=True, exist_ok=True)
    (root / "tmp").chmod(0o1777)
    (root / "var/run").symlink_to("/run")
    shutil.copytree(HERE / "image", root, dirs_exist_ok=True)
    for program in IN_LAUNCHER:
        shutil.copy2(builds.path(program), root / "usr/bin")
    builds.run(["gcc", "-static", "-O2", "-s", "-Wall", "-Wextra", "-Werror", "-o", root / "usr/bin/container-disk",
                HERE / "container-disk.c"])
    # Debian's driver looks its own user's name up, whatever the configuration says.
    people = {"root": 0, "qemu": QEMU, "libvirt-qemu": QEMU}
    (root / "etc/passwd").write_text("".join(f"{name}:x:{number}:{number}::/:/bin/bash\n" for name, number in people.items()))
    (root / "etc/group").write_text("".join(f"{name}:x:{number}:\n" for name, number in people.items()))
    (root / "etc/nsswitch.conf").write_text("passwd: files\ngroup: files\nhosts: files dns\n")
    if not (root / "usr/bin/sh").exists():
        (root / "usr/bin/sh").symlink_to("bash")
    builds.run(["ldconfig", "-r", root])
    for found in root.rglob("*"):  # devices and sockets that packages bring are none of an image's
        if not found.is_symlink() and not found.is_file() and not found.is_dir():
            found.unlink()


def _debian_packages(scratch):
    """With all that they depend on, whatever the host has installed."""
    folder = scratch / "packages"
    (folder / "partial").mkdir(parents=True)
    status = scratch / "status"
    status.touch()
    builds.run(["apt-get", "-q", "-y", "--no-install-recommends", "--download-only", "-o", f"Dir::State::status={status}",
                "-o", f"Dir::Cache::archives={folder}", "-o", "APT::Sandbox::User=root", "-o", "Debug::NoLocking=true",
                "install", *_words("packages")], env=dict(os.environ, DEBIAN_FRONTEND="noninteractive"))
    return sorted(folder.glob("*.deb"))


def install(cluster, seconds=600):
    """Into a cluster of nodes that is up; done when it is Deployed. Does nothing where it is."""
    images = archives()
    with Progress("installing KubeVirt") as progress:
        for image in images:
            progress.detail = image.stem
            for node in cluster.nodes:
                node.load(image)
        progress.detail = "manifests"
        _kubectl(cluster, "label", "node", cluster.nodes[0].name, "node-role.kubernetes.io/control-plane=", "--overwrite")
        _kubectl(cluster, "apply", "-f", "-", text=json.dumps({
            "apiVersion": "v1", "kind": "Namespace",
            "metadata": {"name": "kubevirt", "labels": {"kubevirt.io": "", "pod-security.kubernetes.io/enforce": "privileged"}}}))
        for kind in ("kv", "priorityclass", "operator-rbac"):
            manifest = builds.run([builds.path("resource-generator"), f"--type={kind}", "--namespace=kubevirt"])
            _kubectl(cluster, "apply", "--server-side", "-f", "-", text=manifest)
        _kubectl(cluster, "wait", "--for=condition=Established", "crd/kubevirts.kubevirt.io", "--timeout=30s")
        _kubectl(cluster, "apply", "--server-side", "-f", HERE / "kubevirt.yaml")
        deadline = time.monotonic() + seconds
        while (phase := _phase(cluster)) != "Deployed":
            progress.detail = phase or "its operator starts"
            if time.monotonic() > deadline:
                raise Failure(f"KubeVirt is not deployed after {seconds} s: {phase or 'its operator says nothing'}; see "
                              "kubectl -n kubevirt get pods,kubevirt -o yaml")
            time.sleep(1)


def _phase(cluster):
    return _kubectl(cluster, "-n", "kubevirt", "get", "kubevirt", "kubevirt", "-o", "jsonpath={.status.phase}")


def _kubectl(cluster, *arguments, text=None):
    pid = cluster.require()
    return builds.run([builds.path("kubectl"), *arguments], input=text, env=cluster.environment(),
                      preexec_fn=lambda: namespaces.join(pid, "net"))
