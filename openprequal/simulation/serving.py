"""How does a server serve the requests that are there together?"""

from collections import deque
from collections.abc import Callable
from heapq import heappop, heappush
from math import inf
from typing import Protocol

from openprequal.simulation.clock import VirtualClock

Done = Callable[[], None]


class Job:
    """One request being served; ``done`` is called when its work is, unless it is cancelled first.

    :ivar begun: called when the work begins, by a server that has a queue.
    """

    __slots__ = ("begun", "cancelled", "done", "work_s")

    def __init__(self, work_s: float, done: Done, begun: Done | None = None) -> None:
        self.work_s = work_s
        self.done = done
        self.begun = begun
        self.cancelled = False


class Serving(Protocol):
    """Serves jobs. ``cores`` and ``speed`` are what an omniscient observer knows of it."""

    cores: float
    speed: float
    jobs: int

    def begin(self, job: Job) -> None:
        """*job* is here."""

    def cancel(self, job: Job) -> None:
        """Nobody wants *job* any more; it is not done yet."""

    def change(self, cores: float, speed: float) -> None:
        """From now on it has other *cores* and *speed*."""

    def worked_s(self) -> float:
        """Work done until now, in seconds; that of jobs that were cancelled too."""


class ProcessorSharing:
    """All jobs run at once, each at the rate speed * min(1, cores / jobs): the trial model of PREQUAL.md section 4.

    With infinite cores, a pure delay. Since all run at one rate, one number tells how much work each of them got in a
    span; a job is done when that has grown by its work. Then a heap orders them, and one pending call is enough.
    """

    __slots__ = (
        "_attained_s",
        "_clock",
        "_due_s",
        "_finishing",
        "_number",
        "_rate",
        "_since_s",
        "_worked_s",
        "cores",
        "jobs",
        "speed",
    )

    def __init__(self, clock: VirtualClock, cores: float, speed: float = 1.0) -> None:
        self.cores = cores
        self.speed = speed
        self.jobs = 0
        self._clock = clock
        self._attained_s = 0.0
        self._since_s = clock.now
        self._worked_s = 0.0
        self._rate = 0.0
        self._finishing: list[tuple[float, int, Job]] = []
        self._number = 0
        self._due_s = inf

    def begin(self, job: Job) -> None:
        self._advance()
        self.jobs += 1
        self._number += 1
        heappush(self._finishing, (self._attained_s + job.work_s, self._number, job))
        self._arm()

    def cancel(self, job: Job) -> None:
        self._advance()
        job.cancelled = True
        self.jobs -= 1
        self._arm()

    def change(self, cores: float, speed: float) -> None:
        self._advance()
        self.cores = cores
        self.speed = speed
        self._arm()

    def worked_s(self) -> float:
        self._advance()
        return self._worked_s

    def _advance(self) -> None:
        now = self._clock.now
        attained_s = (now - self._since_s) * self._rate
        self._attained_s += attained_s
        self._worked_s += attained_s * self.jobs
        self._since_s = now

    def _arm(self) -> None:
        finishing = self._finishing
        while finishing and finishing[0][2].cancelled:
            heappop(finishing)
        jobs = self.jobs
        if not jobs:
            self._rate = 0.0
            return
        cores = self.cores
        self._rate = rate = self.speed if jobs <= cores else self.speed * cores / jobs
        now = self._clock.now
        due_s = now + max(0.0, finishing[0][0] - self._attained_s) / rate
        # A pending call that comes too early looks again; only an earlier one has to be made.
        if due_s < self._due_s - 1e-12:
            self._due_s = due_s
            self._clock.after(due_s - now, self._look, due_s)

    def _look(self, due_s: float) -> None:
        if due_s != self._due_s:
            return
        self._due_s = inf
        self._advance()
        finishing = self._finishing
        done: list[Job] = []
        limit = self._attained_s + 1e-9  # rounding: a look a nanosecond early would be followed by another for ever
        while finishing and finishing[0][0] <= limit:
            job = heappop(finishing)[2]
            if not job.cancelled:
                self.jobs -= 1
                done.append(job)
        self._arm()
        for job in done:
            job.done()


class SlotsAndQueue:
    """As many jobs as it has slots run at once, each at its full speed; the others wait their turn in one queue.

    A synchronous server with so many workers.
    """

    __slots__ = ("_clock", "_running", "_waiting", "_worked_s", "cores", "jobs", "speed")

    def __init__(self, clock: VirtualClock, slots: float, speed: float = 1.0) -> None:
        self.cores = slots
        self.speed = speed
        self.jobs = 0
        self._clock = clock
        self._running = 0
        self._worked_s = 0.0
        self._waiting: deque[Job] = deque()

    def begin(self, job: Job) -> None:
        self.jobs += 1
        if self._running < self.cores:
            self._run(job)
        else:
            self._waiting.append(job)

    def cancel(self, job: Job) -> None:
        # A worker that has begun goes on to the end, as a synchronous server's does.
        job.cancelled = True
        if job in self._waiting:
            self._waiting.remove(job)
            self.jobs -= 1

    def change(self, cores: float, speed: float) -> None:
        """Jobs that have begun go on at the old speed."""
        self.cores = cores
        self.speed = speed

    def worked_s(self) -> float:
        """See :meth:`Serving.worked_s`; a job counts when it ends."""
        return self._worked_s

    def _run(self, job: Job) -> None:
        self._running += 1
        if job.begun is not None:
            job.begun()
        self._clock.after(job.work_s / self.speed, self._ended, job)

    def _ended(self, job: Job) -> None:
        self._running -= 1
        self.jobs -= 1
        self._worked_s += job.work_s
        while self._waiting and self._running < self.cores:
            self._run(self._waiting.popleft())
        if not job.cancelled:
            job.done()
