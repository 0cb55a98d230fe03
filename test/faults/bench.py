"""What all lives share, and the hands that live them."""

import hashlib
import itertools
import json
import os
import shutil
import threading
import time
import traceback
from collections import Counter
from pathlib import Path

from faults import plans as planner
from faults.alone import EVENTS, run_alone
from faults.lease import LEASES, lease_life
from faults.life import LONG_REST, REST, Life, Undisturbed
from faults.second import Facts, SecondServer
from faults.troubles import ONE_AT_A_TIME
from kit.manifests import dual_stack
from kit.report import write_report
from kit.rig import REPOSITORY
from kit.trouble import trouble
from lib import builds
from lib.progress import Failure, Progress, say

KNFE = (f"knfe={REPOSITORY / 'build' / 'dev' / 'bin' / 'knfe'} controller --kubeconfig={{kubeconfig}} --namespace={{namespace}} "
        "--lease '' --identity={identity} --listen=127.0.0.1:{port}")
LEARNERS = 3
MOST_FAILURES = 40
MOST_UNREACHED = 0.05  # of all plans: their place came in no life
QUICK = 15  # seconds that a fault takes at most in the short form


class Bench:
    """Use it with `with`. `stage`: what jobs there are, and among what; `before`: another version's program."""

    def __init__(self, stage, name, command, before=None):
        self.stage, self.rig, self.name, self.command, self.before = stage, stage.rig, name, command, before
        self.known = {}
        self.lives = 0
        self.slowest = 0.0
        self.second = None
        self._ports = itertools.count(21000)
        self._lock = threading.Lock()
        # Beside the cluster's state, so that `down` takes the traces away; those of failures are kept in build/.
        self.folder = self.rig.state / "faults"
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()
        self.kept = REPOSITORY / "build" / "faults"
        builds.build([builds.FAULTPROXY])

    def __enter__(self):
        self.actor, self.history = self.stage.open(self.folder)
        return self

    def __exit__(self, *_):
        self.stage.close()
        if self.second:
            self.second.close()

    def start_second(self):
        """Says how it answers while it lags."""
        self.second = SecondServer(self.rig)
        network = dual_stack()
        network["metadata"] |= {"name": "late", "namespace": "default"}
        facts = Facts(self.rig.api, self.second, network)
        return {held: facts.find(held) for held in facts.HELD}

    def port(self):
        with self._lock:
            return next(self._ports)

    def learn(self, jobs, rest=REST):
        """Undisturbed lives: they must go alike, and one of each job rests so long before its last phase, or after its only one.
        Returns the plans that follow from them."""
        lives, problems = {job: [] for job in jobs}, []

        def one(job, rest):
            life = Life(self, job, "undisturbed")
            try:
                life.start()
                phases = list(self.stage.jobs[job])
                for phase in phases:
                    life.phase(phase, rest=rest if phase == phases[max(0, len(phases) - 2)] else REST)
                life.finish()
                problems.extend(life.breaches())
                with self._lock:
                    lives[job].append(life)
            except Exception:  # told below
                problems.append(f"{job}: {traceback.format_exc()}\nlog: {self.keep(life)}")
            finally:
                life.close()
        self.known.clear()
        threads = [threading.Thread(target=one, args=(job, REST if number else rest)) for job in jobs for number in range(LEARNERS)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        if problems:
            raise Failure("an undisturbed life fails:\n" + "\n".join(problems))
        out = []
        for job, each in lives.items():
            known = Undisturbed(each[0].learned.states)
            for life in each:
                if life.learned.states != known.states:
                    raise Failure(f"two undisturbed lives of {job} end in different states")
                known.peak_kib = max(known.peak_kib, life.learned.peak_kib)
                for phase, writes in life.learned.writes.items():
                    known.writes[phase] = max(known.writes.get(phase, 0), writes)
            self.known[job] = known
            found = planner.plans(job, self.stage.jobs[job], [life.proxy.trace() for life in each])
            out += [plan for plan in found if not {plan.trouble, plan.fault} & self.stage.without
                    and (self.before or plan.trouble != "upgrade")]
            for life in each:
                shutil.rmtree(life.folder)
        return out

    def keep(self, life):
        target = self.kept / life.folder.name
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(life.folder, target, ignore=shutil.ignore_patterns("kubeconfig*"))
        return target


class Hands:
    """Lives all plans: each life takes the next one for each of its phases."""

    def __init__(self, bench, chosen):
        self.bench, self._jobs = bench, bench.stage.jobs
        self._lock = threading.Lock()
        self._queues = {job: {phase: [] for phase in phases} for job, phases in self._jobs.items()}
        for plan in reversed(chosen):
            self._queues[plan.job][plan.phase].append(plan)
        self.failed, self.once, self.unreached, self.done = [], [], [], []
        self.stopping = False
        self._tried = set()

    def _job(self):
        """The one with most to do."""
        with self._lock:
            job = max(self._jobs, key=lambda each: max(map(len, self._queues[each].values())))
            return job if any(self._queues[job].values()) else None

    def _next(self, job, phase):
        with self._lock:
            queue = self._queues[job][phase]
            return queue.pop() if queue else None

    def work(self):
        while not self.stopping and len(self.failed) < MOST_FAILURES and (job := self._job()):
            self._live(job)

    def _live(self, job):
        life, plan, taken = None, None, []
        try:
            life = Life(self.bench, job, "life")
            life.start()
            phases = list(self._jobs[job])
            for phase in phases:
                if not any(self._queues[job][each] for each in phases[phases.index(phase):]):
                    break
                plan = self._next(job, phase)
                life.phase(phase, plan)
                if plan:
                    taken.append(plan)
                    with self._lock:
                        self.done.append(plan)
                        if not life.fired:
                            self.unreached.append(plan)
            plan = None
            life.finish()
            if breaches := life.breaches():
                self._fail(life, taken, "; ".join(breaches[:5]), again=False)
            else:
                shutil.rmtree(life.folder)
        except Exception as error:  # told with all that is known; the other lives go on
            problem = trouble(error)
            breaches = self._breaches(life)
            self._fail(life, [plan] if plan else taken, "; ".join([problem, *breaches[:5]]), again=not breaches)
        finally:
            if life:
                life.close()
                with self.bench._lock:
                    self.bench.lives += 1
                    self.bench.slowest = max(self.bench.slowest, life.settled_after)

    def _breaches(self, life):
        """Of a life that has failed already: whoever cannot judge it any more says so, and the other lives go on."""
        try:
            return life.breaches() if life else []
        except Exception as error:
            return [f"nobody can say what else was wrong: {error}"]

    def left(self):
        """Plans that nobody has taken."""
        return [plan for phases in self._queues.values() for queue in phases.values() for plan in queue]

    def _fail(self, life, taken, problem, again):
        """What converged too late once is tried once more: the machine may have been slow. What was unsafe once is a failure."""
        kept = self.bench.keep(life) if life else "none"
        names = [plan.name for plan in taken] or ["no fault at all"]
        with self._lock:
            second = any(plan.name in self._tried for plan in taken)
            if again and taken and not second:
                self.once.append({"plans": names, "problem": problem[:600]})
                for plan in taken:
                    self._tried.add(plan.name)
                    self._queues[plan.job][plan.phase].append(plan)
            else:
                self.failed.append({"plans": names, "problem": problem[:2000]})
                self.done.extend(plan for plan in taken if plan not in self.done)
        word = "again " if again and taken and not second else "FAIL  "
        print(f"{word}{' + '.join(names)}\n      " + problem[:3000].replace("\n", "\n      ") + f"\n      kept: {kept}", flush=True)


class Earlier:
    """A run that was interrupted, by its report: what passed then need not be tried again, by the very same program."""

    def __init__(self, path, program):
        self.program = hashlib.sha256(Path(program).read_bytes()).hexdigest()
        self.passed, self.figures = set(), {"plans": 0, "lives": 0, "seconds": 0.0, "runs": 0}
        if not path:
            return
        try:
            report = json.loads(Path(path).read_text())
            if report["program"] != self.program:
                raise Failure(f"{path} is of another program than {program}: what passed with that says nothing of this one")
            self.passed, earlier = set(report["passed"]), report["earlier"]
            self.figures = {what: earlier[what] + report[what] for what in ("plans", "lives", "seconds")}
            self.figures["runs"] = earlier["runs"] + 1
        except (OSError, ValueError, KeyError) as error:
            raise Failure(f"{path} is no report of a run of faults that can be continued: {error!r}") from error


def run_plans(bench, given, short):
    started = time.monotonic()
    earlier = Earlier(getattr(given, "after", None), bench.command[0])
    jobs = [given.job] if given.job else list(bench.stage.jobs)
    with Progress("undisturbed lives"):
        found = bench.learn(jobs, REST if given.short or given.list or given.plans is not None else LONG_REST)
    chosen = [plan for plan in found if all(word in plan.name for word in given.only)]
    leases = [name for name in LEASES if all(word in name for word in given.only)]
    alone = [name for name, event in EVENTS.items() if event.job in jobs and all(word in name for word in given.only)]
    chosen, leases, alone = ([one for one in all_ if getattr(one, "name", one) not in earlier.passed] for all_ in (chosen, leases, alone))
    if earlier.passed:
        say(f"{len(earlier.passed)} have passed before, in {earlier.figures['runs']} runs")
    if given.short:
        chosen, leases, alone = planner.sample([plan for plan in chosen if plan.seconds <= QUICK], short), leases[:1], []
    if given.plans is not None:
        chosen = planner.sample(chosen, given.plans)
    if given.list:
        print(*sorted(plan.name for plan in chosen), *leases, *alone, sep="\n")
        say(f"{len(chosen)} plans of {len(found)}, {len(leases)} of the lease, {len(alone)} of the whole cluster")
        return 0
    if not chosen and not leases and not alone:
        raise Failure("no plan has such a name")
    for job in jobs:
        say(f"{job}: undisturbed {bench.known[job].writes} writes, {bench.known[job].peak_kib} KiB")
    apart = [plan for plan in chosen if plan.trouble in ONE_AT_A_TIME]
    hands = [Hands(bench, [plan for plan in chosen if plan.trouble not in ONE_AT_A_TIME])]
    facts = {}
    if apart:
        with Progress("a second API server, and how it answers while it lags"):
            facts = bench.start_second()
        hands.append(Hands(bench, apart))
    lost = []
    workers = [threading.Thread(target=hands[0].work, daemon=True) for _ in range(given.parallel)]
    workers += [threading.Thread(target=each.work, daemon=True) for each in hands[1:]]
    if leases and "--lease" in bench.command:
        workers.append(threading.Thread(target=lambda: lost.extend(lease_life(bench, leases)), daemon=True))
    else:
        leases = []
    with Progress(f"{len(chosen)} plans, {len(leases)} of the lease") as progress:
        for worker in workers:
            worker.start()
        while any(worker.is_alive() for worker in workers):
            try:
                next(worker for worker in workers if worker.is_alive()).join(0.5)
            except KeyboardInterrupt:
                if any(each.stopping for each in hands):
                    raise
                say("ending the lives that are under way; once more to leave at once")
                for each in hands:
                    each.stopping = True
            done, failed, once = (sum(len(getattr(each, what)) for each in hands) for what in ("done", "failed", "once"))
            progress.detail = f"{done} done in {bench.lives} lives, {failed} failed, {once} once more"
    if alone and bench.name == "knfe" and not any(each.stopping for each in hands):
        with Progress(f"{len(alone)} of the whole cluster"):
            lost += run_alone(bench, alone)
    else:
        alone = []
    return report(bench, hands, {name: LEASES[name].row for name in leases} | {name: EVENTS[name].row for name in alone}, lost, facts,
                  started, earlier)


def report(bench, hands, others, lost, facts, started, earlier):
    """`others`: the rows of those that were no plan of a life's."""
    seconds = time.monotonic() - started
    done, unreached, once = ([one for each in hands for one in getattr(each, what)] for what in ("done", "unreached", "once"))
    failed = [one for each in hands for one in each.failed]
    bad = {name for each in failed for name in each["plans"]}
    rows = Counter(plan.row for plan in done)
    rows.update(others.values())
    failed += [{"plans": [name], "problem": problem} for name, problem in lost]
    groups = {}
    for plan in done:
        group = groups.setdefault((plan.job, plan.phase, plan.fault), Counter())
        group["plans"] += 1
        group["failed"] += plan.name in bad
        group["unreached"] += plan in unreached
    steps = [{"name": " ".join(key), **group} for key, group in sorted(groups.items())]
    plans = len(done) + len(others)
    if len(unreached) > MOST_UNREACHED * plans:
        failed.append({"plans": [plan.name for plan in unreached], "problem": "never met their place: what is asked has changed, or the rules do not fit"})
    say(f"{plans} plans in {bench.lives} lives, {len(unreached)} of them never reached; undisturbed state at the latest "
        f"{bench.slowest:.1f} s after what was asked; {seconds:.0f} s in all")
    left = [plan for each in hands for plan in each.left()]
    if left or any(each.stopping for each in hands):
        failed.append({"plans": [plan.name for plan in left], "problem": "interrupted, or after too many failures"})
    passed = {plan.name for plan in done} | others.keys()
    passed -= {name for each in failed for name in each["plans"]} | {plan.name for plan in unreached}
    write_report("faults" if bench.name == "knfe" else f"faults-{bench.name}", not failed, steps,
                 [("failures", len(failed), "plans", 0)], operator=bench.name, plans=plans, lives=bench.lives,
                 unreached=len(unreached), rows=dict(sorted(rows.items())), seconds=seconds, slowest=bench.slowest,
                 undisturbed={job: {"writes": each.writes, "peak_kib": each.peak_kib} for job, each in bench.known.items()},
                 failures=failed, once=once, lagging=facts, processors=os.cpu_count(), program=earlier.program, earlier=earlier.figures,
                 passed=sorted(passed | earlier.passed))
    if earlier.passed:
        print(f"{len(passed | earlier.passed)} passed in all {earlier.figures['runs'] + 1} runs, "
              f"{earlier.figures['seconds'] + seconds:.0f} s in all")
    print(f"{plans - len(failed) - len(unreached)} passed, {len(failed)} failed, {len(unreached)} without their fault, {len(left)} not tried")
    return 1 if failed else 0
