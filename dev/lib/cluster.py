"""One cluster: its state folder, its processes, and the way up and down."""

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

from lib import builds, cgroups, control_plane, namespaces, network, processes
from lib.api import HEALTH, Api, healthy
from lib.node import PROGRAMS, ComponentFailed, Node
from lib.pki import Pki
from lib.progress import Failure, Misuse, Progress, say

REPOSITORY = builds.DEV.parent
CONTROL_PLANE = ["cluster-init", "etcd", "kube-apiserver", "kube-controller-manager"]
TOOLS = {True: ["ip", "openssl"], False: ["ip", "openssl", "containerd", "ctr", "runc", "nft", "iptables"]}


class Cluster:
    """Everything is derived from the state folder and from what runs; so several clusters never meet."""

    def __init__(self, name):
        if not re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,28}[a-z0-9])?", name):
            raise Misuse(f"--name {name}: use up to 30 of a-z, 0-9 and -, first and last none of -")
        base = os.environ.get("KNFE_CLUSTER_DIR") or REPOSITORY / "build" / "cluster"
        self.name = name
        self.state = Path(base).resolve() / name
        self.cgroup = f"knfe-{name}-{hashlib.sha256(os.fsencode(self.state)).hexdigest()[:8]}"
        self.pki = Pki(self.state / "pki", name)
        self.api_server_options = []  # besides those of control_plane.py

    @property
    def kubeconfig(self):
        return self.pki.file("admin.kubeconfig")

    @property
    def nodes(self):
        """Those that it has, or was being given when something went wrong."""
        return [self._node(number) for number in sorted(int(folder.name[5:]) for folder in self.state.glob("node-*"))]

    def _node(self, number):
        return Node(number, self.state, self.cgroup, self.pki, self.start)

    @property
    def roles(self):
        nodes = self.nodes
        return CONTROL_PLANE + ["kube-scheduler"] * bool(nodes) + [role for node in nodes for role in node.roles]

    def components(self):
        return processes.components(self.state)

    def running(self):
        return set(self.roles) <= set(self.components())

    def require(self):
        """PID of the cluster's init; fails with what to do when it is not up."""
        init = self.components().get("cluster-init")
        if not init or not self.kubeconfig.exists():
            raise Failure(f"cluster {self.name} is not up; start it with: dev/cluster{self._option} up")
        return init.pid

    @property
    def _option(self):
        return "" if self.name == "knfe" else f" --name {self.name}"

    @contextlib.contextmanager
    def locked(self):
        """Holds off other up and down of this cluster; the lock ends with the process, however that ends."""
        while True:
            self.state.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.state, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    say(f"another dev/cluster is at work on {self.name}; waiting for it")
                    fcntl.flock(handle, fcntl.LOCK_EX)
                # `down` may have removed the folder while this process waited for it.
                if self.state.exists() and os.stat(self.state).st_ino == os.fstat(handle).st_ino:
                    yield
                    return
            finally:
                os.close(handle)

    def up(self, nodes):
        """`nodes`: how many; none makes a control plane only."""
        if os.geteuid() != 0:
            raise Misuse("namespaces and cgroups need root; run it as root")
        lacking = [tool for tool in TOOLS[not nodes] if not shutil.which(tool)]
        if lacking:
            raise Failure(f"missing {', '.join(lacking)}; install with: dev/install-packages cluster")
        with self.locked():
            if self.running():
                if len(self.nodes) != nodes:
                    raise Misuse(f"{self.name} is up as {self._kind()}; choose another --name or take it down first")
                namespaces.join(self.require(), "net")
                with Progress(f"cluster {self.name} is running; waiting until it is ready"):
                    self._wait_ready()
                return
            if any(self.state.iterdir()) or self._remains():
                say(f"cluster {self.name} left something behind; cleaning up first")
                self._clean()
                self.state.mkdir(parents=True)
            builds.build(builds.EVERYTHING if nodes else builds.CONTROL_PLANE)
            with Progress(f"starting cluster {self.name}") as progress:
                self._start_all([self._node(number) for number in range(1, nodes + 1)], progress)
        command = f"dev/cluster{self._option}"
        say(f"try: {command} kubectl get all -A      {command} status      {command} down")

    def _kind(self):
        number = len(self.nodes)
        return f"a cluster of {number} node{'s' * (number > 1)}" if number else "a control plane without a node"

    def _start_all(self, nodes, progress):
        progress.detail = "namespaces and certificates"
        (self.state / "log").mkdir()
        self.start("cluster-init", [builds.path(builds.PAUSE), self.state],
                   new=namespaces.NEWNET | namespaces.NEWPID, name="cluster-init")
        namespaces.join(self.components()["cluster-init"].pid, "net")
        network.set_up()
        self._component("etcd", control_plane.etcd(self.state / "etcd"))
        self.pki.create({node.name: node.address for node in nodes})
        progress.detail = "API server"
        self._component("kube-apiserver", control_plane.apiserver(self.pki) + self.api_server_options)
        for node in nodes:
            progress.detail = f"API server and container runtime of {node.name}"
            node.create()
            node.load(builds.path(builds.PAUSE_IMAGE))
        api = Api(self.pki)
        self._wait("kube-apiserver", api.ready, 60)
        progress.detail = "controllers"
        self._component("kube-controller-manager", control_plane.controller_manager(self.pki, bool(nodes)))
        if nodes:
            progress.detail = "controllers and nodes"
            self._component("kube-scheduler", control_plane.scheduler(self.pki))
            for node in nodes:
                node.run(range(1, len(nodes) + 1))
            api.apply(builds.path(builds.CRD).read_text())
            api.apply((builds.DEV / "node" / "multus-rbac.yaml").read_text())
        self._wait_ready()

    def _wait_ready(self):
        api = Api(self.pki)
        self._wait("kube-apiserver", api.ready, 60)
        for role in set(HEALTH) & set(self.roles) - set(PROGRAMS):
            self._wait(role, lambda each=role: healthy(each), 60)
        self._wait("kube-controller-manager",
                   lambda: api.get("/api/v1/namespaces/default/serviceaccounts/default"), 60)
        nodes = self.nodes
        if nodes:
            self._wait("kube-apiserver", lambda: api.get("/apis/k8s.cni.cncf.io/v1"), 60)
        for node in nodes:
            for program in ("kube-proxy", "kubelet"):
                self._wait(node.role(program), lambda each=node, what=program: each.ready(what), 60)
            self._wait(node.role("kubelet"), lambda each=node: _is_ready(api.get(f"/api/v1/nodes/{each.name}")), 60)

    def _component(self, role, arguments):
        self.start(role, [builds.path(role), *arguments])

    def start(self, role, command, inside=None, new=0, name=None, hostname=None):
        """Starts a component in the cluster's network and PID namespaces, or in all those of the process `inside`."""
        init = self.components().get("cluster-init")
        kinds = ("mnt", "uts", "net", "pid") if inside else ("net", "pid")
        namespaces.spawn(command, environment=processes.environment(self.state, role),
                         log=self.state / "log" / f"{role}.log", joining=inside or (init and init.pid), kinds=kinds,
                         new=new, name=name, hostname=hostname)

    def _wait(self, role, arrived, seconds):
        """Waits until arrived() holds; `role` is the component to blame, and any that ends is blamed at once."""
        deadline = time.monotonic() + seconds
        while not arrived():
            running = self.components()
            for each in self.roles:
                if each not in running and (self.state / "log" / f"{each}.log").exists():
                    raise ComponentFailed(self.state, each, "ended")
            if time.monotonic() > deadline:
                raise ComponentFailed(self.state, role, f"is not ready after {seconds} s")
            time.sleep(0.05)

    def down(self):
        if os.geteuid() != 0:
            raise Misuse("processes and cgroups of the cluster are root's; run it as root")
        if not self.state.exists() and not self._remains():
            say(f"cluster {self.name} is not up")
            return
        with self.locked(), Progress(f"removing cluster {self.name}"):
            self._clean()

    def _remains(self):
        return bool(cgroups.present(self.cgroup)) or any(True for _ in processes.of_cluster(self.state))

    def _clean(self):
        """Removes whatever there is of the cluster; right after a crash at any instant, and when called again."""
        # `exec make`, say, may be what takes the cluster down.
        spared = processes.ancestors()
        strays = [each for each in processes.of_cluster(self.state) if not each.role and each.pid not in spared]
        if strays:
            say(f"ending what `exec` has started: {', '.join(f'{each.pid} {each.command[0]}' for each in strays)}")
        for _ in range(5):  # one that is killed may have forked just before
            processes.kill(self.state, lambda each: each.pid not in spared)
            left = [each for each in processes.of_cluster(self.state) if each.pid not in spared]
            if not left:
                break
        else:
            raise Failure(f"processes {[each.pid for each in left]} do not end; look at /proc/PID/stack")
        if not cgroups.remove(self.cgroup):
            raise Failure(f"cgroups {[str(each) for each in cgroups.present(self.cgroup)]} are still in use")
        shutil.rmtree(self.state)

    def restart(self, *roles, between=lambda: None):
        """Kills components and starts them again with the same arguments, in the order in which they are named; `between` is
        called while they are down."""
        self.require()
        with self.locked(), Progress(f"restarting {', '.join(roles)}"):
            old = [self._of_role(role) for role in roles]
            for each in old:
                if processes.kill(self.state, lambda other, pid=each.pid: other.pid == pid):
                    raise Failure(f"process {each.pid} does not end; look at /proc/{each.pid}/stack")
            between()
            for each in old:
                home = next((node.init() for node in self.nodes if each.role in node.roles), None)
                self.start(each.role, each.command, inside=home)
            namespaces.join(self.require(), "net")
            self._wait_ready()

    def _of_role(self, role):
        known = [each for each in self.roles if not each.partition("@")[0].endswith("-init")]
        if role not in known:
            raise Misuse(f"no component {role} to restart; there are: {', '.join(known)}")
        if found := self.components().get(role):
            return found
        raise Failure(f"{role} does not run; start anew with: dev/cluster{self._option} up")

    def status(self):
        """Prints what runs; true if all of it does."""
        running = self.components()
        if not running:
            print(f"cluster {self.name} is not up (state would be in {self.state})")
            return False
        print(f"cluster {self.name}: {self._kind()}, state in {self.state}\n")
        print(f"{'COMPONENT':26}{'PID':>8}{'UP':>10}{'RSS MiB':>10}")
        for role in self.roles:
            process = running.get(role)
            if process:
                print(f"{role:26}{process.pid:8}{_duration(process.age_seconds):>10}{process.rss_mib:10.1f}")
            else:
                print(f"{role:26} not running; log: {self.state}/log/{role}.log")
        complete = self.running()
        if {"cluster-init", "kube-apiserver"} <= set(running) and self.kubeconfig.exists():
            for what in (["nodes"], ["pods", "--all-namespaces"]) if self.nodes else ():
                print(flush=True)
                result = subprocess.run([builds.path("kubectl"), "get", *what, "--output=wide"], env=self.environment(),
                                        preexec_fn=lambda: namespaces.join(running["cluster-init"].pid, "net"),
                                        check=False)
                complete = complete and result.returncode == 0
        return complete

    def environment(self):
        """For the user's commands: kubeconfig, kubectl, and what the repository has built (such as kubectl plugins)."""
        built = [REPOSITORY / "build" / "bin", *sorted(REPOSITORY.glob("build/*/bin"))]
        path = [str(folder) for folder in built if folder.is_dir()]
        path += [str(builds.path("kubectl").parent), os.environ.get("PATH", os.defpath)]
        # No proxy of the host leads into it.
        kept = {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}
        return dict(kept, KUBECONFIG=str(self.kubeconfig), KNFE_CLUSTER=self.name, PATH=os.pathsep.join(path),
                    **{processes.MARK: str(self.state), processes.ROLE: ""})

    def execute(self, command):
        """Becomes the command, in the cluster's network namespace."""
        namespaces.join(self.require(), "net")
        try:
            environment = self.environment()
            os.execvpe(command[0], command, environment)
        except OSError as error:
            raise Failure(f"cannot run {command[0]}: {error.strerror}") from error

    def wire(self, name, up):
        """Cuts a node off from all others, or joins it to them again."""
        namespaces.join(self.require(), "net")
        for node in self.nodes:
            if node.name == name and node.number > 1:
                return network.set_wire(node.number, up)
        raise Misuse(f"{name} has no wire of its own; there are: {', '.join(node.name for node in self.nodes[1:]) or 'none'}")

    def load(self, archives):
        self.require()
        nodes = self.nodes
        if not nodes:
            raise Misuse(f"{self.name} has no node that could hold images")
        for archive in archives:
            if not Path(archive).is_file():
                raise Failure(f"{archive}: no such file")
        for archive in archives:
            with Progress(f"loading {archive}") as progress:
                if not sum(node.load(archive) for node in nodes):
                    progress.what = f"{archive} is already there"


def _is_ready(node):
    conditions = (node or {}).get("status", {}).get("conditions", [])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def _duration(seconds):
    minutes, hours = int(seconds // 60), int(seconds // 3600)
    return f"{seconds:.0f}s" if minutes < 2 else f"{minutes}m" if hours < 2 else f"{hours}h"
