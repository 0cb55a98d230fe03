"""What is built from pinned Go modules, and where each binary is kept.

A module's binaries live in <cache>/<module>-<key>/, where the key covers everything that decides their content: go.mod,
go.sum, sources of ours, the build flags and the Go version. A file there is complete: it is built elsewhere and renamed into place.
"""

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from lib.progress import Failure, Progress, say

DEV = Path(__file__).resolve().parent.parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "knfe"

CRD = "network-attachment-definition.yaml"
PAUSE = "pause"
PAUSE_IMAGE = "pause.tar"

# Module -> the packages of which its programs know what version they are.
VERSIONS = {"k8s.io/kubernetes": ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version"),
            "kubevirt.io/kubevirt": ("kubevirt.io/client-go/version",)}


class GoModule:
    """One folder of dev/ with a go.mod whose tools are the binaries to build; or one with a program of ours, of that name. `cgo`: those
    that are linked with C libraries."""

    cgo = ()

    def __init__(self, folder, release=None, program=None, cgo=()):
        self.folder = DEV / folder
        self.name = program or folder
        text = (self.folder / "go.mod").read_text()
        block = re.search(r"^tool \(\n(.*?)^\)", text, re.M | re.S)
        packages = block[1].split() if block else re.findall(r"^tool (\S+)", text, re.M)
        self.packages = {program: "."} if program else {self._binary(package): package for package in packages}
        self.linker = "-s -w"
        self.cgo = cgo
        if release:
            # Without a version the API server calls itself v0.0.0 and feature gates go by that.
            version = re.search(rf"^\s*(?:require )?{re.escape(release)} (v(\d+)\.(\d+)\.\S+)", text, re.M)
            self.version = version[1]
            for package in VERSIONS[release]:
                for field, value in (("gitVersion", version[1]), ("gitMajor", version[2]), ("gitMinor", version[3]),
                                     ("gitTreeState", "clean")):
                    self.linker += f" -X {package}.{field}={value}"
        self._key = None

    @staticmethod
    def _binary(package):
        parts = [part for part in package.split("/") if not re.fullmatch(r"v\d+", part)]
        return "etcd" if package.startswith("go.etcd.io/etcd/server/") else parts[-1]

    @property
    def flags(self):
        # So that both kinds are linked from the same objects: names of hosts and users are looked up without the C library.
        tags = ["-tags", "netgo,osusergo"] if self.cgo else []
        return ["-trimpath", "-buildvcs=false", *tags, "-ldflags", self.linker]

    @property
    def directory(self):
        if self._key is None:
            digest = hashlib.sha256()
            for part in ((self.folder / "go.mod").read_bytes(), (self.folder / "go.sum").read_bytes(),
                         repr(self.flags).encode(), go_version().encode(), *(each.encode() for each in self.cgo),
                         *(file.read_bytes() for file in sorted(self.folder.glob("*.go")))):
                digest.update(hashlib.sha256(part).digest())
            self._key = digest.hexdigest()[:16]
        return CACHE / f"{self.name}-{self._key}"

    def go(self, *arguments, cgo=False, **options):
        # The user's GOFLAGS, workspace and cgo setting must not change what comes out.
        environment = dict(os.environ, CGO_ENABLED=str(int(cgo)), GOFLAGS="-mod=readonly", GOWORK="off")
        return subprocess.Popen(["go", *arguments], cwd=self.folder, env=environment, text=True,
                                stdout=subprocess.PIPE, **options)


MODULES = [GoModule("etcd"), GoModule("kubernetes", release="k8s.io/kubernetes"), GoModule("multus"),
           GoModule("cni-plugins")]
FAULTPROXY = "faultproxy"
ETCDGATE = "etcdgate"
MODULE_OF = {binary: module for module in MODULES for binary in module.packages}
KUBEVIRT = GoModule("kubevirt", release="kubevirt.io/kubevirt", cgo=("virt-handler", "virt-launcher"))
# Built by who needs it.
MODULE_OF_OTHERS = {FAULTPROXY: GoModule("../test/faults/proxy", program=FAULTPROXY),
                    ETCDGATE: GoModule("../test/faults/etcdgate", program=ETCDGATE),
                    **{binary: KUBEVIRT for binary in KUBEVIRT.packages}}
CONTROL_PLANE = ["etcd", "kube-apiserver", "kube-controller-manager", "kubectl", PAUSE]
EVERYTHING = CONTROL_PLANE + [name for name in MODULE_OF if name not in CONTROL_PLANE] + [CRD, PAUSE_IMAGE]


def go_version():
    """Version, system and architecture of the Go toolchain; fails with what to do if there is none."""
    if go_version.answer is None:
        try:
            answer = subprocess.run(["go", "env", "GOVERSION", "GOOS", "GOARCH"], check=True, text=True,
                                    stdout=subprocess.PIPE, cwd=DEV / "etcd", env=dict(os.environ, GOWORK="off"))
        except (OSError, subprocess.CalledProcessError) as error:
            raise Failure(f"Go does not run ({error}); install Go 1.25 or newer and put it on PATH") from error
        go_version.answer = " ".join(answer.stdout.split())
    return go_version.answer


go_version.answer = None


def _module(name):
    return MODULE_OF.get(name) or MODULE_OF_OTHERS[name]


def path(name):
    """Where the built thing of this name is, or will be."""
    if name in (PAUSE, PAUSE_IMAGE):
        digest = hashlib.sha256((DEV / "pause.c").read_bytes() + (DEV / "oci").read_bytes()).hexdigest()[:16]
        return CACHE / f"pause-{digest}" / name
    module = _module("multus" if name == CRD else name)
    return module.directory / name


def missing(names):
    return [name for name in names if not path(name).exists()]


def build(names):
    """Builds what is missing of the named things, in the given order, with progress."""
    todo = missing(names)
    for number, name in enumerate(todo, 1):
        target = path(name)
        target.parent.mkdir(parents=True, exist_ok=True)
        with Progress(f"[{number}/{len(todo)}] building {name}") as progress, \
                tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{name}-") as scratch:
            output = Path(scratch) / name
            if name == PAUSE:
                run(["gcc", "-static", "-O2", "-s", "-Wall", "-Wextra", "-Werror", "-o", output, DEV / "pause.c"])
            elif name == PAUSE_IMAGE:
                _build_pause_image(Path(scratch), output)
            elif name == CRD:
                _extract_crd(MODULE_OF["multus"], output)
            else:
                _build_go(_module(name), name, output, progress)
            output.rename(target)


def run(command, **options):
    """Its output; fails with that if it fails."""
    result = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, **options)
    if result.returncode:
        raise Failure(f"{command[0]} failed:\n{result.stdout.strip()}")
    return result.stdout


def _build_pause_image(scratch, output):
    build([PAUSE])
    root = scratch / "root"
    root.mkdir()
    shutil.copy2(path(PAUSE), root / "pause")
    run([DEV / "oci", "--root", root, "--name", "knfe.io/pause:dev", "--out", output, "--entrypoint", "/pause",
         "--user", "65535"])


def _build_go(module, name, output, progress):
    package = module.packages[name]
    progress.detail = "downloading modules"
    cgo = name in module.cgo
    with module.go("list", "-deps", "-f", "{{if .Stale}}x{{end}}", *module.flags, package, cgo=cgo,
                   stderr=subprocess.PIPE) as listing:
        stale, errors = listing.communicate()
    if listing.returncode:
        raise Failure(f"go cannot resolve {name} in {module.folder}:\n{_tail(errors.splitlines())}\n"
                      "is the module proxy (go env GOPROXY) reachable?")
    total = stale.count("x")
    lines, compiled = [], 0
    with module.go("build", "-v", *module.flags, "-o", str(output), package, cgo=cgo, stderr=subprocess.STDOUT) as compiler:
        for line in compiler.stdout:
            lines.append(line.rstrip())
            compiled += 1
            progress.detail = f"{min(compiled, total)}/{total} packages" if compiled < total else "linking"
    if compiler.returncode:
        raise Failure(f"go build of {name} in {module.folder} failed:\n{_tail(lines)}")


def _extract_crd(module, output):
    """The definition that belongs to the pinned Multus, out of the manifest that its module carries."""
    with module.go("list", "-m", "-f", "{{.Dir}}", "gopkg.in/k8snetworkplumbingwg/multus-cni.v4") as listing:
        folder = listing.communicate()[0].strip()
    manifest = Path(folder, "deployments", "multus-daemonset.yml").read_text()
    found = [document.strip("\n") for document in re.split(r"^---$", manifest, flags=re.M)
             if re.search(r"^kind: CustomResourceDefinition$", document, re.M)]
    if len(found) != 1:
        raise Failure(f"expected one CustomResourceDefinition in {folder}, found {len(found)}")
    output.write_text(found[0] + "\n")


def _tail(lines):
    return "\n".join(lines[-10:])


def search_path():
    """The folders of all binaries, in the form of PATH."""
    return os.pathsep.join(str(module.directory) for module in MODULES)


def report():
    for name in EVERYTHING:
        state = f"{path(name).stat().st_size / 2**20:7.1f} MiB" if path(name).exists() else "  missing"
        say(f"{name:32} {state}  {path(name)}")
