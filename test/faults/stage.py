"""Where lives are lived: which jobs there are, which kinds are looked at, who moves pods, as whom the operator acts."""

import re

from faults import jobs
from faults.history import History, KNFE, KnfeReplay, Replay
from kit import state
from kit.actor import Actor
from kit.rig import OPERATOR


class Stage:
    without = frozenset()  # troubles and faults that are not for its operators

    def __init__(self, rig):
        self.rig = rig
        self._folder = self._history = None

    def snapshot(self, namespace):
        """(kind, object) of all that the job has to do with."""
        return state.snapshot(self.rig.api, namespace, self.kinds)

    def open(self, folder, without=(), whole=False):
        """(who moves pods, the history of all objects: but for some kinds; with what is there already)."""
        self._folder = folder
        watched = {kind: selector for kind, selector in self.watched.items() if kind not in without}
        self._history = History(self.rig.api, watched, self.replay, whole)
        return None, self._history

    def close(self):
        self._history.close()

    def visible(self, operator, plan):
        """What an operator must say of what it is not allowed."""

    def _write(self, name, token):
        file = self._folder / name
        file.write_text(token)
        file.chmod(0o600)
        return file


class Knfe(Stage):
    """KNFE's own jobs, by its ServiceAccount."""
    jobs = jobs.JOBS
    kinds, watched = state.KNFE, KNFE
    replay = KnfeReplay

    def open(self, folder, without=(), whole=False):
        super().open(folder, without, whole)
        self._token_file = self._write("token", self.token(None))
        self._actor = Actor(self.rig.api)
        return self._actor, self._history

    def close(self):
        super().close()
        self._actor.close()

    def token(self, _):
        return self.rig.token(*OPERATOR)

    def token_file(self, _):
        return self._token_file

    def check(self, job, checkpoint, case):
        """What must hold beside the state's being the undisturbed one."""
        jobs.check(job, checkpoint, case)

    def visible(self, operator, plan):
        rule = plan.rules[0]
        resource, verb = rule["resource"], rule["verb"].replace("apply", "patch")
        log = operator.log.read_text(errors="replace")
        assert f"cannot {verb} resource" in log, f"its log does not say that it may not {verb} {resource}"
        wanted = re.compile(rf'^knfe_api_requests_total{{(?=[^}}]*resource="{resource}")(?=[^}}]*code="403").*}} [1-9]', re.M)
        assert wanted.search(operator.metrics()), f"its metrics do not count that it may not {verb} {resource}"


class Peers(Stage):
    """The benchmark's job, which KNFE's runtime and its peers do alike, each by the account that it has in its namespace."""
    replay = Replay
    without = frozenset({"lag", "cut-off", "rotation", "rotation-late", "denied"})

    def __init__(self, rig):
        super().__init__(rig)
        # The benchmark's kinds have the names of KNFE's: only its rig may be under the same roof.
        from faults import peer_jobs
        from rigs.rig import ACCOUNT, NAD, PRIMARIES
        self.jobs, self._check, self._account = peer_jobs.JOBS, peer_jobs.check, ACCOUNT
        self.kinds = self.watched = dict.fromkeys([*PRIMARIES, NAD])

    def token_file(self, namespace):
        return self._write(f"{namespace}.token", self.rig.token(namespace, self._account))

    def check(self, job, checkpoint, case):
        self._check(case)
