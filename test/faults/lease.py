"""Two operators and one lease: who has lost it writes nothing more, and the other goes on."""

import signal
import time
from dataclasses import dataclass

from faults.session import ASIDE, WITHOUT_WRITES, Operator, Proxy
from kit.case import Case
from kit.ims import BONO, SPROUT, sprouts
from kit.manifests import service
from kit.trouble import trouble
from kit.wait import until

LEASE = "knfe-system/knfe"
LENGTH = 15.0   # seconds that the lease lasts
TAKEOVER = 2.0  # seconds beyond that in which the next one must lead; and a renewal's distance


@dataclass(frozen=True)
class LeaseFault:
    row: str
    rules: tuple = ()
    stop: int = 0  # a signal to the leader


def _renewals(**action):
    return ({"id": "lease", "on": "request", "resource": "leases", "times": -1, **action},)


LEASES = {
    "lease renewals answered too late": LeaseFault("P5", _renewals(do="late", ms=20_000)),
    "lease leader frozen for longer than its lease": LeaseFault("P4", stop=signal.SIGSTOP),
    "lease renewals cut off": LeaseFault("P5", _renewals(do="cut-before")),
    "lease renewals done and never answered": LeaseFault("P5", _renewals(do="hold-after")),
    "lease renewals refused": LeaseFault("P5", _renewals(do="status", status=500)),
    "lease leader killed": LeaseFault("P5", stop=signal.SIGKILL),
}


def lease_life(bench, names):
    """(name, problem) of those that fail. One after the other: there is one lease."""
    lost = []
    for name in names:
        try:
            _one(bench, name, LEASES[name])
        except Exception as error:  # the next ones are to run
            problem = trouble(error)
            lost.append((name, problem))
            print(f"FAIL  {name}\n      " + problem.replace("\n", "\n      "), flush=True)
    return lost


class Replica:
    def __init__(self, bench, case, letter):
        folder = bench.folder / f"{case.ns}-{letter}"
        folder.mkdir()
        self.identity = f"{case.ns}-{letter}"
        self.proxy = Proxy(bench.rig, bench.stage.token_file(case.ns), folder)
        command = list(bench.command)
        command[command.index("--lease") + 1] = LEASE
        self.operator = Operator(command, bench.rig.cluster.environment(), folder / "operator.log", bench.port(),
                                 namespace=case.ns, kubeconfig=self.proxy.kubeconfig, identity=self.identity)
        self.operator.start()

    def led_since(self):
        """When the API server had first written its name into the lease, or None."""
        return next((each["ended"] for each in self.proxy.trace() if each["resource"] == "leases" and each.get("holder") == self.identity
                     and each.get("status") in (200, 201)), None)

    def writes(self):
        return [each for each in self.proxy.trace() if each["kind"] == "request" and each["verb"] not in WITHOUT_WRITES
                and each["resource"] not in ASIDE and each.get("status", 0) in (200, 201, 202)]

    def close(self):
        self.operator.end()
        self.proxy.close()


def _one(bench, name, fault):
    case = Case(bench.rig, bench.actor, None, bench.rig.namespace("lease"))
    replicas = []
    try:
        first = Replica(bench, case, "a")
        replicas.append(first)
        until("the first one leads", first.led_since, LENGTH + 10)
        second = Replica(bench, case, "b")
        replicas.append(second)
        second.operator.wait_ready()
        case.apply(service())
        case.ready("NetworkService", "ims", 150)
        began = time.time()
        if fault.stop:
            first.operator.signal(fault.stop)
        first.proxy.rules("lost", fault.rules)
        # There is something to do all the while, so that who must not would.
        for size in (4, 3, 5, 2, 4, 3, 5, 4):
            case.scale(SPROUT, size)
            time.sleep(1.5)
        taken = until("the second one leads", second.led_since, 2 * LENGTH)
        if fault.stop != signal.SIGKILL and fault.stop:
            first.operator.signal(signal.SIGCONT)
        case.scale(SPROUT, 6)
        wanted = {f"{BONO}-0": "Serving", **sprouts(6)}
        until("all serve", lambda: case.states() == wanted, 150, every=0.2)
        time.sleep(3)  # in which the first one could still do harm
        late = [f"{each['verb']} {each['resource']} {each.get('name')}" for each in first.writes() if each["ended"] > taken]
        assert not late, f"written by who has lost the lease: {late}"
        # What was asked for while the leader was cut off must not wait for longer than the lease.
        if fault.row == "P5" and fault.stop:
            assert taken - began <= LENGTH + TAKEOVER + 3, f"taken over only after {taken - began:.1f} s"
        breaches = bench.history.breaches(case.ns)
        assert not breaches, breaches
        case.delete("NetworkService", "ims")
        case.nothing_left(150)
        second.operator.stop()
    finally:
        for replica in replicas:
            replica.close()
