"""How much does a process hold, and does that grow? Its memory and descriptors, sampled again and again."""

import asyncio
import contextlib
import os
import statistics
import time
from pathlib import Path
from typing import NamedTuple

INTERVAL_S = 1.0
MIB = 1024 * 1024


class Sample(NamedTuple):
    """At one moment of the monotonic clock."""

    at: float
    rss_mib: float
    descriptors: int


def sample(pid: int) -> Sample:
    """How it is now.

    :raises OSError: there is no such process, or no ``/proc``.
    """
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    resident = pages * os.sysconf("SC_PAGE_SIZE") / MIB
    return Sample(time.monotonic(), resident, len(os.listdir(f"/proc/{pid}/fd")))


class Watched:
    """Sampled every second until cancelled.

    :ivar samples: so far, the oldest first.
    """

    def __init__(self, pid: int) -> None:
        self.samples: list[Sample] = []
        self._pid = pid

    async def watch(self) -> None:
        """Go on until cancelled, or until the process has ended."""
        with contextlib.suppress(OSError):
            while True:
                self.samples.append(sample(self._pid))
                await asyncio.sleep(INTERVAL_S)

    def rss_mib(self, began: float, ended: float) -> float:
        """The median between two moments; 0 if nothing was sampled then."""
        return statistics.median([each.rss_mib for each in self.samples if began <= each.at <= ended] or [0.0])

    def trend_mib_per_hour(self, began: float, ended: float) -> float:
        """The slope of a straight line through the samples between two moments."""
        between = [each for each in self.samples if began <= each.at <= ended]
        if len(between) < 2:
            return 0.0
        return 3600 * statistics.linear_regression([one.at for one in between], [one.rss_mib for one in between]).slope
