"""What runs of the same thing have in common: on which processors, how far they lie apart, how many are left and how long they take."""

import os
import statistics
import time

from lib.progress import say

WIDEST = 0.15  # of the median: runs whose middle half lies further apart tell nothing when compared


FEWER = {"g1": 3}  # runs: nothing is held against it, it stands there to be seen


def processors():
    """Of the server and of the contestant; the same one where there is only one."""
    found = sorted(os.sched_getaffinity(0))
    return found[0], found[min(1, len(found) - 1)]


SERVER, CONTESTANT = processors()


def figures(values):
    """Median, least, most, quartiles, and how wide the middle half is, as a part of the median."""
    low, _, high = statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else (values[0],) * 3
    median = statistics.median(values)
    spread = (high - low) / abs(median) if median else float(high != low)
    return {key: round(value, 4) for key, value in (("median", median), ("least", min(values)), ("most", max(values)),
                                                    ("q1", low), ("q3", high), ("spread", spread))}


def wide(cell):
    return cell["spread"] > WIDEST


def text(cell):
    def short(value):
        return f"{value:.0f}" if abs(value) >= 100 or value == 0 else f"{value:.3g}"
    return f"{short(cell['median'])} ({short(cell['least'])}; {cell['spread'] * 100:.0f} %)"


def minutes(seconds):
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


class Expected:
    """Told before: [(name, seconds)] of all trials; corrected as they come."""

    def __init__(self, trials):
        self.trials, self.done, self.begun = trials, 0, time.monotonic()
        say(f"{len(trials)} trials, about {minutes(self.seconds)}")

    @property
    def seconds(self):
        return sum(seconds for _, seconds in self.trials)

    def tell(self, what):
        """One more is done."""
        gone = time.monotonic() - self.begun
        self.done += 1
        thought = sum(seconds for _, seconds in self.trials[:self.done])
        left = sum(seconds for _, seconds in self.trials[self.done:]) * (gone / thought if thought else 1)
        say(f"[{self.done}/{len(self.trials)}, {minutes(gone)} gone, about {minutes(left)} left] {what}")
