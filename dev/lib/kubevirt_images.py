"""The images of KubeVirt, unmodified, from its Go module and Debian's QEMU and libvirt.

They are kept in the user's cache under a key of everything that is ours to choose; of Debian's packages they have whatever version
there was when they were made.
"""

import hashlib
import platform
import shutil
import subprocess
import tempfile
from pathlib import Path

from lib import builds, debian
from lib.progress import Failure, Progress

HERE = builds.DEV / "kubevirt"
REPOSITORY = "knfe.io/kubevirt"
# One image for each, with nothing but the program.
SERVERS = ("virt-operator", "virt-api", "virt-controller")
# One image for this and virt-handler, as both want QEMU and libvirt.
LAUNCHER = "virt-launcher"
IN_LAUNCHER = ("virt-launcher", "virt-launcher-monitor", "virt-handler", "virt-chroot", "virt-tail", "virt-probe", "virt-freezer")
PROGRAMS = [*SERVERS, *IN_LAUNCHER, "virtctl", "resource-generator"]
TO_LINK_WITH = ["libvirt-dev", "pkg-config"]
QEMU = 107  # user and group that KubeVirt counts on


def archives():
    """The images, made if they are not there."""
    images = [*SERVERS, LAUNCHER]
    if lacking := [name for name in images if not _archive(name).exists()]:
        if platform.machine() != "x86_64":
            raise Failure(f"the image of virtual machines is made for x86_64, and this machine is {platform.machine()}")
        if absent := [name for name in TO_LINK_WITH if not _installed(name)]:
            raise Failure(f"missing {', '.join(absent)}; install with: dev/install-packages kubevirt")
    builds.build(PROGRAMS)
    for name in lacking:
        _make(name, _archive(name))
    return [_archive(name) for name in images]


def _installed(package):
    return subprocess.run(["dpkg-query", "-W", package], capture_output=True, check=False).returncode == 0


def _archive(name):
    digest = hashlib.sha256(str(builds.KUBEVIRT.directory).encode())
    sources = [builds.DEV / "oci", Path(__file__)]
    if name == LAUNCHER:
        sources += [HERE / "packages", HERE / "trimmed", HERE / "container-disk.c",
                    *sorted(each for each in (HERE / "image").rglob("*") if each.is_file())]
    for file in sources:
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return builds.CACHE / f"{name}-{digest.hexdigest()[:16]}" / f"{name}.tar"


def image(program):
    return f"{REPOSITORY}/{program}:{builds.KUBEVIRT.version}"


def _make(name, archive):
    archive.parent.mkdir(parents=True, exist_ok=True)
    with Progress(f"building the image {name}") as progress, tempfile.TemporaryDirectory(dir=archive.parent, prefix=".") as scratch:
        root, partial = Path(scratch, "root"), Path(scratch, archive.name)
        (root / "usr/bin").mkdir(parents=True)
        (root / "tmp").mkdir()
        (root / "tmp").chmod(0o1777)
        if name == LAUNCHER:
            _fill_launcher(root, progress)
            options = ["--name", image("virt-handler"), "--entrypoint", "/usr/bin/virt-launcher-monitor",
                       "--low-ports", "usr/bin/virt-launcher-monitor"]
        else:
            shutil.copy2(builds.path(name), root / "usr/bin")
            options = ["--entrypoint", f"/usr/bin/{name}", "--user", "1001"]
        progress.detail = "packing"
        builds.run([builds.DEV / "oci", "--root", root, "--name", image(name), "--out", partial, "--env", "PATH=/usr/sbin:/usr/bin",
                    *options])
        partial.rename(archive)


def _fill_launcher(root, progress):
    for name in ("bin", "sbin", "lib", "lib64"):
        (root / "usr" / name).mkdir(exist_ok=True)
        (root / name).symlink_to(f"usr/{name}")
    progress.detail = "fetching Debian packages"
    packages = debian.with_dependencies(_words("packages"))
    for number, package in enumerate(packages, 1):
        progress.detail = f"Debian package {number} of {len(packages)}"
        debian.unpack(package, root)
    _trim(root)
    home = root / "usr/lib/kubevirt"
    home.mkdir()
    (root / "usr/sbin/libvirtd").rename(home / "virtqemud")
    shutil.rmtree(root / "var/run", ignore_errors=True)
    for name in ("run", "var/lib/libvirt", "var/cache/libvirt", "usr/lib64/qemu-kvm", "etc/libvirt/hooks"):
        (root / name).mkdir(parents=True, exist_ok=True)
    # Relative: virt-handler goes through it from outside, by /proc/PID/root.
    (root / "var/run").symlink_to("../run")
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


def _trim(root):
    for pattern in _words("trimmed"):
        for found in root.glob(pattern):
            _remove(found)
    for found in root.glob("usr/lib/x86_64-linux-gnu/libvirt/connection-driver/*.so"):
        if found.name != "libvirt_driver_qemu.so":
            found.unlink()
    for found in root.rglob("*"):  # devices and sockets that packages bring are none of an image's
        if not found.is_symlink() and not found.is_file() and not found.is_dir():
            found.unlink()


def _remove(found):
    shutil.rmtree(found) if found.is_dir() and not found.is_symlink() else found.unlink()


def _words(name):
    return [word for line in (HERE / name).read_text().splitlines() if not line.startswith("#") for word in line.split()]
