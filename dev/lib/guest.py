"""Images of virtual machines for KubeVirt's kernelBoot: Debian's kernel for clouds and an initial RAM disk, and nothing else."""

import gzip
import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from lib import builds, debian
from lib.progress import Failure, Progress

HERE = builds.DEV / "guest"
IMAGE = "knfe.io/guest:dev"
# What a machine of KubeVirt is made of: network, disks and what is on them, its power button. In this order: each needs some of those
# before it.
MODULES = ("virtio_ring", "virtio", "virtio_pci_legacy_dev", "virtio_pci_modern_dev", "virtio_pci", "failover", "net_failover",
           "virtio_net", "virtio_blk", "cdrom", "isofs", "button", "evdev")
APPLETS = ("awk", "cat", "cttyhack", "httpd", "insmod", "ip", "ls", "mount", "nc", "ping", "printf", "ps", "sed", "setsid", "sh", "tr",
           "udhcpc")


def build(root, name, output):
    """The image of a machine whose initial RAM disk has the files below root: its /init is the machine's first program."""
    output.parent.mkdir(parents=True, exist_ok=True)
    with Progress(f"building the image {name}"), tempfile.TemporaryDirectory(dir=output.parent, prefix=".") as scratch:
        work = Path(scratch)
        boot, kernel = work / "root/boot", work / "kernel"
        boot.mkdir(parents=True)
        kernel.mkdir()
        # Debian's name for its newest is a package without content.
        debian.unpack(debian.alone(debian.first_dependency(debian.alone("linux-image-cloud-amd64"))), kernel)
        shutil.copy2(_only(kernel.glob("boot/vmlinuz-*")), boot / "vmlinuz")
        for folder in ("dev", "proc", "sys", "run", "tmp", "modules"):
            (root / folder).mkdir(parents=True, exist_ok=True)
        modules = [module for module in MODULES if not _is_built_in(kernel, module)]
        for module in modules:
            shutil.copy2(_only(kernel.rglob(f"{module}.ko")), root / "modules")
        (root / "modules/order").write_text(" ".join(modules) + "\n")
        _pack(root, boot / "initrd")
        builds.run([builds.DEV / "oci", "--root", work / "root", "--name", name, "--by-id", "--out", work / "image.tar"])
        (work / "image.tar").rename(output)


def archive():
    """The image of a small guest for tests, with busybox as all of its programs; made if it is not there."""
    digest = hashlib.sha256()
    for file in (*sorted(HERE.iterdir()), builds.DEV / "oci", Path(__file__)):
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    kept = builds.CACHE / f"guest-{digest.hexdigest()[:16]}" / "guest.tar"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept.parent, prefix=".") as scratch:
            _furnish(Path(scratch, "root"))
            build(Path(scratch, "root"), IMAGE, kept)
    return kept


def _furnish(root):
    for folder in ("bin", "www/cgi-bin"):
        (root / folder).mkdir(parents=True)
    busybox = root.with_name("busybox")
    busybox.mkdir()
    debian.unpack(debian.alone("busybox-static"), busybox)
    shutil.copy2(busybox / "bin/busybox", root / "bin")
    for applet in APPLETS:
        (root / "bin" / applet).symlink_to("busybox")
    for name, target in (("init", "init"), ("lease", "lease"), ("uptime", "www/cgi-bin/uptime")):
        shutil.copy2(HERE / name, root / target)


def _is_built_in(kernel, module):
    lists = kernel.rglob("modules.builtin")
    return any(f"/{module}.ko" in path.read_text() for path in lists)


def _pack(root, output):
    names = sorted(str(each.relative_to(root)) for each in root.rglob("*"))
    for name in names:
        os.utime(root / name, (0, 0), follow_symlinks=False)
    packed = subprocess.run(["cpio", "--create", "--format=newc", "--reproducible", "--owner=0:0", "--quiet"], cwd=root, check=False,
                            input="\n".join(names).encode(), stdout=subprocess.PIPE)
    if packed.returncode:
        raise Failure("cpio failed, see above")
    output.write_bytes(gzip.compress(packed.stdout, mtime=0))


def _only(found):
    paths = sorted(found)
    if len(paths) != 1:
        raise Failure(f"expected one such file in the kernel's package, found {[str(each) for each in paths]}")
    return paths[0]
