"""What becomes of the operator's process, beside kill -9 at a write, and of what it talks to.

`tick` is called again and again while the operator is at work, `end` when that is over, `give_back` however that went; `count` says
how often something was done. Who is `mortal` may end by itself, and is started anew then.
"""

import random
import time
import zlib
from pathlib import Path

from faults import second

SHORTAGE = 3.0  # seconds


class Trouble:
    mortal = False

    def __init__(self, life, plan):
        self.life, self.operator, self.began, self.count = life, life.operator, time.monotonic(), 0
        self._random = random.Random(zlib.crc32(plan.name.encode()))

    @property
    def age(self):
        return time.monotonic() - self.began

    def tick(self):
        pass

    def killed(self):
        """At a write; it is started again next."""

    def end(self):
        pass

    def give_back(self):
        pass


class CrashLoop(Trouble):
    """Killed every 0.2 to 5 s."""
    LENGTH = 15.0

    def __init__(self, life, plan):
        super().__init__(life, plan)
        self._next = self._random.uniform(0.2, 2.0)

    def tick(self):
        if self._next <= self.age < self.LENGTH:
            self.operator.kill()
            self.operator.start()
            self.count += 1
            self._next = self.age + self._random.uniform(0.2, 5.0)


class Shortage(Trouble):
    """Of something that prlimit(1) gives."""
    LIMIT = None

    def __init__(self, life, plan):
        super().__init__(life, plan)
        self._is_short = True
        self.operator.limit(self.LIMIT, self.least())
        self.count = 1

    def least(self):
        raise NotImplementedError

    def tick(self):
        if self._is_short and self.age > SHORTAGE:
            self.operator.limit(self.LIMIT, "unlimited" if self.LIMIT == "as" else 1024)
            self._is_short = False


class NoFiles(Shortage):
    LIMIT = "nofile"

    def least(self):
        return 4


class NoMemory(Shortage):
    LIMIT = "as"
    mortal = True

    def least(self):
        return self.operator.address_space()


class NoRoomForLogs(Trouble):
    def __init__(self, life, plan):
        super().__init__(life, plan)
        self.operator.kill()
        self.operator.start(log=Path("/dev/full"))
        self.count = 1


class ClockJumps(Trouble):
    """The wall clock: an hour on, an hour back. (What a static binary asks the kernel for cannot be told otherwise.)"""
    JUMPS = [(1.0, "+3600"), (3.0, "-3600"), (5.0, "+0")]

    def __init__(self, life, plan):
        super().__init__(life, plan)
        self._file = self.operator.log.with_name("clock")
        self._set("+0")
        self._left = list(self.JUMPS)
        self.operator.kill()
        self.operator.start(LD_PRELOAD="/usr/$LIB/faketime/libfaketime.so.1", FAKETIME_TIMESTAMP_FILE=str(self._file),
                       FAKETIME_NO_CACHE="1", DONT_FAKE_MONOTONIC="1", FAKETIME_DONT_FAKE_MONOTONIC="1")

    def _set(self, offset):
        self._file.write_text(offset + "\n")

    def tick(self):
        while self._left and self.age >= self._left[0][0]:
            self._set(self._left.pop(0)[1])
            self.count += 1


class Lag(Trouble):
    """The second API server does not hear of what changes, until the operator has been started again and a while has passed."""
    HELD = second.WATCHES
    LENGTH = 5.0
    LONGEST = 25.0

    def __init__(self, life, plan):
        super().__init__(life, plan)
        self._restarts = any(rule["do"].startswith("hold-") for rule in plan.rules)
        self._held = True
        life.bench.second.hold(self.HELD)
        self.count = 1

    def tick(self):
        since = self.life.restarted_at if self._restarts else self.began
        if self._held and (self.age > self.LONGEST or since and time.monotonic() - since > self.LENGTH):
            self.give_back()

    def end(self):
        self.give_back()

    def give_back(self):
        if self._held:
            self.life.bench.second.release()
            self._held = False


class CutOff(Lag):
    """And it reaches etcd for nothing else, either."""
    HELD = second.ALL


class Rotation(Trouble):
    """At half of the writes, certificate, authority and token are others."""
    LATE_MS = 0

    def __init__(self, life, plan):
        super().__init__(life, plan)
        self._at = len(life.proxy.writes()) + life.known.writes[plan.phase] // 2
        self._token = life.bench.stage.token(life.case.ns)

    def tick(self):
        if not self.count and len(self.life.proxy.writes()) >= self._at:
            self.life.proxy.rotate(self._token, self.LATE_MS)
            self.count = 1


class LateRotation(Rotation):
    """And for a while the operator cannot know of it."""
    LATE_MS = 3000


class Upgrade(Trouble):
    """The version before begins, this one goes on, the one before again for a while, and this one has the last word. The first
    two are killed at a write, the third one in its work or at rest, as it comes."""
    LENGTH = 6.0
    LONGEST = 25.0

    def __init__(self, life, plan):
        super().__init__(life, plan)
        self._is_before = False
        self._hand_over()

    def _turn(self):
        self._is_before = not self._is_before
        self.operator.command = self.life.command(self._is_before)
        self.count += 1

    def _hand_over(self):
        self._turn()
        self.operator.kill()
        self.operator.start()

    def killed(self):
        self._turn()

    def tick(self):
        since = self.life.restarted_at
        if self._is_before and (self.age > self.LONGEST or since and time.monotonic() - since > self.LENGTH):
            self._hand_over()

    def end(self):
        assert not self._is_before, "the version before is still there"


TROUBLES = {"crash-loop": CrashLoop, "clock-jumps": ClockJumps, "no-memory": NoMemory, "no-files": NoFiles,
            "no-room-for-logs": NoRoomForLogs, "rotation": Rotation, "rotation-late": LateRotation, "lag": Lag, "cut-off": CutOff,
            "upgrade": Upgrade}
ROTATIONS = {"rotation", "rotation-late"}
ONE_AT_A_TIME = {"lag", "cut-off"}  # there is one second API server
