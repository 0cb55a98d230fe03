"""What happens to the whole cluster while an operator is at work: in lives of their own, one after the other, when nobody else is there."""

import os
import shutil
import signal
import subprocess
from dataclasses import dataclass
from typing import Callable

from faults.life import GRACE, Life
from kit.api import Refused
from kit.manifests import manifest, point
from kit.rig import DEPLOY
from kit.trouble import trouble
from kit.wait import until

POINTS = "ConnectionPoint"
DEFINITION = "connectionpoints.knfe.io"
MUST_SOON = 10.0  # seconds within which what has to do with none of it is done
SERVERS = ("etcd", "kube-apiserver", "kube-controller-manager")


@dataclass(frozen=True)
class Event:
    row: str
    job: str
    run: Callable
    without: tuple = ()  # kinds that nobody can watch all the while


def run_alone(bench, names):
    """(name, problem) of those that fail."""
    lost = []
    for name in names:
        event, life = EVENTS[name], None
        bench.stage.close()
        bench.actor, bench.history = bench.stage.open(bench.folder, event.without)
        try:
            life = Life(bench, event.job, "alone")
            life.start()
            event.run(bench, life)
            life.finish()
            breaches = life.breaches()
            assert not breaches, breaches
            shutil.rmtree(life.folder)
        except Exception as error:  # the next ones are to run
            problem = trouble(error)
            lost.append((name, problem))
            kept = bench.keep(life) if life else "none"
            print(f"FAIL  {name}\n      " + problem[:3000].replace("\n", "\n      ") + f"\n      kept: {kept}", flush=True)
        finally:
            if life:
                life.close()
    return lost


def _restored(bench, life):
    """etcd comes back as it was a phase ago. What was done since has not been; all versions are lower than those seen."""
    first, *others = bench.stage.jobs[life.job]
    life.phase(first)
    data, backup = bench.rig.state / "etcd", bench.rig.state / "etcd-backup"
    etcd = bench.rig.cluster.components()["etcd"].pid
    os.kill(etcd, signal.SIGSTOP)  # what is in its files now is a state of its
    try:
        shutil.rmtree(backup, ignore_errors=True)
        subprocess.run(["cp", "-a", data, backup], check=True)
    finally:
        os.kill(etcd, signal.SIGCONT)
    life.phase(others[0])
    # So many that nothing of what follows is as high.
    note = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": "default", "name": "many"}}
    for number in range(2000):
        bench.rig.api.apply({**note, "data": {"n": str(number)}})
    breaches = life.breaches()
    assert not breaches, breaches

    def restore():
        shutil.rmtree(data)
        backup.rename(data)
    bench.stage.close()
    bench.rig.cluster.restart(*SERVERS, between=restore)
    until("the API server serves all kinds again", bench.rig.served, 30)
    bench.actor, bench.history = bench.stage.open(bench.folder, whole=True)
    life.case.actor = bench.actor
    life.again(first, GRACE)
    for phase in others:
        life.phase(phase)
    log = life.operator.log.read_text(errors="replace")
    assert "the API server has gone back" in log, "its log does not say that the API server has gone back"
    assert _metric(life, "knfe_rewinds_total") > 0, "its metrics do not say that the API server has gone back"


def _metric(life, family, word=""):
    """The sum over the lines of the family that have the word."""
    return sum(float(line.rsplit(" ", 1)[1]) for line in life.operator.metrics().splitlines()
               if line.startswith(family + "{") and word in line)


def _rest_works(life):
    """A network comes and goes as ever."""
    life.case.apply(manifest("Network", "meanwhile", {"subnets": [{"name": "v4", "cidr": "10.50.0.0/24"}]}))
    until("a network is carried out", lambda: _is_ready(life.case.get("Network", "meanwhile")), MUST_SOON)
    life.case.delete("Network", "meanwhile")
    until("and goes", lambda: not life.case.get("Network", "meanwhile"), MUST_SOON)


def _is_ready(found):
    conditions = (found or {}).get("status", {}).get("conditions", [])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def _kind_vanishes(bench, life):
    """A definition is deleted, all objects with it, and comes again; then the objects do."""
    first, *others = bench.stage.jobs[life.job]
    life.phase(first)
    # What failed before may have left some behind that wait for an operator.
    for left in bench.rig.api.list(POINTS):
        where = left["metadata"]["namespace"], left["metadata"]["name"]
        if where[0] != life.case.ns and left["metadata"].get("finalizers"):
            bench.rig.api.patch(POINTS, *where, {"metadata": {"finalizers": None}})
    specs = {each["metadata"]["name"]: each["spec"] for each in bench.rig.api.list(POINTS, life.case.ns)}
    bench.rig.kubectl("delete", "crd", DEFINITION, "--wait=true", "--timeout=60s")
    until("the operator knows it", lambda: _metric(life, "knfe_resource_served", '"connectionpoints"') == 0, GRACE)
    _rest_works(life)
    bench.rig.kubectl("apply", "--server-side", f"--filename={DEPLOY / 'crds' / 'connectionpoints.yaml'}")
    bench.rig.kubectl("wait", "--for=condition=Established", "--timeout=60s", "crd", DEFINITION)
    until("it is served", lambda: _is_served(bench), 30)
    for name, spec in specs.items():
        life.case.apply(manifest(POINTS, name, spec))
    life.again(first, 2 * GRACE)
    for phase in others:
        life.phase(phase)


def _is_served(bench):
    try:
        return bench.rig.api.list(POINTS) is not None
    except Refused as refused:
        raise AssertionError(refused) from refused


def _rights_withdrawn(bench, life):
    """All rights for one kind go, and come again."""
    first, *others = bench.stage.jobs[life.job]
    life.phase(first)
    where = "/apis/rbac.authorization.k8s.io/v1/clusterroles/knfe"
    role = bench.rig.api.request("GET", where)
    less = [{**rule, "resources": [each for each in rule["resources"] if not each.startswith("connectionpoints")]}
            for rule in role["rules"]]
    bench.rig.api.request("PATCH", where, {"rules": less}, "application/merge-patch+json")
    try:
        life.proxy.rules("withdrawn", watches="end")
        until("it is told so", lambda: 'cannot watch resource \\"connectionpoints\\"' in life.operator.log.read_text(), GRACE)
        life.case.apply(point("meanwhile"))
        _rest_works(life)
        assert not life.case.must(POINTS, "meanwhile").get("status"), "somebody has done what nobody may"
    finally:
        bench.rig.api.request("PATCH", where, {"rules": role["rules"]}, "application/merge-patch+json")
    until("the point is carried out", lambda: _is_ready(life.case.must(POINTS, "meanwhile")), 2 * GRACE)
    life.case.delete(POINTS, "meanwhile")
    life.again(first, GRACE)
    for phase in others:
        life.phase(phase)


EVENTS = {
    "alone ims restored from a backup": Event("W7", "ims", _restored),
    "alone network restored from a backup": Event("W7", "network", _restored),
    "alone network a definition goes and comes again": Event("W8", "network", _kind_vanishes, (POINTS,)),
    "alone network rights for a kind withdrawn": Event("W8", "network", _rights_withdrawn),
}
