"""LoopLag: how late is the reactor, because something held it?"""

from twisted.internet.interfaces import IReactorTime

from openprequal.clocks import Periodic
from openprequal.metrics.tally import Durations

TICK_S = 0.1
"""Ten cheap ticks a second catch one in twenty of the turns that hold the reactor for 5 ms."""

LAG_BUCKETS_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0)


class LoopLag(Periodic):
    """Measures how long after its due time a tick really comes.

    ``LoopingCall`` keeps its ticks on the grid of its start, so that every tick's due time is known; those missed
    altogether count once, with the whole delay.

    :ivar durations: the lags seen so far, for the metrics.
    """

    def __init__(self, clock: IReactorTime, interval_s: float = TICK_S) -> None:
        super().__init__(clock, interval_s, self._measure, "loop lag")
        self.durations = Durations(LAG_BUCKETS_S)
        self._clock = clock
        self._due = 0.0

    def start(self, now: bool = False) -> None:
        if not self.running:
            self._due = self._clock.seconds() + (0.0 if now else self.interval_s)
        super().start(now)

    def _measure(self) -> None:
        now = self._clock.seconds()
        lag_s = max(0.0, now - self._due)
        self.durations.observe(lag_s)
        # The next due time is the first point of the grid that still lies ahead.
        self._due += (int(lag_s / self.interval_s) + 1) * self.interval_s
