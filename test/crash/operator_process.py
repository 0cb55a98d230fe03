"""knfe_crash as a child process: what it says, and how it ends."""

import signal
import subprocess
import threading

from kit.wait import until


class OperatorProcess:
    """`kill` is None or (when, number): "before" or "after" which of its writes it ends itself."""

    def __init__(self, command, environment, log, kill=None):
        self.kill = kill
        words = ["setpriv", "--pdeathsig", "KILL", *command, *([kill[0], str(kill[1])] if kill else [])]
        with open(log, "ab") as errors:
            self._process = subprocess.Popen(words, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, text=True)
        self.writes = []  # "NUMBER METHOD PATH"
        self._ready = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self._process.stdout:
            if line == "ready\n":
                self._ready.set()
            elif line[0].isdigit():
                self.writes.append(line.rstrip())

    def wait_ready(self):
        until("the operator is ready", lambda: self._ready.is_set() or self._process.poll() is not None)

    def was_killed(self):
        """Whether it has come to its own end; any other end is a failure."""
        code = self._process.poll()
        assert code in (None, -signal.SIGKILL) and (code is None or self.kill), f"the operator ended with {code}"
        if code is not None:
            self._reader.join(5)  # its last words may still be on their way
        return code is not None

    def stop(self):
        """SIGTERM; it must end by itself."""
        self._process.send_signal(signal.SIGTERM)
        code = self._process.wait(timeout=20)
        self._reader.join(5)
        assert code == 0, f"the operator ended with {code} at SIGTERM"

    def end(self):
        """Whatever state it is in."""
        self._process.kill()
        self._process.wait()
