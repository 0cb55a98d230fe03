"""The image of a small guest for tests of virtual machines: Debian's kernel for clouds, and busybox as everything else."""

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
# In this order: each needs some of those before it.
MODULES = ("virtio_ring", "virtio", "virtio_pci_legacy_dev", "virtio_pci_modern_dev", "virtio_pci", "failover", "net_failover",
           "virtio_net")
APPLETS = ("awk", "cat", "cttyhack", "httpd", "insmod", "ip", "ls", "mount", "nc", "ping", "printf", "ps", "sed", "setsid", "sh", "tr",
           "udhcpc")


def archive():
    """The image, made if it is not there: /boot/vmlinuz and /boot/initrd and nothing else."""
    digest = hashlib.sha256()
    for file in (*sorted(HERE.iterdir()), builds.DEV / "oci", Path(__file__)):
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    kept = builds.CACHE / f"guest-{digest.hexdigest()[:16]}" / "guest.tar"
    if kept.exists():
        return kept
    kept.parent.mkdir(parents=True, exist_ok=True)
    with Progress("building the image of the guest"), tempfile.TemporaryDirectory(dir=kept.parent, prefix=".") as scratch:
        work = Path(scratch)
        boot = work / "root/boot"
        boot.mkdir(parents=True)
        kernel = work / "kernel"
        kernel.mkdir()
        # Debian's name for its newest is a package without content.
        debian.unpack(debian.alone(debian.first_dependency(debian.alone("linux-image-cloud-amd64"))), kernel)
        shutil.copy2(_only(kernel.glob("boot/vmlinuz-*")), boot / "vmlinuz")
        _write_initrd(work / "initrd", kernel, boot / "initrd")
        builds.run([builds.DEV / "oci", "--root", work / "root", "--name", IMAGE, "--by-id", "--out", work / kept.name])
        (work / kept.name).rename(kept)
    return kept


def _write_initrd(root, kernel, output):
    for folder in ("bin", "dev", "proc", "sys", "modules", "www/cgi-bin"):
        (root / folder).mkdir(parents=True)
    busybox = root.with_name("busybox")
    busybox.mkdir()
    debian.unpack(debian.alone("busybox-static"), busybox)
    shutil.copy2(busybox / "bin/busybox", root / "bin")
    for applet in APPLETS:
        (root / "bin" / applet).symlink_to("busybox")
    for module in MODULES:
        shutil.copy2(_only(kernel.rglob(f"{module}.ko")), root / "modules")
    (root / "modules/order").write_text(" ".join(MODULES) + "\n")
    for name, target in (("init", "init"), ("lease", "lease"), ("uptime", "www/cgi-bin/uptime")):
        shutil.copy2(HERE / name, root / target)
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
