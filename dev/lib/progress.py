"""What the user sees while something takes longer than two seconds, and how a command fails."""

import os
import sys
import threading
import time


class Failure(Exception):
    """Ends a command with exit status 1; the text says what happened and what to do."""


class Misuse(Exception):
    """Ends a command with exit status 2."""


class Progress:
    """One line of progress on stderr: what, how far, seconds so far.

    On a terminal the line is redrawn each second; in a log a new line appears every ten seconds and at the end.
    """

    def __init__(self, what):
        self.what = what
        self.detail = ""
        self._started = time.monotonic()
        self._done = threading.Event()
        self._terminal = sys.stderr.isatty()
        self._thread = threading.Thread(target=self._run, daemon=True)

    @property
    def seconds(self):
        return time.monotonic() - self._started

    def _text(self):
        detail = f": {self.detail}" if self.detail else ""
        return f"{self.what}{detail} ({self.seconds:.0f} s)"

    def _run(self):
        period = 1 if self._terminal else 10
        while not self._done.wait(period):
            if self._terminal:
                width = os.get_terminal_size(sys.stderr.fileno()).columns or 80
                sys.stderr.write("\r\x1b[K" + self._text()[: max(width - 1, 20)])
                sys.stderr.flush()
            else:
                say(self._text())

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, kind, value, trace):
        self._done.set()
        self._thread.join()
        if self._terminal:
            sys.stderr.write("\r\x1b[K")
        outcome = "failed after" if kind else "done in"
        say(f"{self.what}: {outcome} {self.seconds:.1f} s")


def say(text):
    print(text, file=sys.stderr, flush=True)


def run_command(main, program):
    """Runs main() and turns its outcome into an exit status: 0 done, 1 failed, 2 wrong use."""
    try:
        sys.exit(main() or 0)
    except Misuse as error:
        say(f"{program}: {error}\ntry: {program} --help")
        sys.exit(2)
    except Failure as error:
        say(f"{program}: {error}")
        sys.exit(1)
    except KeyboardInterrupt:
        say(f"{program}: interrupted")
        sys.exit(1)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
