"""ProcessorSharing: when is a job done that shares some cores with the other jobs present?"""

from heapq import heappop, heappush
from itertools import count

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime


class ProcessorSharing:
    """Emulates *cores* processors shared equally by all jobs present, without burning any: k jobs run at the rate
    min(1, cores / k) each (the trial model of PREQUAL.md section 4). ``cores`` 0: no sharing, a job is a mere delay.

    Since all jobs run at one rate, one number tells how much work each job present at both ends of a span got in it:
    ``_attained``. A job is done when that has grown by its work since it came; one heap and one timer serve all jobs.
    """

    def __init__(self, clock: IReactorTime, cores: float) -> None:
        self._clock = clock
        self._cores = cores
        self._attained = 0.0
        self._attained_at = clock.seconds()
        self._present: dict[int, Deferred[None]] = {}
        self._finishing: list[tuple[float, int]] = []  # (attained when done, number): a heap, cancelled jobs included
        self._numbers = count()
        self._timer: IDelayedCall | None = None

    def work(self, work_s: float) -> "Deferred[None]":
        """Fires when a job of *work_s* seconds, alone on a core, is done; cancel it when nobody wants it any more."""
        if work_s <= 0:
            return succeed(None)
        self._advance()
        number = next(self._numbers)
        done: Deferred[None] = Deferred(lambda _: self._leave(number))
        self._present[number] = done
        heappush(self._finishing, (self._attained + work_s, number))
        self._arm()
        return done

    @property
    def _rate(self) -> float:
        return min(1.0, self._cores / len(self._present)) if self._cores and self._present else 1.0

    def _advance(self) -> None:
        """Let the time since the last call pass, at the rate of the jobs that were present."""
        now = self._clock.seconds()
        self._attained += max(0.0, now - self._attained_at) * self._rate
        self._attained_at = now

    def _leave(self, number: int) -> None:
        self._advance()
        del self._present[number]
        self._arm()

    def _arm(self) -> None:
        """Set the timer to when the next of the jobs present is done, if nobody comes or leaves before."""
        while self._finishing and self._finishing[0][1] not in self._present:
            heappop(self._finishing)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._finishing:
            remaining_s = max(0.0, (self._finishing[0][0] - self._attained) / self._rate)
            self._timer = self._clock.callLater(remaining_s, self._due)

    def _due(self) -> None:
        self._timer = None
        self._advance()
        done: list[Deferred[None]] = []
        # The tolerance is for rounding: a timer a nanosecond early would otherwise be set again and again.
        while self._finishing and self._finishing[0][0] <= self._attained + 1e-9:
            _, number = heappop(self._finishing)
            if number in self._present:
                done.append(self._present.pop(number))
        self._arm()
        for job in done:
            job.callback(None)
