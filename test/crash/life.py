"""One life of the IMS in a namespace of its own - it comes, grows, shrinks and goes - with a kill of the operator in each phase."""

import time

from crash.operator_process import OperatorProcess
from kit.case import Case
from kit.ims import SPROUT, check_addresses
from kit.manifests import service
from kit.state import difference, masked, snapshot, versions
from kit.wait import until

REST = 1.0  # seconds without a write after settling


# Phase -> its steps: what is asked for, and the checkpoint at which the state must be the undisturbed one.
PHASES = {
    "create": [(lambda case: case.apply(service()), "three")],
    "scale": [(lambda case: case.scale(SPROUT, 5), "five"), (lambda case: case.scale(SPROUT, 2), "two")],
    "delete": [(lambda case: case.delete("NetworkService", "ims"), "nothing")],
}


class Life:
    def __init__(self, rig, actor, binary, kubeconfig, wanted):
        """`wanted` holds the masked state by checkpoint; what it lacks is learned."""
        self.case = Case(rig, actor, None, rig.namespace("crash"))
        self._command = [str(binary), str(kubeconfig), self.case.ns]
        self._environment = rig.cluster.environment()
        self.log = rig.state / "log" / f"{self.case.ns}.log"
        self._wanted = wanted
        self._operator = None
        self.slowest = 0.0  # seconds to the undisturbed state

    def phase(self, name, kill):
        """True if the kill came about; `killed_at` then says at which write."""
        self.killed_at = None
        self._start(kill)
        try:
            if name != "create":
                time.sleep(0.1)
                assert not self._operator.writes, f"a restart wrote {self._operator.writes}"
            for ask, checkpoint in PHASES[name]:
                ask(self.case)
                self._settle(checkpoint)
            self._operator.stop()
            self.writes = list(self._operator.writes)
        finally:
            self._operator.end()
        return self.killed_at is not None

    def _start(self, kill):
        self._operator = OperatorProcess(self._command, self._environment, self.log, kill)
        self._operator.wait_ready()

    def _revive(self):
        """Starts the operator again if it has been killed."""
        if self._operator.was_killed():
            self.killed_at = self._operator.writes[-1]
            self._start(None)

    def _settle(self, checkpoint):
        started = time.monotonic()

        def settled():
            count = self._silence()
            found = snapshot(self.case.api, self.case.ns)
            state = masked(found, self.case.ns)
            wanted = self._wanted.get(checkpoint)
            if wanted is None:
                time.sleep(2)  # all the time that an undisturbed life may want
                wanted = masked(snapshot(self.case.api, self.case.ns), self.case.ns)
            assert state == wanted, difference(wanted, state)
            self._revive()
            assert count == len(self._operator.writes), "it still writes"
            return True, found
        _, found = until(f"{checkpoint} as undisturbed", settled, 120, every=0.15)
        self.slowest = max(self.slowest, time.monotonic() - started)
        self._wanted.setdefault(checkpoint, masked(found, self.case.ns))
        if checkpoint != "nothing":
            check_addresses(self.case)
        self._rest(found)

    def _silence(self, seconds=0.25):
        """Waits until the operator has written nothing for a while; how many writes it had then. Costs the API server nothing."""
        count, since = -1, 0
        while count != len(self._operator.writes) or time.monotonic() - since < seconds:
            self._revive()
            if count != len(self._operator.writes):
                count, since = len(self._operator.writes), time.monotonic()
            time.sleep(0.03)
        return count

    def _rest(self, found):
        operator, count = self._operator, len(self._operator.writes)
        time.sleep(REST)
        late = operator.writes[count:]
        assert not late, f"written after settling: {late}"
        assert versions(found) == versions(snapshot(self.case.api, self.case.ns)), "something changed after settling"
        assert not operator.was_killed(), "it was killed after settling"
