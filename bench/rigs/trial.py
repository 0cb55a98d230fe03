"""One trial of one contestant in a namespace of its own: idle, a fresh set, a restart; and the floors beneath it."""

import json
import subprocess
import threading
import time
from collections import Counter

from kit import kinds
from kit.feed import Feed
from kit.wait import until
from rigs import job
from rigs.contestant import observe
from rigs.rig import NAD, PRIMARIES
from rigs.runs import CONTESTANT

REST = 3.0  # seconds over which what rests is observed


class Trial:
    def __init__(self, rig, networks, points):
        self.rig, self.api = rig, rig.api
        self.networks, self.points = networks, points
        self.primaries = networks + points
        self.ns = rig.namespace("b")

    def close(self):
        """Everything goes, children included: the next trial finds the server as this one did."""
        self.rig.clear(self.ns)

    def populate(self):
        """Makes the primaries; eight at a time."""
        left = job.fresh_set(self.networks, self.points)
        lock, made, failed = threading.Lock(), [], []

        def work():
            while not failed:
                with lock:
                    if not left:
                        return
                    manifest = left.pop()
                manifest["metadata"]["namespace"] = self.ns
                try:
                    answer = self.api.create(manifest)
                    made.append({**answer, "kind": manifest["kind"]})
                except Exception as error:  # told by the caller's thread
                    failed.append(error)
        threads = [threading.Thread(target=work) for _ in range(8)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        if failed:
            raise failed[0]
        return made

    def settle(self):
        """Waits until no write was counted for a while, and returns the counts."""
        before = self.rig.writes()
        while True:
            observe(0.5)
            now = self.rig.writes()
            if now == before:
                return now
            before = now

    # -- a contestant --

    def idle(self, contestant):
        contestant.start(self.rig, self.ns, CONTESTANT)
        synced = contestant.synced_after()
        observe(REST)
        memory = contestant.memory()
        contestant.stop()
        return {"idle_synced_s": synced, "idle_rss_mib": memory["rss"], "idle_pss_mib": memory["pss"]}

    def fresh(self, contestant):
        before, server, waited = self.settle(), self.rig.server_cpu(), self.rig.server_wait()
        watch = Ready(self.api, self.ns, self.primaries)
        try:
            contestant.start(self.rig, self.ns, CONTESTANT)
            contestant.synced_after()
            ready = watch.wait(contestant) - contestant.started
        finally:
            watch.close()
        out = {"ready_s": ready, "ready_cpu_s": contestant.cpu(), "server_cpu_s": self.rig.server_cpu() - server,
               "server_wait_s": self.rig.server_wait() - waited}
        after = self.settle()
        cpu = contestant.cpu()
        observe(REST)
        out["rest_cpu_s"] = contestant.cpu() - cpu
        memory = contestant.memory()
        out |= {"peak_rss_mib": memory["peak"], "steady_rss_mib": memory["rss"], "steady_pss_mib": memory["pss"]}
        out["rest_writes"] = accepted(after, self.rig.writes())
        out |= {"writes": accepted(before, after), "conflicts": conflicts(before, after)}
        out["surplus_writes"] = out["writes"] - 2 * self.primaries
        why = job.objection([{**each, "kind": kind} for kind in PRIMARIES for each in self.api.list(kind, self.ns)],
                            self.api.list(NAD, self.ns))
        assert not why, f"{contestant.name} did not do its job: {why}"
        out["cpu_s"] = contestant.stop()
        return out

    def restart(self, contestant):
        before = self.rig.writes()
        contestant.start(self.rig, self.ns, CONTESTANT)
        out = {"restart_synced_s": contestant.synced_after()}
        after = self.settle()
        memory = contestant.memory()
        out |= {"restart_writes": accepted(before, after) + conflicts(before, after),
                "restart_peak_rss_mib": memory["peak"], "restart_rss_mib": memory["rss"]}
        out["restart_cpu_s"] = contestant.stop()
        return out

    # -- floors --

    def floor(self, program, *arguments):
        command = ["setpriv", "--pdeathsig", "KILL", "taskset", "--cpu-list", str(CONTESTANT), program,
                   "--kubeconfig", self.rig.kubeconfig(self.ns), *map(str, arguments)]
        result = subprocess.run(command, env=self.rig.cluster.environment(), text=True, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, check=False, timeout=600)
        assert result.returncode == 0, f"the floor's program failed: {result.stderr}"
        return json.loads(result.stdout)

    def write_ceiling(self, program, in_flight):
        file = self.rig.state / "writes.jsonl"
        job.write_bodies(self.populate(), file, "bench-floor", self.ns)
        self.settle()
        answer = self.floor(program, "--in-flight", in_flight, "--writes", file)
        assert not answer["refused"], f"{answer['refused']} of the floor's writes were refused"
        return answer

    def drain(self, program):
        return self.floor(program, *(kinds.path(kind, self.ns) for kind in [*PRIMARIES, NAD]))


class Ready:
    """When the last of so many primaries became Ready, by watches of the harness's own."""

    def __init__(self, api, namespace, number):
        self._ready, self._number = set(), number
        self._done, self._lock = threading.Event(), threading.Lock()
        self._at = None
        self._feeds = [Feed(api, kind, namespace, on_event=self._note) for kind in PRIMARIES]

    def _note(self, event):
        if job.is_ready(event.object):
            with self._lock:
                self._ready.add(event.object["metadata"]["uid"])
                if len(self._ready) == self._number and not self._at:
                    self._at = event.at
                    self._done.set()

    def wait(self, contestant, seconds=600):
        def over():
            assert contestant.runs, f"{contestant.name} has ended; see {contestant.log}"
            for feed in self._feeds:
                feed.events()  # raises if the watch broke
            return self._done.wait(1.0)
        until(f"{self._number} objects are Ready", over, seconds, every=0)
        return self._at

    def close(self):
        for feed in self._feeds:
            feed.close()


def _difference(before, after):
    # Deletions are the garbage collector's and the namespace controller's.
    return Counter({key: number - before.get(key, 0) for key, number in after.items()
                    if number > before.get(key, 0) and not key[1].startswith("DELETE")})


def accepted(before, after):
    return sum(number for (_, _, code), number in _difference(before, after).items() if code < 300)


def conflicts(before, after):
    return sum(number for (_, _, code), number in _difference(before, after).items() if code == 409)
