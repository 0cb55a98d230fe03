"""One life of a job in a namespace of its own, with at most one fault in each of its phases."""

import math
import time
from dataclasses import dataclass, field

from faults.session import Operator, Proxy
from faults.troubles import ROTATIONS, TROUBLES
from kit.case import Case
from kit.state import difference, masked, versions
from kit.wait import until

REST = 3.0        # seconds without a write and with an empty queue,
LONG_REST = 60.0  # and once for each job, undisturbed
GRACE = 30.0      # seconds after the end of a fault: the longest back-off. As long as something still changes, a machine is slow
LOOK = 1.0        # between two looks while nothing changes, as far as is known
PATIENCE = 5      # and not the operator stuck, up to so many times that
MORE_WRITES = 1.2  # of those of an undisturbed life, and one retry for each fault,
FEW_WRITES = 5     # and what is always allowed: of seven writes, 1.2 times is one
PAST_WRITES = 3.0  # where the past was told as the present, or two versions have each written their own statuses
MORE_MEMORY = 1.1  # of an undisturbed life's peak,
SLACK_KIB = 2048   # and what an allocator keeps at hand


class Stuck(Exception):
    """Nothing is worth waiting for any more."""


@dataclass
class Undisturbed:
    """What lives without fault have shown."""
    states: dict = field(default_factory=dict)  # checkpoint -> masked state
    writes: dict = field(default_factory=dict)  # phase -> most writes
    peak_kib: int = 0


class Life:
    def __init__(self, bench, job, name):
        """`bench.known[job]` is what is expected; a life without it learns."""
        self.job, self.bench = job, bench
        self.case = Case(bench.rig, bench.actor, None, bench.rig.namespace("faults"))
        self.folder = bench.folder / f"{self.case.ns}-{name}"
        self.folder.mkdir(parents=True)
        self.known = bench.known.get(job)
        self.learned = Undisturbed()
        self.fired = 0
        self.settled_after = 0.0
        self._rules = ()
        self._due = False  # the operator is to be killed
        self.restarted_at = None
        self._phase, self._lifted_at = None, None
        self._trouble = None
        self._by_two_versions = False
        self.proxy = Proxy(bench.rig, bench.stage.token_file(self.case.ns), self.folder, self._told,
                           bench.second and bench.second.url)
        self.operator = Operator(bench.command, bench.rig.cluster.environment(), self.folder / "operator.log", bench.port(),
                                 namespace=self.case.ns, kubeconfig=self.proxy.kubeconfig, identity=self.case.ns)

    def _told(self, line):
        holds = {"hold-before": "fired", "hold-after": "done"}
        for rule in self._rules:
            word = holds.get(rule["do"])
            if word and line.get(word) == rule["id"]:
                self._due = True

    def command(self, before):
        return [self.bench.before, *self.bench.command[1:]] if before else self.bench.command

    def start(self):
        self.proxy.rules("start")
        self.operator.start()
        self.operator.wait_ready()

    def phase(self, name, plan=None, rest=REST):
        self._rules = plan.rules if plan else ()
        before, fired = len(self.proxy.writes()), len(self.proxy.fired)
        self.proxy.rules(name, self._rules, plan.watches if plan else "")
        self._phase, self.restarted_at = name, None
        self._by_two_versions |= bool(plan) and plan.trouble == "upgrade"
        self._trouble = TROUBLES[plan.trouble](self, plan) if plan and plan.trouble else None
        self._lifted_at = time.monotonic() + plan.lifted if plan and plan.lifted else None
        grace = GRACE + (plan.seconds if plan else 0)
        for ask, checkpoint in self.bench.stage.jobs[self.job][name]:
            ask(self.case)
            if callable(checkpoint):
                self._until(checkpoint.__name__, lambda until_then=checkpoint: self._revive() or until_then(self.case), grace)
                continue
            found = self._settle(checkpoint, grace)
        self._rest(found, grace, rest)
        if self._trouble:
            self._trouble.end()
        self.fired = len(self.proxy.fired) - fired + (self._trouble.count if self._trouble else 0)
        writes = self.proxy.writes()[before:]
        self.writes = len(writes)
        if plan and plan.trouble in ROTATIONS:  # each refusal of the old token is one
            self.fired += sum(each.get("status") == 401 for each in writes)
        self.learned.writes[name] = self.writes
        self.operator.measure()
        if self.known:
            self._bounds(name, PAST_WRITES if plan and plan.row in ("W5", "P8") else MORE_WRITES)
        if plan and plan.fault == "denied" and self.fired:
            self.bench.stage.visible(self.operator, plan)

    def again(self, phase, grace):
        """Until the state is once more what it was at the end of that phase."""
        self._rest(self._settle(self.bench.stage.jobs[self.job][phase][-1][1], grace), grace)

    def _bounds(self, name, factor):
        most = math.ceil(factor * self.known.writes[name]) + self.fired + FEW_WRITES
        assert self.writes <= most, f"{self.writes} writes; undisturbed {self.known.writes[name]}, so {most} at most"
        most = MORE_MEMORY * self.known.peak_kib + SLACK_KIB
        assert self.operator.peak_kib <= most, f"{self.operator.peak_kib} KiB of memory; undisturbed {self.known.peak_kib}"

    def _snapshot(self):
        return self.bench.stage.snapshot(self.case.ns)

    def _revive(self):
        if self._lifted_at and time.monotonic() > self._lifted_at:
            self._lifted_at = None
            self.proxy.rules(self._phase)
        if self._due:
            self.operator.kill()
            if self._trouble:
                self._trouble.killed()
            self.operator.start()
            self._due, self.restarted_at = False, time.monotonic()
        if self._trouble:
            self._trouble.tick()
            if self._trouble.mortal and self.operator.ended is not None:
                self.operator.start()
        self.operator.must_run()

    def _settle(self, checkpoint, grace):
        started = time.monotonic()
        looked, look_again, problem = None, 0.0, ""

        def settled():
            nonlocal looked, look_again, problem
            self._silence()
            seen = self.bench.history.moved(self.case.ns), len(self.proxy.writes())
            if seen == looked and time.monotonic() < look_again:
                raise AssertionError(problem)  # fourteen lives that list all the time are a load of their own
            looked, look_again = seen, time.monotonic() + LOOK
            found = self._snapshot()
            state = self._comparable(masked(found, self.case.ns))
            wanted = self.known and self._comparable(self.known.states[checkpoint])
            if not self.known:
                time.sleep(2.5)  # all the time that an undisturbed life may want
                found = self._snapshot()
                wanted = masked(found, self.case.ns)
            problem = difference(wanted, state)
            assert state == wanted, problem
            return True, found
        _, found = self._until(f"{checkpoint} as undisturbed", settled, grace)
        self.settled_after = max(self.settled_after, time.monotonic() - started)
        self.learned.states[checkpoint] = masked(found, self.case.ns)
        self.bench.stage.check(self.job, checkpoint, self.case)
        return found

    def _comparable(self, state):
        """A pod stays as the version that has made it had it: no upgrade replaces what works."""
        return {key: "" if self._by_two_versions and key.startswith("Pod/") else text for key, text in state.items()}

    def _until(self, what, probe, grace):
        started = time.monotonic()

        def still():
            reason = ""
            try:
                if answer := probe():
                    return answer
            except AssertionError as error:
                reason = f": {error}"
            now = time.monotonic()
            if now > min(max(started, self.bench.history.moved(self.case.ns)), started + (PATIENCE - 1) * grace) + grace:
                raise Stuck(f"{what}: not after {now - started:.0f} s, of which {grace:.0f} without any change{reason}")
            return None
        try:
            return until(what, still, float("inf"), every=0.1)
        except Stuck as stuck:
            raise AssertionError(str(stuck)) from None

    def _silence(self, seconds=0.3):
        """Until the operator has written nothing for a while."""
        count, since = -1, time.monotonic()
        while time.monotonic() - since < seconds:
            self._revive()
            if count != (now := len(self.proxy.writes())):
                count, since = now, time.monotonic()
            time.sleep(0.05)

    def _rest(self, found, grace, seconds=REST):
        """So long nothing is written, nothing changes, and nothing waits to be done."""
        end = time.monotonic() + PATIENCE * grace
        quiet_since, count = time.monotonic(), len(self.proxy.writes())
        seen = versions(found)
        while time.monotonic() - quiet_since < seconds:
            time.sleep(0.2)
            self._revive()
            now = len(self.proxy.writes())
            if now != count or self.operator.queued():
                late = [f"{each['verb']} {each['resource']} {each.get('name', '')}" for each in self.proxy.writes()[count:]]
                assert time.monotonic() < end, f"no rest: {late or 'its queue is not empty'}"
                quiet_since, count = time.monotonic(), now
        after = versions(self._snapshot())
        if after != seen:
            found = self._snapshot()
            changed = sorted(key for key in after.keys() | seen.keys() if after.get(key) != seen.get(key))
            known = [self._comparable(each) for each in self.known.states.values()] if self.known else []
            assert not known or self._comparable(masked(found, self.case.ns)) in known, f"changed after settling: {changed}"

    def finish(self):
        """The operator must end well."""
        self.proxy.rules("stop")
        self.operator.stop()
        self.learned.peak_kib = self.operator.peak_kib

    def breaches(self):
        return self.bench.history.breaches(self.case.ns)

    def close(self):
        if self._trouble:
            self._trouble.give_back()
        self.operator.end()
        self.proxy.close()
