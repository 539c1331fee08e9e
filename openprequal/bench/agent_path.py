"""What does a request cost a backend for its being counted and reported? In memory, without a server."""

import sys
import time
from collections.abc import Callable
from typing import Any, Final

from openprequal.agent.load import LoadTracker
from openprequal.agent.report_format import field_value
from openprequal.bench.hot_path import REPEATS, microseconds


class _Clock:
    seconds = staticmethod(time.monotonic)


def _counted(tracker: LoadTracker) -> Callable[[int], None]:
    def work(count: int) -> None:
        for _ in range(count):
            request = tracker.begin()
            request.head()
            request.report()
            request.end()

    return work


def _told(tracker: LoadTracker) -> Callable[[int], None]:
    def work(count: int) -> None:
        for _ in range(count):
            request = tracker.begin()
            request.head()
            field_value(request.report())
            request.end()

    return work


WORK: Final = {"begin, head, report, end": _counted, "and the report written": _told}


def report(count: int) -> None:
    """Measure and print a line for each kind of work."""
    clock: Any = _Clock()
    sys.stdout.write(f"a request at the backend; least of {REPEATS} repeats of {count}\n")
    for name, work in WORK.items():
        sys.stdout.write(f"{name:<26}{microseconds(work(LoadTracker(clock)), count):>8.2f} µs\n")
