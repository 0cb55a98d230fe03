"""Debian packages as files, whatever the host has installed: fetched by apt, kept in the user's cache, never installed."""

import os
import re
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path

from lib import builds
from lib.progress import Failure

CLOSURE = ["-q", "-y", "--no-install-recommends", "--download-only", "-o", "Debug::NoLocking=true", "-o", "APT::Sandbox::User=root"]


def with_dependencies(names):
    """The packages and all that they depend on."""
    kept = builds.CACHE / "debian"
    (kept / "partial").mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="knfe-debian-") as scratch:
        # As if nothing were installed; and from an empty folder, as apt does not name what it has already.
        status, empty = Path(scratch, "status"), Path(scratch, "archives")
        status.touch()
        (empty / "partial").mkdir(parents=True)
        options = [*CLOSURE, "-o", f"Dir::State::status={status}"]
        listing = _apt("--print-uris", *options, "-o", f"Dir::Cache::archives={empty}", "install", *names)
        _apt(*options, "-o", f"Dir::Cache::archives={kept}", "install", *names)
    return sorted(kept / shlex.split(line)[1] for line in listing.splitlines() if line.startswith("'"))


def alone(name):
    """The one package, without what it depends on."""
    with tempfile.TemporaryDirectory(prefix="knfe-debian-") as scratch:
        _apt("-q", "-o", "APT::Sandbox::User=root", "download", name, cwd=scratch)
        found = next(Path(scratch).glob("*.deb"))
        kept = builds.CACHE / "debian" / found.name
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(found, kept)
        return kept


def unpack(package, root):
    """Below root, with links to folders there kept: a package that brings lib/x fills what lib leads to."""
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", package], stdout=subprocess.PIPE) as content:
        builds.run(["tar", "-x", "--keep-directory-symlink", "--no-same-owner", "-C", root, "-f", "-"], stdin=content.stdout)
    if content.returncode:
        raise Failure(f"dpkg-deb cannot read {package}")


def first_dependency(package):
    """Name of the first package that this one depends on: what a package without content stands for."""
    return re.match(r"[^\s(,|]+", builds.run(["dpkg-deb", "--field", package, "Depends"]))[0]


def _apt(*arguments, **options):
    return builds.run(["apt-get", *arguments], env=dict(os.environ, DEBIAN_FRONTEND="noninteractive"), **options)
