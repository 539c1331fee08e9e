"""How does a backend do real work on its share of a core? Within a quota of each period, as the kernel's limits are."""

import hashlib
import time
from collections import deque

from openprequal.bench.tail.paced_clock import PacedClock
from openprequal.simulation.serving import Job

PERIOD_S = 0.05
SLICE_S = 0.001
"""Jobs take turns of so long, and the sockets are looked at between."""
_BLOCK = bytes(1024)


class CpuShare:
    """A ``simulation.serving.Serving`` that computes; ``cores`` is the share of a core that it may use."""

    def __init__(self, clock: PacedClock, cores: float, speed: float = 1.0) -> None:
        self.cores = cores
        self.speed = speed
        self.jobs = 0
        self._clock = clock
        self._worked_s = 0.0
        self._turns: deque[tuple[Job, float]] = deque()
        """Jobs and what is left of them, in seconds, whose turn comes next first."""
        self._period = 0
        self._left_s = 0.0
        """Of this period's quota."""
        self._running = False

    def begin(self, job: Job) -> None:
        self.jobs += 1
        self._turns.append((job, job.work_s))
        if not self._running:
            self._running = True
            self._clock.after(0.0, self._turn)

    def cancel(self, job: Job) -> None:
        job.cancelled = True
        self.jobs -= 1

    def change(self, cores: float, speed: float) -> None:
        self.cores = cores
        self.speed = speed

    def worked_s(self) -> float:
        return self._worked_s

    def _turn(self) -> None:
        while self._turns and self._turns[0][0].cancelled:
            self._turns.popleft()
        if not self._turns:
            self._running = False
            return
        clock = self._clock
        now = clock.real_s()
        period = int(now / PERIOD_S)
        if period != self._period:
            self._period = period
            # What the last slice took too much is taken from this period.
            self._left_s = min(0.0, self._left_s) + self.cores * self.speed * PERIOD_S
        if self._left_s <= 0.0:
            clock.after((period + 1) * PERIOD_S - clock.now, self._turn)
            return
        job, left_s = self._turns.popleft()
        spent_s = _burn(min(SLICE_S, left_s, self._left_s))
        self._left_s -= spent_s
        self._worked_s += spent_s
        left_s -= spent_s
        # In a turn of its own: what came meanwhile is read first.
        clock.after(max(0.0, clock.real_s() - clock.now), self._turn)
        if left_s > 0.0:
            self._turns.append((job, left_s))
        else:
            self.jobs -= 1
            job.done()


def _burn(cpu_s: float) -> float:
    """Compute for at least so long; how long it was."""
    began = time.thread_time()
    while (spent_s := time.thread_time() - began) < cpu_s:
        hashlib.sha256(_BLOCK)
    return spent_s
