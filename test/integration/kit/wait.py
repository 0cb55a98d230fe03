"""The one place that waits by looking again."""

import time


def until(what, probe, seconds=20, every=0.03):
    """The first true answer of probe(). An AssertionError of its is a reason to look again, and told at the end."""
    started = time.monotonic()
    while True:
        reason = ""
        try:
            answer = probe()
            if answer:
                return answer
        except AssertionError as error:
            reason = f": {error}"
        if time.monotonic() - started > seconds:
            raise AssertionError(f"{what}: not within {seconds} s{reason}")
        time.sleep(every)
